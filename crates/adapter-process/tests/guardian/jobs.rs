//! One job, and many.

use std::fs;
use std::time::{Duration, Instant};

use ports::{Command, Jobs, PortError};

use super::support::{block, folder, guardian, living, run, shell, tag, until};

pub(crate) const CASES: &[super::Case] = &[
    ("a_job_ends_with_its_code_its_output_and_nothing_inherited", ends_with_its_code),
    ("a_signal_is_reported_as_one", a_signal_is_reported),
    ("secrets_are_masked_in_the_log_and_in_the_last_lines", secrets_are_masked),
    ("what_cannot_be_started_is_refused_and_says_why", refused),
    ("jobs_have_default_signals_and_no_input", default_signals),
    ("stop_gives_a_grace_and_then_kills", stop_gives_a_grace),
    ("what_a_job_leaves_behind_is_gone_before_its_end_is_reported", leftovers_are_gone),
    ("one_job_ends_without_touching_the_other", others_live),
    ("a_log_keeps_its_limit", log_limit),
    ("a_dead_guardian_ends_all_jobs_and_takes_no_new_ones", dead_guardian),
    ("a_caller_that_goes_away_harms_nobody", caller_goes_away),
    ("many_jobs_at_once", many),
    ("the_contract_of_jobs_is_kept", contract),
];

fn contract() {
    block(async {
        let (folder, jobs) = (folder(), guardian().await);
        ports::contract::jobs::jobs(&jobs, folder.path()).await.unwrap();
    });
}

fn ends_with_its_code() {
    block(async {
        let (folder, jobs) = (folder(), guardian().await);
        let script = "pwd; env | sort; printf '\\377\\n'; echo last >&2; exit 7";
        let ended = run(&jobs, shell("a", folder.path(), "x", script)).await;
        assert_eq!((ended.code, ended.signal), (Some(7), None));
        let text = fs::read(folder.path().join("a.log")).unwrap();
        assert_eq!(text.len() as u64, ended.log.bytes);
        assert!(text.contains(&0xff));
        assert_eq!(ended.log.tail.last().unwrap(), "last");
        let names: Vec<&str> =
            ended.log.tail[1..].iter().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert_eq!(names, ["NOVA_JOB_MARK", "PATH", "PWD", "TAG"]);
        assert_eq!(ended.log.tail[0], folder.path().canonicalize().unwrap().to_str().unwrap());
    });
}

fn a_signal_is_reported() {
    block(async {
        let (folder, jobs) = (folder(), guardian().await);
        let ended = run(&jobs, shell("a", folder.path(), "x", "kill -SEGV $$")).await;
        assert_eq!((ended.code, ended.signal), (None, Some(11)));
    });
}

fn secrets_are_masked() {
    block(async {
        let (folder, jobs) = (folder(), guardian().await);
        let script = "printf 'a hunt'; printf 'er-22 b\\n'; printf hunter-22 | od -An -tx1 | tr -d ' '";
        let mut command = shell("a", folder.path(), "x", script);
        command.secrets = vec!["hunter-22".into()];
        let ended = run(&jobs, command).await;
        assert_eq!(fs::read_to_string(folder.path().join("a.log")).unwrap(), "a *** b\n***\n");
        assert_eq!(ended.log.tail, ["a *** b", "***"]);
    });
}

fn refused() {
    block(async {
        let (folder, jobs) = (folder(), guardian().await);
        let good = || shell("a", folder.path(), "x", "echo; exit 0");
        run(&jobs, good()).await;
        let nowhere = folder.path().join("nowhere");
        let bad = [
            ("was used before", good()),
            ("no program to start", Command { name: "b".into(), argv: vec![], ..good() }),
            (
                "no program \"nova-none\"",
                Command { name: "c".into(), argv: vec!["nova-none".into()], ..good() },
            ),
            ("not a folder", Command { name: "d".into(), dir: nowhere, ..good() }),
            ("log ", Command { name: "e".into(), log: folder.path().join("a.log/x"), ..good() }),
            ("shorter than 4", Command { name: "f".into(), secrets: vec!["abc".into()], ..good() }),
            ("too large", Command { name: "g".into(), argv: vec!["x".repeat(9 << 20)], ..good() }),
            ("./nova-none", Command { name: "h".into(), argv: vec!["./nova-none".into()], ..good() }),
        ];
        for (part, command) in bad {
            match jobs.start(command).await {
                Err(PortError::Refused(why)) => assert!(why.contains(part), "{part}: {why}"),
                other => panic!("{part}: {:?}", other.map(|_| ())),
            }
        }
        assert_eq!(run(&jobs, Command { name: "z".into(), ..good() }).await.code, Some(0));
    });
}

fn default_signals() {
    block(async {
        let (folder, jobs) = (folder(), guardian().await);
        let script =
            "grep -E '^Sig(Blk|Ign)' /proc/self/status; readlink /proc/self/fd/0; ls /proc/self/fd | wc -l";
        let ended = run(&jobs, shell("a", folder.path(), "x", script)).await;
        let plain =
            std::process::Command::new("sh").args(["-c", "ls /proc/self/fd | wc -l"]).output().unwrap();
        let [blocked, ignored, input, files] = ended.log.tail.as_slice() else {
            panic!("{:?}", ended.log.tail)
        };
        assert_eq!(blocked, "SigBlk:\t0000000000000000");
        // The last 31 bits are those of the ordinary signals; what is above belongs to the C library.
        assert!(ignored.ends_with("80000000") || ignored.ends_with("00000000"), "{ignored}");
        assert_eq!(input, "/dev/null");
        assert_eq!(*files, String::from_utf8_lossy(&plain.stdout).trim(), "open files beyond the usual ones");
    });
}

fn stop_gives_a_grace() {
    block(async {
        let (folder, jobs, tag) = (folder(), guardian().await, tag());
        let polite = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.02; done";
        let (_, end) = jobs.start(shell("polite", folder.path(), &tag, polite)).await.unwrap();
        let log = folder.path().join("polite.log");
        until("it is up", || fs::read_to_string(&log).is_ok_and(|text| text == "up\n"));
        jobs.stop("polite").await.unwrap();
        let ended = end.await.unwrap();
        assert_eq!((ended.code, ended.log.tail.last().unwrap().as_str()), (Some(3), "bye"));

        let deaf = "trap '' TERM; (trap '' TERM; setsid sleep 100) & echo up; while :; do sleep 0.02; done";
        let (_, end) = jobs.start(shell("deaf", folder.path(), &tag, deaf)).await.unwrap();
        let log = folder.path().join("deaf.log");
        until("it is up", || fs::read_to_string(&log).is_ok_and(|text| text == "up\n"));
        let begun = Instant::now();
        jobs.stop("deaf").await.unwrap();
        let ended = end.await.unwrap();
        assert_eq!((ended.code, ended.signal), (None, Some(9)));
        assert!(begun.elapsed() >= Duration::from_millis(300), "the grace was cut short");
        assert_eq!(living(&tag), 0);
        jobs.stop("deaf").await.unwrap();
        jobs.stop("never").await.unwrap();
    });
}

fn leftovers_are_gone() {
    block(async {
        let (folder, jobs) = (folder(), guardian().await);
        // Another job runs, so that only the right ones may be taken.
        let other = tag();
        let (_, other_end) =
            jobs.start(shell("other", folder.path(), &other, "sleep 100 & wait")).await.unwrap();
        for (n, script) in [
            "sleep 100 & exit 0",
            "setsid sleep 100 & exit 0",
            "(sleep 100 & exit 0); exit 0",
            "(setsid sh -c 'sleep 100 & sleep 100 & exit' & exit); exit 0",
            "trap '' TERM; setsid sleep 100 & exit 0",
            "setsid sh -c 'trap \"setsid sleep 100 &\" TERM; while :; do sleep 0.01; done' & exit 0",
        ]
        .into_iter()
        .enumerate()
        {
            let tag = tag();
            let mut command = shell(&format!("j{n}"), folder.path(), &tag, script);
            command.grace_ms = 50;
            assert_eq!(run(&jobs, command).await.code, Some(0));
            assert_eq!(living(&tag), 0, "{script}");
        }
        assert_eq!(living(&other), 2);
        jobs.stop("other").await.unwrap();
        other_end.await.unwrap();
    });
}

fn others_live() {
    block(async {
        let (folder, jobs, a, b) = (folder(), guardian().await, tag(), tag());
        let script = "setsid sleep 100 & (sleep 100 &) ; wait";
        let (_, a_end) = jobs.start(shell("a", folder.path(), &a, script)).await.unwrap();
        let (_, b_end) = jobs.start(shell("b", folder.path(), &b, script)).await.unwrap();
        until("both are whole", || living(&a) == 3 && living(&b) == 3);
        jobs.stop("a").await.unwrap();
        a_end.await.unwrap();
        assert_eq!((living(&a), living(&b)), (0, 3));
        jobs.stop("b").await.unwrap();
        b_end.await.unwrap();
        assert_eq!(living(&b), 0);
    });
}

fn log_limit() {
    block(async {
        let (folder, jobs) = (folder(), guardian().await.with_log_cap(100_000));
        let script = "head -c 5000000 /dev/zero | tr '\\0' x; echo; echo end";
        let ended = run(&jobs, shell("a", folder.path(), "x", script)).await;
        assert_eq!(ended.code, Some(0));
        assert!((100_000..100_200).contains(&ended.log.bytes), "{}", ended.log.bytes);
        assert_eq!(ended.log.tail.last().unwrap(), "end");
    });
}

fn dead_guardian() {
    block(async {
        let (folder, jobs, tag) = (folder(), guardian().await, tag());
        let (_, end) =
            jobs.start(shell("a", folder.path(), &tag, "setsid sleep 100 & sleep 100")).await.unwrap();
        until("it is up", || living(&tag) == 3);
        let pid = nix::unistd::Pid::from_raw(i32::try_from(jobs.pid()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        let ended = end.await.unwrap();
        assert_eq!((ended.code, ended.signal), (None, Some(9)));
        let again = jobs.start(shell("b", folder.path(), &tag, "exit 0")).await;
        assert!(matches!(again, Err(PortError::Unreachable(_))));
        until("nothing is left", || living(&tag) == 0);
    });
}

fn caller_goes_away() {
    block(async {
        let (folder, jobs) = (folder(), guardian().await);
        for n in 0..50 {
            let start = jobs.start(shell(&format!("gone{n}"), folder.path(), "x", "exit 0"));
            let _cut = tokio::time::timeout(Duration::from_micros(n * 10), start).await;
        }
        assert_eq!(run(&jobs, shell("last", folder.path(), "x", "exit 4")).await.code, Some(4));
    });
}

fn many() {
    block(async {
        let (folder, jobs, tag) = (folder(), guardian().await, tag());
        let mut ends = Vec::new();
        for n in 0..200 {
            let command =
                shell(&format!("m{n}"), folder.path(), &tag, &format!("echo {n}; exit {}", n % 100));
            ends.push(jobs.start(command).await.unwrap().1);
        }
        for (n, end) in (0_i32..).zip(ends) {
            let ended = end.await.unwrap();
            assert_eq!((ended.code, ended.log.tail), (Some(n % 100), vec![n.to_string()]));
        }
        jobs.shut_down().await.unwrap();
        assert_eq!(living(&tag), 0);
    });
}
