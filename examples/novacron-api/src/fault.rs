//! The six faults, as switches with a strength and a start time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Most memory that the leak takes, in MiB: a limit for machines without one.
pub const MAX_LEAK_MIB: f64 = 4096.0;
/// How often the leak grows.
const LEAK_TICK: Duration = Duration::from_millis(100);
/// How long a crash comes back at once after each start.
const CRASH_LOOP: Duration = Duration::from_mins(1);
/// What the process ends with in a crash.
pub const CRASH_CODE: i32 = 101;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing.
    None,
    /// A share of the answers under `/api/v1/vms` is 500.
    Errors,
    /// The process ends with [`CRASH_CODE`], and for a minute from then on at once after each start.
    Crash,
    /// `/health/ready` is 503, from the start.
    NeverReady,
    /// `/health` is 503.
    Probe,
    /// Answers under `/api/v1/vms` take longer.
    Latency,
    /// Resident memory grows.
    Leak,
}

impl FaultKind {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Errors, Self::Crash, Self::NeverReady, Self::Probe, Self::Latency, Self::Leak];

    /// As the environment spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Errors => "errors",
            Self::Crash => "crash",
            Self::NeverReady => "never-ready",
            Self::Probe => "probe",
            Self::Latency => "latency",
            Self::Leak => "leak",
        }
    }

    /// Reads what the environment spells.
    pub fn spelled(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Default and largest strength. For faults without one, anything that is a number will do.
    pub const fn strength(self) -> (f64, f64) {
        match self {
            Self::Errors => (0.2, 1.0),
            Self::Latency => (300.0, 60_000.0),
            Self::Leak => (60.0, 1024.0),
            Self::None | Self::Crash | Self::NeverReady | Self::Probe => (1.0, 1e6),
        }
    }
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How much: a share, milliseconds, or MiB per second.
    pub strength: f64,
    /// From the start of the process to the start of the fault.
    pub after: Duration,
}

/// The fault of a running process.
#[derive(Debug)]
pub struct Faults {
    fault: Fault,
    started: Instant,
    asked: AtomicU64,
}

impl Faults {
    /// A fault of a process that started at `started`.
    pub fn new(fault: Fault, started: Instant) -> Self {
        Self { fault, started, asked: AtomicU64::new(0) }
    }

    fn acts(&self, kind: FaultKind) -> bool {
        self.fault.kind == kind && self.started.elapsed() >= self.fault.after
    }

    /// `/health/ready` must be 503.
    pub fn never_ready(&self) -> bool {
        self.fault.kind == FaultKind::NeverReady
    }

    /// `/health` must be 503.
    pub fn fails_probe(&self) -> bool {
        self.acts(FaultKind::Probe)
    }

    /// How much longer this answer takes.
    pub fn latency(&self) -> Option<Duration> {
        self.acts(FaultKind::Latency).then(|| Duration::from_secs_f64(self.fault.strength / 1e3))
    }

    /// Whether this answer is an error. Counted, not drawn: of any 1/share answers exactly one is.
    pub fn fails_request(&self) -> bool {
        if !self.acts(FaultKind::Errors) {
            return false;
        }
        let before = self.asked.fetch_add(1, Ordering::Relaxed) as f64;
        ((before + 1.0) * self.fault.strength).floor() > (before * self.fault.strength).floor()
    }

    /// Runs what needs no request: the crash and the leak. Returns at once for all others.
    pub async fn run(&self) {
        let begins = tokio::time::Instant::from_std(self.started + self.fault.after);
        match self.fault.kind {
            FaultKind::Crash => {
                if !crashed_lately(&crash_mark()) {
                    tokio::time::sleep_until(begins).await;
                    // Without the mark the next start lives as long as this one did.
                    let _ = std::fs::write(crash_mark(), "");
                }
                eprintln!("novacron-api: crashing as told by NOVACRON_FAULT");
                std::process::exit(CRASH_CODE);
            }
            FaultKind::Leak => {
                tokio::time::sleep_until(begins).await;
                leak(self.fault.strength).await;
            }
            _ => {}
        }
    }
}

/// Says to the next start of this instance that it has crashed; in the working folder.
fn crash_mark() -> std::path::PathBuf {
    let part = |name| std::env::var(name).unwrap_or_default();
    std::path::PathBuf::from(format!("crashed-{}-{}", part("NOVA_REVISION"), part("NOVA_SLOT")))
}

fn crashed_lately(mark: &std::path::Path) -> bool {
    let age =
        std::fs::metadata(mark).and_then(|about| about.modified()).ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age < CRASH_LOOP)
}

/// Grows by `rate` MiB per second up to [`MAX_LEAK_MIB`], and keeps it.
async fn leak(rate: f64) {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut ticks = tokio::time::interval(LEAK_TICK);
    let mib = rate * LEAK_TICK.as_secs_f64();
    let most = if mib > 0.0 { (MAX_LEAK_MIB / mib) as usize } else { 0 };
    while kept.len() < most {
        ticks.tick().await;
        // Bytes other than zero, so that the pages are touched and become resident.
        kept.push(vec![0xA5; (mib * 1024.0 * 1024.0) as usize]);
    }
    std::future::pending::<()>().await;
    drop(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(kind: FaultKind, strength: f64, after: Duration) -> Faults {
        Faults::new(Fault { kind, strength, after }, Instant::now())
    }

    #[test]
    fn every_spelling_is_read_back() {
        for kind in FaultKind::ALL {
            assert_eq!(FaultKind::spelled(kind.as_str()), Some(kind));
        }
        assert_eq!(FaultKind::spelled("Errors"), None);
    }

    #[test]
    fn the_share_of_errors_is_exact_and_spread() {
        for (share, expected) in [(0.2, 200), (0.05, 50), (1.0, 1000), (0.0, 0)] {
            let faults = faults(FaultKind::Errors, share, Duration::ZERO);
            let failed = (0..1000).filter(|_| faults.fails_request()).count();
            assert_eq!(failed, expected, "{share}");
        }
        let faults = faults(FaultKind::Errors, 0.5, Duration::ZERO);
        let pattern: Vec<_> = (0..4).map(|_| faults.fails_request()).collect();
        assert_eq!(pattern, [false, true, false, true]);
    }

    #[test]
    fn nothing_goes_wrong_before_its_time_or_under_another_name() {
        let later = Duration::from_hours(1);
        assert!(!faults(FaultKind::Errors, 1.0, later).fails_request());
        assert!(!faults(FaultKind::Probe, 1.0, later).fails_probe());
        assert!(faults(FaultKind::Probe, 1.0, Duration::ZERO).fails_probe());
        assert_eq!(faults(FaultKind::Latency, 300.0, later).latency(), None);
        assert_eq!(
            faults(FaultKind::Latency, 300.0, Duration::ZERO).latency(),
            Some(Duration::from_millis(300))
        );
        assert!(faults(FaultKind::NeverReady, 1.0, later).never_ready());
        let none = faults(FaultKind::None, 1.0, Duration::ZERO);
        assert!(
            !none.fails_request() && !none.fails_probe() && !none.never_ready() && none.latency().is_none()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_leak_grows_resident_memory() {
        let before = crate::process::resident_bytes().expect("readable");
        let faults = faults(FaultKind::Leak, 320.0, Duration::ZERO);
        // Virtual time: ten ticks of 32 MiB each.
        let _ = tokio::time::timeout(Duration::from_millis(950), faults.run()).await;
        let peak = crate::process::peak_resident_bytes().expect("readable");
        assert!(peak > before + 200 * 1024 * 1024, "{before} -> {peak}");
    }
}
