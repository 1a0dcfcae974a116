//! What a person types: clear errors, exit codes, an owner-only socket, stop and start.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use ports::Target;
use supervise::{Answer, Desired};

use crate::bed::{Bed, program};

fn run(args: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new(program()).args(args).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code().unwrap(), said)
}

#[test]
fn a_port_in_use_is_named_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let state = folder.path().to_string_lossy().into_owned();
    for command in ["serve", "start"] {
        let (code, said) = run(&[command, "--state", &state, "--port", &port]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(&format!("port {port} on 127.0.0.1 is in use")), "{said}");
    }
}

#[test]
fn started_in_the_background_it_answers_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("deep/er").to_string_lossy().into_owned();
    let (code, said) = run(&["start", "--state", &state, "--port", "0"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = run(&["start", "--state", &state, "--port", "0"]);
    assert!(code == 0 && said.contains("already"), "{said}");
    let (code, said) = run(&["status", "--state", &state, "--output", "json"]);
    let status: adapter_local::Status = serde_json::from_str(&said).unwrap();
    assert_eq!((code, status.protocol), (0, adapter_local::PROTOCOL));
    let (code, said) = run(&["stop", "--state", &state]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = run(&["status", "--state", &state]);
    assert_eq!(code, 1, "{said}");
}

#[test]
fn starts_at_the_same_time_find_one_target_and_a_stop_may_be_repeated() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("target").to_string_lossy().into_owned();
        std::thread::scope(|scope| {
            let start = || run(&["start", "--state", &state, "--port", "0"]);
            let both = [scope.spawn(start), scope.spawn(start), scope.spawn(start)];
            for started in both {
                let (code, said) = started.join().unwrap();
                assert_eq!(code, 0, "{said}");
            }
        });
        for word in ["stopped", "nothing to stop"] {
            let (code, said) = run(&["stop", "--state", &state]);
            assert!(code == 0 && said.contains(word), "{said}");
        }
    }
}

#[tokio::test]
async fn only_the_owner_can_open_the_socket_and_one_process_works_in_a_folder() {
    let bed = Bed::new().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(bed.target.socket()), 0o600);
    assert_eq!(mode(bed.target.socket().parent().unwrap()), 0o700);
    let state = bed.state().to_string_lossy().into_owned();
    let (code, said) = run(&["serve", "--state", &state, "--port", "0"]);
    assert!(code == 2 && said.contains("another nova-local works in"), "{code} {said}");
}

#[tokio::test]
async fn stopped_with_its_instances_it_starts_them_again() {
    let mut bed = Bed::new().await;
    let stable = bed.stable(&bed.spec("1.5.0", &[])).await;
    let before = Bed::pids(&bed.target.observe().await.unwrap(), &stable);
    for (keep, same) in [(true, true), (false, false)] {
        bed.target.stop(keep).await.unwrap();
        bed.ended().await;
        bed.start(0).await;
        let seen = bed.observed("all are ready", |seen| seen.value.revisions[&stable].ready() == 2).await;
        assert_eq!(Bed::pids(&seen, &stable) == before, same);
        assert!(seen.value.revisions[&stable].instances.iter().all(|i| i.crashes == 0));
    }
}

#[tokio::test]
async fn an_artifact_with_another_digest_never_runs_and_the_reason_is_shown() {
    let bed = Bed::new().await;
    let hand = bed.acquire("wrong").await;
    let mut spec = bed.spec("1.5.0", &[]);
    spec.artifact = format!("sha256:{}", "0".repeat(64));
    hand.accepted(Desired::Running { spec: Box::new(spec) }).await;
    bed.until("the reason is shown", async |bed| !bed.status().await.problems.is_empty()).await;
    assert!(bed.status().await.problems[0].1.contains("has the digest sha256:"));
    let mut spec = bed.spec("1.5.0", &[]);
    spec.instances = 0;
    let refused = hand.order(Desired::Running { spec: Box::new(spec) }).await;
    assert!(matches!(refused, Answer::Refused { .. }), "{refused:?}");
}

#[test]
fn the_unit_file_is_accepted_by_systemd() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_string_lossy().into_owned();
    let (code, unit) = run(&["unit", "--state", &state, "--port", "8080"]);
    assert_eq!(code, 0, "{unit}");
    assert!(unit.contains("KillMode=process") && unit.contains("ExecStart="), "{unit}");
    let path = folder.path().join("nova-local.service");
    std::fs::write(&path, unit).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&path).output() {
        Ok(verified) => {
            let said = String::from_utf8_lossy(&verified.stderr).into_owned();
            assert!(verified.status.success(), "{said}");
        }
        Err(error) => eprintln!("not verified: systemd-analyze: {error}"),
    }
}
