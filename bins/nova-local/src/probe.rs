//! The checks of one instance: one try after the other through `adapter-probe`, each end told to the rules, each
//! reason to whoever looks. What a row of ends means is decided in `supervise`.

use std::collections::BTreeMap;
use std::time::Duration;

use adapter_probe::{Around, Reason};
use health::checks::url::Url;
use health::checks::{Check, Expect, Kind, Pace};
use supervise::{Action, Event, InstanceId, Probe, ProbeKind, Process, RevisionSpec};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::failing::Followed;
use crate::instance::{Surroundings, environment};

/// Until an instance is ready it is asked at least this often, so that a quick start is seen.
const FIRST_CHECKS_MS: u64 = 100;

/// One process and where its checks are told.
pub(crate) struct Patient<'a> {
    pub(crate) around: &'a Surroundings,
    pub(crate) id: &'a InstanceId,
    pub(crate) process: Process,
    pub(crate) spec: &'a RevisionSpec,
    pub(crate) followed: &'a Followed,
}

impl Patient<'_> {
    /// Makes one check after the other for ever; a period is measured from begin to begin.
    pub(crate) async fn checks(&self, kind: ProbeKind) {
        let probe = match kind {
            ProbeKind::Ready => Some(&self.spec.probes.ready),
            ProbeKind::Live => self.spec.probes.live.as_ref(),
        };
        let Some(probe) = probe else {
            return std::future::pending().await;
        };
        let mut tries = Tries::new(self, kind, probe);
        let first = kind == ProbeKind::Ready;
        let mut ticks = period(if first { probe.every_ms.min(FIRST_CHECKS_MS) } else { probe.every_ms });
        let mut settled = !first;
        ticks.tick().await;
        loop {
            if !first {
                ticks.tick().await;
            }
            let ok = tries.once().await;
            if ok && !settled {
                settled = true;
                ticks = period(probe.every_ms);
                ticks.tick().await;
            }
            if first {
                ticks.tick().await;
            }
        }
    }

    /// What is tried on the instance's own port.
    fn trying(&self, probe: &Probe) -> adapter_probe::Probe {
        let address = format!("127.0.0.1:{}", self.process.port);
        let kind = match &probe.action {
            Action::Http(path) => Kind::Http {
                url: Url { address, path: path.clone() },
                expect: Expect { redirects: true, ..Expect::default() },
            },
            Action::Tcp => Kind::Tcp { address },
            Action::Grpc(service) => Kind::Grpc { address, service: service.clone() },
            Action::Command(argv) => Kind::Command { argv: argv.clone() },
        };
        let pace = Pace { timeout_ms: probe.timeout_ms, ..Pace::default() };
        let trying = adapter_probe::Probe::new(Check { name: String::new(), kind, pace });
        match &probe.action {
            Action::Command(_) => trying.around(self.surroundings()),
            _ => trying,
        }
    }

    /// A command has what the instance has, without the mark by which processes are found again, and finds programs
    /// as the target does.
    fn surroundings(&self) -> Around {
        let mut env: BTreeMap<String, String> = environment(self.id, self.spec, self.process.port);
        if let Ok(path) = std::env::var("PATH") {
            env.entry("PATH".to_owned()).or_insert(path);
        }
        Around { env, folder: self.around.folder.work() }
    }
}

fn period(ms: u64) -> Interval {
    let mut ticks = interval(Duration::from_millis(ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The tries of one check.
struct Tries<'a> {
    of: &'a Patient<'a>,
    kind: ProbeKind,
    trying: adapter_probe::Probe,
    /// Until then failures are not told.
    grace_until: Instant,
    /// The name of what was wrong at the last try, so that the log has a line for each change and not for each try.
    last: Option<&'static str>,
}

impl<'a> Tries<'a> {
    fn new(of: &'a Patient<'a>, kind: ProbeKind, probe: &Probe) -> Self {
        let grace_until = Instant::now() + Duration::from_millis(probe.grace_ms);
        Self { of, kind, trying: of.trying(probe), grace_until, last: None }
    }

    async fn once(&mut self) -> bool {
        let found = self.trying.tried().await;
        let ok = found.is_ok();
        self.log(found.as_ref().err());
        self.of.followed.tried(self.kind, found.err().map(|reason| reason.told()));
        let now = Instant::now();
        if ok {
            self.grace_until = now;
        }
        if ok || now >= self.grace_until {
            let instance = self.of.id.clone();
            self.of.around.tell(Event::Probed { instance, probe: self.kind, ok }).await;
        }
        ok
    }

    fn log(&mut self, reason: Option<&Reason>) {
        let before = std::mem::replace(&mut self.last, reason.map(Reason::name));
        if before == self.last {
            return;
        }
        let (id, kind) = (self.of.id, self.kind.word());
        match reason {
            Some(reason) => eprintln!("{} slot {}: {kind} fails: {}", id.revision, id.slot, reason.told()),
            None => eprintln!("{} slot {}: {kind} passes", id.revision, id.slot),
        }
    }
}
