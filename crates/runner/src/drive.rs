//! The one loop that drives a machine: wait, step, record, carry out.
//!
//! ```text
//! event or deadline -> step -> effects that wait for no disk -> append -> acknowledge -> the other effects
//! ```

use std::fmt::Display;
use std::time::Duration;

use machine::{Durability, Durable, Keyed, Machine, Progress, Stepped, Timestamp, step};
use ports::PortError;
use tokio::sync::{mpsc, oneshot};

use crate::Clock;

/// Whether the machine took a command, and if not why.
pub type Verdict = Result<(), String>;

/// An event on its way to the machine. Whoever sent a command hears when it is recorded.
#[derive(Debug)]
pub struct Arrived<E> {
    /// What happened.
    pub event: E,
    /// Told after the record is as durable as the event asks.
    pub acknowledge: Option<oneshot::Sender<Verdict>>,
}

impl<E> From<E> for Arrived<E> {
    fn from(event: E) -> Self {
        Self { event, acknowledge: None }
    }
}

/// One step as the log sees it.
pub struct Recorded<'a, M: Machine> {
    /// When, in run time.
    pub now: Timestamp,
    /// `None` for a wake.
    pub event: Option<&'a M::Event>,
    /// What the step gave.
    pub stepped: &'a Stepped<M>,
    /// The state after the step.
    pub machine: &'a M,
}

/// Where steps are recorded before what follows from them is done.
pub trait Log<M: Machine> {
    /// Records one step and returns when it is as durable as asked.
    ///
    /// # Errors
    /// The record could not be made; what follows from the step must not happen.
    fn append(&mut self, recorded: &Recorded<'_, M>, durability: Durability) -> Result<(), PortError>;
}

/// Who carries effects out. Returns at once; answers come back as events.
pub trait Dispatch<M: Machine> {
    /// Starts to carry out one effect.
    fn dispatch(&mut self, effect: Keyed<M::Effect>);

    /// Sees the state after each step, e.g. to draw it. Changes nothing.
    fn stepped(&mut self, _recorded: &Recorded<'_, M>) {}
}

/// Why the loop stopped before its machine had ended.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// A step could not be recorded. Effects that wait for no disk were carried out, the others were not.
    #[error("the journal could not be written: {0}")]
    Log(#[from] PortError),
    /// Nobody can send events any more and no deadline is set.
    #[error("nothing can happen any more, but the machine has not ended")]
    Stuck,
}

/// Drives `machine` until it has ended and nothing it wants is unanswered.
///
/// # Errors
/// See [`DriveError`].
pub async fn drive<M, L, D, C>(
    machine: &mut M,
    log: &mut L,
    dispatch: &mut D,
    clock: &C,
    events: &mut mpsc::Receiver<Arrived<M::Event>>,
) -> Result<(), DriveError>
where
    M: Machine,
    M::Rejected: Display,
    L: Log<M>,
    D: Dispatch<M>,
    C: Clock,
{
    let mut open = true;
    while !(machine.progress() == Progress::Ended && machine.pending().is_empty()) {
        let due = machine.deadline();
        if !open && due.is_none() {
            return Err(DriveError::Stuck);
        }
        let arrived = tokio::select! {
            biased;
            arrived = events.recv(), if open => {
                open = arrived.is_some();
                arrived
            }
            () = until(due, clock.now()) => None,
        };
        if arrived.is_none() && machine.deadline().is_none_or(|due| due > clock.now()) {
            continue;
        }
        take(machine, log, dispatch, clock.now(), arrived)?;
    }
    Ok(())
}

/// One step: effects that wait for no disk go first, the rest after the record.
fn take<M, L, D>(
    machine: &mut M,
    log: &mut L,
    dispatch: &mut D,
    now: Timestamp,
    arrived: Option<Arrived<M::Event>>,
) -> Result<(), DriveError>
where
    M: Machine,
    M::Rejected: Display,
    L: Log<M>,
    D: Dispatch<M>,
{
    let (event, acknowledge) = arrived.map_or((None, None), |a| (Some(a.event), a.acknowledge));
    let mut stepped = step(machine, now, event.clone());
    let durability = durability_of(event.as_ref(), &stepped.effects);
    let recorded = Recorded { now, event: event.as_ref(), stepped: &stepped, machine };
    for keyed in &stepped.effects {
        if keyed.effect.durability() == Durability::Unwaited {
            dispatch.dispatch(keyed.clone());
        }
    }
    let appended = log.append(&recorded, durability);
    dispatch.stepped(&recorded);
    if let Some(acknowledge) = acknowledge {
        let verdict = match (&appended, &stepped.rejected) {
            (Err(error), _) => Err(error.to_string()),
            (Ok(()), Some(why)) => Err(why.to_string()),
            (Ok(()), None) => Ok(()),
        };
        // Whoever asked may be gone; the record stands all the same.
        let _ = acknowledge.send(verdict);
    }
    appended?;
    for keyed in stepped.effects.drain(..) {
        if keyed.effect.durability() != Durability::Unwaited {
            dispatch.dispatch(keyed);
        }
    }
    Ok(())
}

fn durability_of<E: Durable, F: Durable>(event: Option<&E>, effects: &[Keyed<F>]) -> Durability {
    let of_effects = effects.iter().map(|keyed| keyed.effect.durability());
    event.map(Durable::durability).into_iter().chain(of_effects).max().unwrap_or(Durability::Grouped)
}

async fn until(due: Option<Timestamp>, now: Timestamp) {
    match due {
        Some(due) => tokio::time::sleep(Duration::from_millis(due.since(now))).await,
        None => std::future::pending().await,
    }
}
