//! However the runner ends, and however a job hides its processes: none is left.

use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ports::Jobs;

use super::support::{block, folder, guardian, living, shell, tag, until};

pub(crate) const CASES: &[super::Case] = &[
    ("nothing_survives_the_runner_however_it_ends", nothing_survives),
    ("nothing_survives_an_orderly_end", orderly_end),
    ("signals_to_the_guardian_alone_change_nothing", signals_to_the_guardian),
];

/// (how, script, how many processes it has when it is up)
const HIDING: [(&str, &str, usize); 7] = [
    ("foreground", "sleep 100; exit", 2),
    ("background", "sleep 100 & sleep 100 & wait", 3),
    ("setsid", "setsid sleep 100 & wait", 2),
    ("double fork", "(sleep 100 & exit); (setsid sh -c 'sleep 100 & exit' & exit); sleep 100; exit", 4),
    ("deaf", "trap '' TERM INT HUP; setsid sleep 100 & sleep 100; exit", 3),
    ("without its mark", "(env -u NOVA_JOB_MARK setsid sleep 100 & exit); sleep 100; exit", 3),
    ("stopped", "setsid sh -c 'kill -STOP $$; sleep 100' & sleep 100; exit", 3),
];

/// The role of the runner: starts one job and does nothing about its end.
pub(crate) fn runner(args: &[String]) -> ExitCode {
    let folder = folder();
    block(async {
        let jobs = guardian().await;
        let (_, end) = jobs.start(shell("job", folder.path(), &args[0], &args[1])).await.unwrap();
        end.await.unwrap();
    });
    ExitCode::SUCCESS
}

fn begin(tag: &str, script: &str) -> Child {
    // In the environment too, so that runner and guardian are counted.
    Command::new(std::env::current_exe().unwrap())
        .args(["runner", tag, script])
        .env("TAG", tag)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn nothing_survives() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGKILL] {
        for (how, script, count) in HIDING {
            let tag = tag();
            let mut runner = begin(&tag, script);
            // Runner and guardian carry the tag too.
            until(how, || living(&tag) == count + 2);
            let begun = Instant::now();
            kill(Pid::from_raw(i32::try_from(runner.id()).unwrap()), signal).unwrap();
            runner.wait().unwrap();
            until(how, || living(&tag) == 0);
            println!("  {signal} x {how}: {count} processes, 0 survive after {:?}", begun.elapsed());
        }
    }
}

fn orderly_end() {
    for (how, script, count) in HIDING {
        let (folder, tag) = (folder(), tag());
        block(async {
            let jobs = guardian().await;
            let (_, end) = jobs.start(shell("job", folder.path(), &tag, script)).await.unwrap();
            until(how, || living(&tag) == count);
            jobs.shut_down().await.unwrap();
            assert_eq!(living(&tag), 0, "{how}");
            end.await.unwrap();
        });
    }
}

fn signals_to_the_guardian() {
    block(async {
        let (folder, tag, jobs) = (folder(), tag(), guardian().await);
        let (_, end) = jobs.start(shell("job", folder.path(), &tag, "sleep 100; exit 5")).await.unwrap();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
            kill(Pid::from_raw(i32::try_from(jobs.pid()).unwrap()), signal).unwrap();
        }
        jobs.stop("job").await.unwrap();
        assert_eq!(end.await.unwrap().signal, Some(15));
        let again = jobs.start(shell("again", folder.path(), &tag, "exit 5")).await.unwrap();
        assert_eq!(again.1.await.unwrap().code, Some(5));
    });
}
