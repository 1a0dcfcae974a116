//! An implementation that means harm: an error for the case at hand, the next case on a fresh process, memory bounded,
//! nothing left.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::reference;
use crate::door::Verdict;
use crate::programs;

/// How it behaves, and which verdict that is.
const WAYS: [(&str, &str); 17] = [
    ("hangs", "ERROR"),
    ("floods", "ERROR"),
    ("answers-the-next", "ERROR"),
    ("answers-twice", "ERROR"),
    ("wrong-id", "ERROR"),
    ("text-id", "ERROR"),
    ("endless-line", "ERROR"),
    ("no-utf8", "ERROR"),
    ("no-json", "ERROR"),
    ("dies", "ERROR"),
    ("half-a-line", "ERROR"),
    ("closes-output", "ERROR"),
    ("reads-nothing", "ERROR"),
    ("forks", "ERROR"),
    ("deaf", "ERROR"),
    ("deep-json", "ERROR"),
    // A result that makes no sense breaks no rule of the boundary: it is just wrong.
    ("odd-result", "FAIL"),
];
/// The harness itself needs no more, in KiB.
const MEMORY_KIB: u64 = 200 << 10;
/// Longest for two cases.
const WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What came of one way.
struct Came {
    seconds: f64,
    kib: u64,
    verdicts: [String; 2],
    left: usize,
}

/// Runs two cases: the first process is hostile, the second the reference.
fn trial(way: &str) -> Result<Came, String> {
    let bin = programs::folder()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mark = folder.path().join("mark");
    let report = folder.path().join("report.json");
    let script = programs::root().join("tests/fixtures/hostile/hostile.py");
    // The greeting before the cases is one more process, and must not be the hostile one.
    let adapter = "test -e \"$1.greeted\" || { : > \"$1.greeted\"; exec \"$2\"; }; exec python3 \"$3\" \"$4\" \"$1\" \"$2\"";
    let mut command = Command::new(bin.join("dwcp-conformance"));
    command.args([
        "run",
        "--quick",
        "--profile",
        "hde",
        "--only",
        "HDE-010",
        "--only",
        "HDE-013",
        "--report",
    ]);
    command.arg(&report).args(["--", "sh", "-c", adapter, "sh"]);
    command.arg(&mark).arg(reference(&bin)).arg(&script).arg(way);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut kib = 0;
    let ended = programs::until(WITHIN, || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        kib = kib.max(peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok()).unwrap_or(0));
        matches!(child.try_wait(), Ok(Some(_)))
    });
    let seconds = begun.elapsed().as_secs_f64();
    if !ended {
        programs::signal(child.id(), "KILL", false);
        let _ = child.wait();
    }
    let left = carrying(&mark.display().to_string());
    let text = fs::read_to_string(&report).map_err(|error| format!("{way}: no report: {error}"))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let verdict =
        |at: usize| report["verdicts"]["cases"][at]["verdict"].as_str().unwrap_or("none").to_owned();
    Ok(Came { seconds, kib, verdicts: [verdict(0), verdict(1)], left })
}

/// Living processes that have this text among their arguments.
fn carrying(text: &str) -> usize {
    let until = Instant::now() + Duration::from_secs(2);
    loop {
        let has = |path: std::path::PathBuf| {
            let arguments = fs::read(path.join("cmdline")).unwrap_or_default();
            arguments.windows(text.len().max(1)).any(|window| window == text.as_bytes())
        };
        let left =
            fs::read_dir("/proc").into_iter().flatten().flatten().filter(|one| has(one.path())).count();
        if left == 0 || Instant::now() > until {
            return left;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// All ways, six at once.
///
/// # Errors
/// The harness cannot be run, or there is no Python.
pub fn prove() -> Result<Verdict, String> {
    programs::folder()?;
    let ways = Mutex::new(WAYS.iter());
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let Some((way, expected)) = ways.lock().expect("no thread panics").next() else { return };
                    let came = trial(way);
                    found.lock().expect("no thread panics").push((*way, *expected, came));
                }
            });
        }
    });
    println!("{:<18} {:>6} {:>6} {:>8} {:>9} {:>5}", "way", "first", "next", "seconds", "harness", "left");
    let mut wrong = 0;
    for (way, expected, came) in found.into_inner().expect("no thread panics") {
        let came = came?;
        let good = came.verdicts == [expected.to_owned(), "PASS".to_owned()]
            && came.left == 0
            && came.kib <= MEMORY_KIB;
        wrong += usize::from(!good);
        let [first, next] = &came.verdicts;
        let (kib, mark) = (came.kib >> 10, if good { "" } else { "  WRONG" });
        println!("{way:<18} {first:>6} {next:>6} {:>8.1} {kib:>5} MiB {:>5}{mark}", came.seconds, came.left);
    }
    let text = format!("{} hostile ways, {wrong} not contained", WAYS.len());
    Ok(Verdict::new(text, wrong == 0))
}
