//! What a run needs from outside: sites, processes, notices, silences, and where things lie.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use machine::{Machine, Name, Progress};
use ports::{Jobs, Metrics, Notices, PortError, Silences, Target};
use run::{Run, SilenceSpec, TargetSpec, Webhook};
use supervise::{Acquisition, Claim, Epoch, RunId};

/// A target and the counters that belong to it.
#[derive(Debug)]
pub struct Site<T, M> {
    /// Takes orders.
    pub target: T,
    /// Gives counters.
    pub metrics: M,
}

/// The ports of one run. The real one and the simulated one are two implementations.
pub trait World: Send + Sync + 'static {
    /// Takes orders.
    type Target: Target + 'static;
    /// Gives counters.
    type Metrics: Metrics + 'static;
    /// Runs commands.
    type Jobs: Jobs + 'static;
    /// Tells people.
    type Notices: Notices + 'static;
    /// Keeps alerts quiet.
    type Silences: Silences + 'static;

    /// The site of that name; brings it up when it is not there.
    fn site(
        &self,
        name: &Name,
        spec: &TargetSpec,
    ) -> impl Future<Output = Result<Site<Self::Target, Self::Metrics>, PortError>> + Send;

    /// Runs the commands of jobs and checks.
    fn jobs(&self) -> &Self::Jobs;

    /// Sends to this webhook.
    fn notices(&self, hook: &Webhook) -> Self::Notices;

    /// Keeps alerts quiet at this Alertmanager, and never those that guard. A call ends within seconds.
    fn silences(&self, spec: &SilenceSpec) -> Self::Silences;

    /// Tells whoever looks on what is no part of the record.
    fn warn(&self, line: &str);
}

/// Where things lie.
#[derive(Clone, Debug)]
pub struct Places {
    /// The state folder, absolute.
    pub state: PathBuf,
    /// The folder of the run.
    pub run: PathBuf,
    /// The folder of the binaries, given to jobs as `NOVA_BIN`.
    pub bin: PathBuf,
    /// The run's control socket.
    pub control: PathBuf,
}

/// Longest time in which a resumed run must reach its targets again.
const REACQUIRE: Duration = Duration::from_secs(30);

/// Claims the targets of the open releases of a resumed run again. Gives the epochs by release path, and the targets
/// that had returned this run's traffic to stable.
///
/// # Errors
/// A target could not be reached in time; nothing was changed.
pub async fn reacquire<W: World>(
    world: &W,
    places: &Places,
    run: &Run,
) -> Result<(BTreeMap<Name, Epoch>, BTreeSet<Name>), PortError> {
    let (mut epochs, mut restored) = (BTreeMap::new(), BTreeSet::new());
    let Some(definition) = run.definition() else { return Ok((epochs, restored)) };
    for (path, rollout) in run.rollouts().filter(|(_, r)| r.release.progress() != Progress::Ended) {
        let Some(spec) = definition.targets.get(rollout.target.as_str()) else { continue };
        let claim = Claim {
            run: RunId::new(&definition.run),
            control: places.control.display().to_string(),
            supersede: false,
        };
        let claimed = async {
            let site = world.site(&rollout.target, spec).await?;
            site.target.acquire(&claim).await
        };
        let acquisition = tokio::time::timeout(REACQUIRE, claimed)
            .await
            .map_err(|_| PortError::Unreachable(format!("the target {} did not answer", rollout.target)))??;
        match acquisition {
            Acquisition::Acquired { epoch, restored: was } => {
                epochs.insert(path.clone(), epoch);
                if was {
                    restored.insert(rollout.target.clone());
                }
            }
            // Another run took over, which returned our traffic first; our orders will be fenced.
            Acquisition::Held { .. } => {
                epochs.insert(path.clone(), Epoch(0));
                restored.insert(rollout.target.clone());
            }
        }
    }
    Ok((epochs, restored))
}

/// A world shared by the tasks of a run.
pub(crate) type Shared<W> = Arc<W>;
