//! Nothing blocks the way back: every phase of a release before its promotion, ended in every manner.

use std::fmt;
use std::process::Child;
use std::time::Duration;

use deploy_strategies::Phase;
use nix::sys::signal::Signal;
use pipeline_core::Status;

use crate::door::Verdict;
use crate::rig::{PATIENCE, Rig, code, signal, until};

/// Where the release is when it is told to go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The approval of production is awaited; no release is open.
    Approval,
    /// The new version never becomes ready.
    Starting,
    /// A check before the first traffic hangs.
    Preview,
    /// The new version has this share.
    Weight(u8),
    /// The last checks hang.
    Verify,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `nova-pipeline cancel`.
    Cancel,
    /// `nova-rollout abort --target production`.
    Abort,
    /// A signal to the runner.
    Signal(Signal),
    /// Twice, one right after the other.
    Twice,
    /// `nova-pipeline cancel` after `kill -9` of the runner, then `resume`.
    DeadCancel,
    /// `nova-rollout abort` after `kill -9`: the target goes back at once, then `resume`.
    DeadAbort,
    /// `nova-rollout abort` while the runner is stopped: the target goes back, then the runner goes on.
    Frozen,
    /// A rollback trigger, or the deadline of the phase.
    Trigger,
}

/// All phases.
pub const PHASES: [At; 8] = [
    At::Approval,
    At::Starting,
    At::Preview,
    At::Weight(5),
    At::Weight(25),
    At::Weight(50),
    At::Weight(100),
    At::Verify,
];
/// All manners.
pub const MANNERS: [By; 9] = [
    By::Cancel,
    By::Abort,
    By::Signal(Signal::SIGTERM),
    By::Signal(Signal::SIGINT),
    By::Twice,
    By::DeadCancel,
    By::DeadAbort,
    By::Frozen,
    By::Trigger,
];

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weight(100) => f.write_str("bake at 100 %"),
            Self::Weight(percent) => write!(f, "watching at {percent} %"),
            other => write!(f, "{}", format!("{other:?}").to_lowercase()),
        }
    }
}

/// Whether the two go together: before a release is open only the run itself can be ended, and an approval that
/// nobody gives has its own deadline.
pub fn fits(at: At, by: By) -> bool {
    at != At::Approval || !matches!(by, By::Abort | By::DeadAbort | By::Frozen)
}

/// One scenario: gives the milliseconds from the word to all traffic on stable (or to the end of the run, when there
/// was no release), and the exit code.
///
/// # Errors
/// Traffic did not come back, or the code is another one.
pub fn scenario(at: At, by: By) -> Result<(u64, i32), String> {
    let rig = Rig::new(|text| edited(text, at, by))?;
    walked(&rig, at, by).map_err(|why| format!("{why}\n{}    kept in {}", rig.said(), crate::rig::keep(&rig)))
}

/// The fixture, changed so that it stays in the phase.
fn edited(text: String, at: At, by: By) -> String {
    let trigger = by == By::Trigger;
    let hang = "checks:\n  hang:\n    run:\n      - cmd: [sleep, \"600\"]\n";
    let within = if trigger { "      checks_within: 300ms\n      preview:" } else { "      preview:" };
    let text = text.replace("checks:\n", hang).replace("      preview:", within);
    match at {
        At::Approval if trigger => {
            text.replace("      answer: approve\n", "").replace("within: 24h", "within: 300ms")
        }
        At::Approval => text.replace("      answer: approve\n", ""),
        At::Starting => {
            let text = text.replace("COLOUR: green", "NEVER_READY: yes");
            if trigger { text.replace("progress_deadline: 20s", "progress_deadline: 1s") } else { text }
        }
        At::Preview => text.replace("preview: [smoke, metrics]", "preview: [hang]"),
        At::Verify => text.replace("verify: [smoke, metrics, compare-baseline]", "verify: [hang]"),
        At::Weight(percent) => {
            let steps = if percent == 100 { "[100]".to_owned() } else { format!("[{percent}, 100]") };
            let text = text.replace(
                "[5, 25, 50, 100], pause: 40ms, bake: 50ms",
                &format!("{steps}, pause: 30s, bake: 30s"),
            );
            if trigger { text.replace("COLOUR: green", "NOT_LIVE: yes") } else { text }
        }
    }
}

fn reached(rig: &Rig, at: At) -> bool {
    if let At::Weight(percent) = at {
        return rig.traffic().contains(&("1.6.0".to_owned(), percent));
    }
    let Ok(past) = rig.past() else { return false };
    let run = &past.replayed.machine;
    if at == At::Approval {
        let state = run.pipeline().and_then(|pipeline| pipeline.state("approve"));
        return state.is_some_and(|state| state.status == Status::Waiting);
    }
    let production = run.rollouts().find(|(path, _)| path.as_str() == "deploy-production#1");
    production.is_some_and(|(_, rollout)| match at {
        At::Starting => matches!(rollout.release.phase(), Phase::Deploying),
        At::Preview => matches!(rollout.release.phase(), Phase::Previewing),
        _ => matches!(rollout.release.phase(), Phase::Verifying),
    })
}

fn walked(rig: &Rig, at: At, by: By) -> Result<(u64, i32), String> {
    let mut child = rig.run(&[])?;
    if by != By::Trigger {
        until("the phase", PATIENCE, || reached(rig, at))?;
    }
    let begun = std::time::Instant::now();
    told(rig, &mut child, by)?;
    let stable = [("1.5.0".to_owned(), 100)];
    let released = at != At::Approval;
    if released && by == By::Trigger {
        until("the end", PATIENCE, || matches!(child.try_wait(), Ok(Some(_))))?;
    } else if released {
        until("all traffic on stable", Duration::from_secs(10), || rig.traffic() == stable)?;
    }
    let took = begun.elapsed().as_millis() as u64;
    let last = match by {
        By::DeadAbort => code(&mut rig.call(&["resume"], &[])?)?,
        By::Frozen => {
            signal(&child, Signal::SIGCONT);
            code(&mut child)?
        }
        _ => code(&mut child)?,
    };
    let expected = match (at, by) {
        (At::Approval, By::Trigger) => 10,
        (At::Approval, _) => 130,
        _ => 11,
    };
    if last != expected {
        return Err(format!("it ended with {last} instead of {expected}"));
    }
    let traffic = rig.traffic();
    if released && traffic != stable {
        return Err(format!("traffic goes to {traffic:?}"));
    }
    let past = rig.past()?;
    if !past.file.closed || !past.replayed.differences.is_empty() {
        return Err("its journal is not closed, or decides differently".to_owned());
    }
    Ok((took, last))
}

/// Tells it to go back. A runner that took over from a killed one replaces `child`.
fn told(rig: &Rig, child: &mut Child, by: By) -> Result<(), String> {
    let abort = || -> Result<(), String> {
        let mut abort = rig.command("nova-rollout", &[])?;
        abort.args(["abort", "--target", "production", "--state-dir"]).arg(rig.state());
        let status = abort.status().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the abort ended with {status}")) }
    };
    let cancel = || match code(&mut rig.call(&["cancel"], &[])?)? {
        0 => Ok(()),
        other => Err(format!("the cancel ended with {other}")),
    };
    match by {
        By::Cancel => cancel(),
        By::Abort => abort(),
        By::Signal(of) => {
            signal(child, of);
            Ok(())
        }
        By::Twice => {
            signal(child, Signal::SIGTERM);
            signal(child, Signal::SIGINT);
            Ok(())
        }
        By::DeadCancel | By::DeadAbort => {
            signal(child, Signal::SIGKILL);
            code(child)?;
            if by == By::DeadAbort {
                return abort();
            }
            cancel()?;
            *child = rig.call(&["resume"], &[])?;
            Ok(())
        }
        By::Frozen => {
            signal(child, Signal::SIGSTOP);
            abort()
        }
        By::Trigger => Ok(()),
    }
}

/// Walks all scenarios, prints the table and gives the verdict.
///
/// # Errors
/// Nothing could be tried.
pub fn prove() -> Result<Verdict, String> {
    crate::rig::binaries()?;
    let (mut walked, mut wrong, mut slowest) = (0, 0, 0);
    println!("{:<18} {:<28} {:>10}  code", "phase", "told by", "ms");
    for at in PHASES {
        for by in MANNERS.into_iter().filter(|by| fits(at, *by)) {
            walked += 1;
            match scenario(at, by) {
                Ok((took, code)) => {
                    slowest = took.max(slowest);
                    println!("{:<18} {:<28} {took:>10}  {code}", at.to_string(), format!("{by:?}"));
                }
                Err(why) => {
                    wrong += 1;
                    println!("{:<18} {:<28} WRONG: {why}", at.to_string(), format!("{by:?}"));
                }
            }
        }
    }
    let disk = crate::full_disk::row();
    println!("{:<18} {disk}", "full disk");
    let text =
        format!("{walked} ways back, {wrong} blocked, the slowest after {slowest} ms; full disk: {disk}");
    Ok(Verdict::new(text, wrong == 0 && !disk.starts_with("WRONG")))
}
