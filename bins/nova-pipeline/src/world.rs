//! The world of one machine: embedded targets, a guardian for the jobs, webhooks, an Alertmanager.

use std::path::{Path, PathBuf};
use std::time::Duration;

use adapter_alertmanager::AlertmanagerSilences;
use adapter_local::LocalTarget;
use adapter_notify::Webhook as Hook;
use adapter_process::guardian::GuardianJobs;
use adapter_prometheus::{PrometheusMetrics, Source};
use machine::Name;
use ports::{Notice, Notices, PortError, Target};
use promql::GuardingAlert;
use run::{SilenceSpec, TargetSpec, Webhook};
use runner::{Site, World};

use crate::call::wall_ms;
use crate::say::complain;

/// Longest time in which an embedded target must answer after its start.
const START_WITHIN: Duration = Duration::from_secs(15);

/// Longest time of one call to an Alertmanager; the last ones are made while the run waits to end.
const ALERTMANAGER_WITHIN: Duration = Duration::from_secs(2);

/// Ports of one machine.
pub struct LocalWorld {
    jobs: GuardianJobs,
    state: PathBuf,
    bin: PathBuf,
}

/// A webhook, or why its address is none.
pub struct MaybeHook(Result<Hook, String>);

impl Notices for MaybeHook {
    async fn send(&self, notice: &Notice) -> Result<(), PortError> {
        match &self.0 {
            Ok(hook) => hook.send(notice).await,
            Err(why) => Err(PortError::Refused(why.clone())),
        }
    }
}

/// The folder of an embedded target.
pub fn target_folder(state: &Path, name: &str) -> PathBuf {
    state.join("targets").join(name)
}

/// The embedded target of that name, whether it runs or not.
pub fn target(state: &Path, name: &str) -> LocalTarget {
    LocalTarget::new(adapter_local::control_socket(&target_folder(state, name)))
}

impl LocalWorld {
    /// A world whose jobs run under a new guardian, which waits until an earlier one of this run is gone.
    ///
    /// # Errors
    /// The guardian cannot be started.
    pub async fn new(state: PathBuf, bin: PathBuf, run: &Path) -> std::io::Result<Self> {
        let own = std::env::current_exe()?;
        let charge = run.join("guardian.lock").display().to_string();
        let jobs = GuardianJobs::spawn(own, &["guardian", "--charge", &charge]).await?;
        Ok(Self { jobs, state, bin })
    }

    /// Ends the guardian and all that it started.
    ///
    /// # Errors
    /// Something could not be killed in time.
    pub async fn shut_down(&self) -> Result<(), PortError> {
        self.jobs.shut_down().await
    }

    async fn start_target(&self, name: &Name, spec: &TargetSpec) -> Result<(), PortError> {
        let folder = target_folder(&self.state, name.as_str());
        let mut command = tokio::process::Command::new(self.bin.join("nova-local"));
        command.arg("start").arg("--state").arg(&folder).arg("--port").arg(spec.port.to_string());
        // What a test does to this runner is not meant for the target, which outlives it.
        command.env_remove(runner::FAILPOINT);
        command.stdin(std::process::Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(START_WITHIN, command.output())
            .await
            .map_err(|_| PortError::Unreachable(format!("the target {name} did not start in time")))?
            .map_err(|error| PortError::Unreachable(format!("nova-local could not be started: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(PortError::Unreachable(format!("the target {name} did not start: {}", said.trim())))
    }
}

impl World for LocalWorld {
    type Target = LocalTarget;
    type Metrics = PrometheusMetrics;
    type Jobs = GuardianJobs;
    type Notices = MaybeHook;
    type Silences = AlertmanagerSilences<fn() -> i64>;

    async fn site(
        &self,
        name: &Name,
        spec: &TargetSpec,
    ) -> Result<Site<LocalTarget, PrometheusMetrics>, PortError> {
        let target = target(&self.state, name.as_str());
        if target.observe().await.is_err() {
            self.start_target(name, spec).await?;
        }
        let metrics =
            PrometheusMetrics::new(Source::Unix(target.socket().to_owned())).with_path("/v1/metrics");
        Ok(Site { target, metrics })
    }

    fn jobs(&self) -> &GuardianJobs {
        &self.jobs
    }

    fn notices(&self, hook: &Webhook) -> MaybeHook {
        MaybeHook(Hook::new(&hook.url).map_err(|error| error.to_string()))
    }

    fn silences(&self, spec: &SilenceSpec) -> AlertmanagerSilences<fn() -> i64> {
        let guards = spec.guards.iter().map(|labels| GuardingAlert { labels: labels.clone() }).collect();
        let at = &spec.alertmanager;
        let now: fn() -> i64 = || i64::try_from(wall_ms()).unwrap_or(i64::MAX);
        AlertmanagerSilences::new(&at.address, guards, now)
            .with_prefix(&at.path)
            .with_deadline(ALERTMANAGER_WITHIN)
    }

    fn warn(&self, line: &str) {
        complain(line);
    }
}
