//! An Alertmanager that keeps silences, or does not answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ports::{PortError, Silences, Standing, Window};

/// Who places them.
const OWNER: &str = "simulation";
/// After so long a call gives up.
const PATIENCE: Duration = Duration::from_secs(2);

/// How it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answering {
    /// As it should.
    #[default]
    Well,
    /// It takes no connection.
    Away,
    /// It takes the call and never answers.
    Hanging,
    /// It does what it is told, and its answer is lost.
    Lost,
    /// It refuses every silence.
    Refusing,
}

/// Keeps what is silenced.
#[derive(Clone, Debug, Default)]
pub struct SimSilences(Arc<Mutex<Board>>);

#[derive(Debug, Default)]
struct Board {
    answering: Answering,
    standing: Vec<Standing>,
    /// Every one that ever stood.
    placed: Vec<Standing>,
    warnings: Vec<String>,
}

impl SimSilences {
    /// From now on it answers like this.
    pub fn answer(&self, answering: Answering) {
        self.board().answering = answering;
    }

    /// Every silence that ever stood.
    pub fn placed(&self) -> Vec<Standing> {
        self.board().placed.clone()
    }

    /// Those that stand, whether it answers or not.
    pub fn left(&self) -> Vec<Standing> {
        self.board().standing.clone()
    }

    /// Hears that silences do not stand, or were not lifted.
    pub fn warn(&self, line: &str) {
        self.board().warnings.push(line.to_owned());
    }

    /// What it heard.
    pub fn warnings(&self) -> Vec<String> {
        self.board().warnings.clone()
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answered<T>(&self, change: impl FnOnce(&mut Board) -> T) -> Result<T, PortError> {
        let answering = self.board().answering;
        let lost = || PortError::Unreachable("the simulated Alertmanager did not answer".to_owned());
        match answering {
            Answering::Well | Answering::Refusing => Ok(change(&mut self.board())),
            Answering::Away => Err(lost()),
            Answering::Hanging => {
                tokio::time::sleep(PATIENCE).await;
                Err(lost())
            }
            Answering::Lost => {
                change(&mut self.board());
                Err(lost())
            }
        }
    }
}

impl Silences for SimSilences {
    async fn place(&self, window: &Window) -> Result<String, PortError> {
        if self.board().answering == Answering::Refusing {
            return Err(PortError::Refused("the simulated Alertmanager refuses".to_owned()));
        }
        self.answered(|board| {
            let same = |it: &&Standing| it.run == window.run && it.matchers == window.matchers;
            if let Some(known) = board.standing.iter().find(same) {
                return known.id.clone();
            }
            let new = Standing {
                id: format!("silence-{}", board.placed.len()),
                run: window.run.clone(),
                matchers: window.matchers.clone(),
                ends_ms: i64::try_from(window.lasts_ms).unwrap_or(i64::MAX),
                owner: OWNER.to_owned(),
                comment: window.comment.clone(),
            };
            board.standing.push(new.clone());
            board.placed.push(new.clone());
            new.id
        })
        .await
    }

    async fn lift(&self, run: &str) -> Result<usize, PortError> {
        self.answered(|board| {
            let before = board.standing.len();
            board.standing.retain(|it| it.run != run);
            before - board.standing.len()
        })
        .await
    }

    async fn standing(&self) -> Result<Vec<Standing>, PortError> {
        self.answered(|board| board.standing.clone()).await
    }
}
