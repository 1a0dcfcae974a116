//! A target in a folder of its own with tiny services; everything is ended when the test is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use adapter_local::{LocalTarget, Status};
use adapter_process::instances;
use machine::sha256_hex;
use ports::Target;
use supervise::{
    Acquisition, Answer, Claim, Desired, Epoch, Observation, Order, Probe, Probes, RevisionId, RevisionSpec,
    RunId, Weight,
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_nova-local"))
}

/// A running target.
pub(crate) struct Bed {
    pub(crate) folder: TempDir,
    pub(crate) target: LocalTarget,
    child: Option<Child>,
    boot: Option<String>,
    digest: String,
    tiny: PathBuf,
}

impl Bed {
    /// An empty target that answers.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tiny = program().parent().unwrap().join("examples/tiny");
        let digest = format!("sha256:{}", sha256_hex(&std::fs::read(&tiny).unwrap()));
        let socket = adapter_local::control_socket(&folder.path().canonicalize().unwrap());
        let target = LocalTarget::new(socket);
        let mut bed = Self { folder, target, child: None, boot: None, digest, tiny };
        bed.start(0).await;
        bed
    }

    pub(crate) fn state(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn pretend_boot(&mut self, boot: &str) {
        self.boot = Some(boot.into());
    }

    /// Starts `nova-local serve` and returns how long it took to answer.
    pub(crate) async fn start(&mut self, port: u16) -> Duration {
        let log =
            std::fs::OpenOptions::new().append(true).create(true).open(self.state().join("log")).unwrap();
        let mut command = Command::new(program());
        command.args(["serve", "--port", &port.to_string(), "--state"]).arg(self.state());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        if let Some(boot) = &self.boot {
            command.env("NOVA_TEST_BOOT_ID", boot);
        }
        let begun = Instant::now();
        let child = command.spawn().unwrap();
        let pid = child.id();
        self.child = Some(child);
        self.until("it answers", async |bed| bed.target.status().await.is_ok_and(|status| status.pid == pid))
            .await;
        begun.elapsed()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for the process that was started last to end by itself.
    pub(crate) async fn ended(&mut self) {
        let mut child = self.child.take().unwrap();
        let until = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "it does not end; {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.state().join("log")).unwrap_or_default()
    }

    pub(crate) async fn status(&self) -> Status {
        self.target.status().await.unwrap()
    }

    /// Polls until the condition holds.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds(self).await {
            assert!(Instant::now() < until, "never: {what}; {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn observed(&self, what: &str, holds: impl Fn(&Observation) -> bool) -> Observation {
        self.until(what, async |bed| bed.target.observe().await.is_ok_and(|seen| holds(&seen))).await;
        self.target.observe().await.unwrap()
    }

    pub(crate) fn spec(&self, version: &str, env: &[(&str, &str)]) -> RevisionSpec {
        let mut env: BTreeMap<String, String> =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        env.insert("NAME".into(), version.into());
        let probe = |path: &str| Probe { every_ms: 100, timeout_ms: 500, failures: 2, ..Probe::http(path) };
        RevisionSpec {
            version: version.into(),
            artifact: self.digest.clone(),
            source: self.tiny.to_string_lossy().into_owned(),
            args: vec![],
            env,
            instances: 2,
            memory_limit_bytes: None,
            probes: Probes { ready: probe("/ready"), live: Some(probe("/live")) },
            drain_max_ms: 5_000,
        }
    }

    pub(crate) async fn acquire(&self, run: &str) -> Hand<'_> {
        let claim = Claim { run: RunId::new(run), control: String::new(), supersede: false };
        match self.target.acquire(&claim).await.unwrap() {
            Acquisition::Acquired { epoch, .. } => Hand { bed: self, run: claim.run, epoch },
            held @ Acquisition::Held { .. } => panic!("{held:?}"),
        }
    }

    /// Brings up a revision as stable.
    pub(crate) async fn stable(&self, spec: &RevisionSpec) -> RevisionId {
        let hand = self.acquire("first").await;
        let id = hand.running(spec).await;
        hand.weight(&id, 100, 60_000).await;
        hand.accepted(Desired::Stable { revision: id.clone() }).await;
        hand.release().await;
        id
    }

    pub(crate) fn pids(seen: &Observation, id: &RevisionId) -> Vec<u32> {
        seen.value
            .revisions
            .get(id)
            .map_or(vec![], |known| known.instances.iter().filter_map(|i| i.pid).collect())
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // Also a successor after an upgrade, and whatever was adopted: all that was started from this folder.
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let ours = |path: &str| std::fs::read(format!("/proc/{pid}/{path}")).unwrap_or_default();
            let folder = self.folder.path().to_string_lossy().into_owned();
            let command = String::from_utf8_lossy(&ours("cmdline")).into_owned();
            if command.contains(&folder)
                && let Some(process) = instances::identity(pid)
            {
                let _ = instances::kill_group(process);
                let _ = instances::terminate(process);
            }
        }
    }
}

/// A run that gives orders.
pub(crate) struct Hand<'a> {
    bed: &'a Bed,
    pub(crate) run: RunId,
    pub(crate) epoch: Epoch,
}

impl Hand<'_> {
    pub(crate) async fn order(&self, desired: Desired) -> Answer {
        let key = format!("{}/{}", self.run, sha256_hex(format!("{desired:?}").as_bytes()));
        let order = Order { key, run: self.run.clone(), epoch: self.epoch, expects: None, desired };
        self.bed.target.order(&order).await.unwrap()
    }

    pub(crate) async fn accepted(&self, desired: Desired) {
        let answer = self.order(desired).await;
        assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}; {}", self.bed.log());
    }

    /// Starts a revision and waits until all of its instances are ready.
    pub(crate) async fn running(&self, spec: &RevisionSpec) -> RevisionId {
        self.accepted(Desired::Running { spec: Box::new(spec.clone()) }).await;
        let id = spec.id();
        let ready =
            |seen: &Observation| seen.value.revisions.get(&id).map_or(0, supervise::RevisionView::ready);
        self.bed.observed("all instances are ready", |seen| ready(seen) == spec.instances).await;
        id
    }

    pub(crate) async fn weight(&self, revision: &RevisionId, percent: u8, lease_ms: u64) {
        let weight = Weight::new(percent).unwrap();
        self.accepted(Desired::Weight { revision: revision.clone(), weight, lease_ms }).await;
    }

    pub(crate) async fn release(self) {
        self.bed.target.release(&self.run, self.epoch).await.unwrap();
    }
}
