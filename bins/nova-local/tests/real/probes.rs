//! Every kind of probe on real instances, good and bad: what passes gets traffic, what does not has a reason that is
//! shown, and a command leaves nothing behind.

use std::path::{Path, PathBuf};
use std::process::Command;

use adapter_process::instances;
use ports::Target;
use supervise::{Action, Desired, Observation, Probe, ProbeKind, Probes, RevisionId, RevisionSpec};

use crate::bed::{Bed, Hand, program};

fn sh(script: &str) -> Action {
    Action::Command(vec!["sh".into(), "-c".into(), script.into()])
}

fn quick(action: Action) -> Probe {
    Probe { every_ms: 50, timeout_ms: 500, failures: 2, ..Probe::new(action) }
}

/// One instance with that readiness.
fn spec(bed: &Bed, env: &[(&str, &str)], ready: Action) -> RevisionSpec {
    let probes = Probes { ready: quick(ready), live: None };
    RevisionSpec { instances: 1, probes, ..bed.spec("1", env) }
}

async fn ordered(hand: &Hand<'_>, spec: &RevisionSpec) -> RevisionId {
    hand.accepted(Desired::Running { spec: Box::new(spec.clone()) }).await;
    spec.id()
}

/// Why that check of the first instance fails.
fn why<'a>(seen: &'a Observation, id: &RevisionId, kind: ProbeKind) -> Option<&'a str> {
    seen.value.revisions.get(id)?.instances.first()?.failing.get(&kind).map(String::as_str)
}

fn lines(file: &Path) -> usize {
    std::fs::read_to_string(file).map_or(0, |text| text.lines().count())
}

/// A file that only the commands of one test write, and a script that adds a line to it.
fn tally(bed: &Bed) -> (PathBuf, String) {
    let file = bed.state().join("tally");
    let add = format!("echo x >> '{}'", file.display());
    (file, add)
}

#[tokio::test]
async fn each_kind_makes_an_instance_ready_when_it_passes() {
    let bed = Bed::new().await;
    let hand = bed.acquire("a").await;
    let around = "test \"$PORT\" -gt 0 && test \"$NOVA_SLOT\" = 0 && test \"$NAME\" = 1 && test -n \"$PATH\" \
                  && test -z \"$NOVA_INSTANCE\" && test \"$(basename \"$PWD\")\" = work";
    for (env, action) in [
        (&[][..], Action::Http("/ready".into())),
        (&[], Action::Tcp),
        (&[("GRPC", "1")], Action::Grpc(String::new())),
        (&[("GRPC", "1")], Action::Grpc("novacron.v1.Api".into())),
        (&[], sh(around)),
    ] {
        let mut spec = spec(&bed, env, action.clone());
        spec.probes.live = Some(quick(action));
        let id = hand.running(&spec).await;
        let seen = bed.target.observe().await.unwrap();
        assert_eq!(why(&seen, &id, ProbeKind::Ready), None);
        hand.accepted(Desired::Stopped { revision: id, retain_ms: 0 }).await;
    }
}

#[tokio::test]
async fn each_kind_says_by_name_why_it_does_not_pass() {
    let bed = Bed::new().await;
    let hand = bed.acquire("a").await;
    for (env, action, says) in [
        (
            &[("NEVER_READY", "1")][..],
            Action::Http("/ready".into()),
            "status: answered 503, 200 to 399 is expected",
        ),
        (&[("DELAY_MS", "60000")], Action::Http("/slow".into()), "deadline: no whole answer within 500 ms"),
        (&[("DEAF", "1")], Action::Http("/ready".into()), "unreachable: no connection"),
        (&[("GRPC", "1")], Action::Http("/ready".into()), "protocol: what answers does not speak HTTP"),
        (&[("DEAF", "1")], Action::Tcp, "unreachable: no connection"),
        (&[("GRPC", "2")], Action::Grpc(String::new()), "not_serving: the service says NOT_SERVING"),
        (&[("GRPC", "3")], Action::Grpc("other".into()), "service_unknown: "),
        (&[], Action::Grpc(String::new()), "lost: "),
        (&[], sh("echo 'no route to db' >&2; exit 3"), "exit: ended with exit code 3: no route to db"),
        (&[], sh("exec sleep 600"), "killed: did not end within 500 ms"),
        (&[], Action::Command(vec!["no-such-program-here".into()]), "not_started: cannot be started"),
    ] {
        let id = ordered(&hand, &spec(&bed, env, action)).await;
        let failing =
            |seen: &Observation| why(seen, &id, ProbeKind::Ready).is_some_and(|why| why.starts_with(says));
        let seen = bed.observed(says, failing).await;
        assert_eq!(seen.value.revisions[&id].ready(), 0, "{says}");
        assert!(status(&bed).contains(&format!("  slot 0: ready fails: {says}")), "{}", status(&bed));
        bed.until("the log says it", async |bed| {
            bed.log().contains(&format!("{id} slot 0: ready fails: {says}"))
        })
        .await;
        hand.accepted(Desired::Stopped { revision: id, retain_ms: 0 }).await;
    }
}

fn status(bed: &Bed) -> String {
    let said = Command::new(program()).args(["status", "--state"]).arg(bed.state()).output().unwrap();
    String::from_utf8_lossy(&said.stdout).into_owned()
}

#[tokio::test]
async fn what_fails_and_passes_again_is_shown_only_while_it_fails() {
    let bed = Bed::new().await;
    let hand = bed.acquire("a").await;
    let sick = bed.state().join("sick");
    let id = hand.running(&spec(&bed, &[], sh(&format!("test ! -e '{}'", sick.display())))).await;
    std::fs::write(&sick, "").unwrap();
    let seen = bed.observed("it is not ready any more", |seen| seen.value.revisions[&id].ready() == 0).await;
    assert_eq!(why(&seen, &id, ProbeKind::Ready), Some("exit: ended with exit code 1"));
    std::fs::remove_file(&sick).unwrap();
    bed.observed("it is ready again", |seen| seen.value.revisions[&id].ready() == 1).await;
    bed.observed("nothing fails", |seen| why(seen, &id, ProbeKind::Ready).is_none()).await;
}

#[tokio::test]
async fn enough_successes_in_a_row_make_it_ready() {
    let bed = Bed::new().await;
    let hand = bed.acquire("a").await;
    let (file, add) = tally(&bed);
    let go = bed.state().join("go");
    // Two of three pass, until told otherwise.
    let script =
        format!("{add}; test -e '{}' || test $(($(wc -l < '{}') % 3)) -ne 0", go.display(), file.display());
    let mut spec = spec(&bed, &[], sh(&script));
    spec.probes.ready.successes = 3;
    let id = ordered(&hand, &spec).await;
    bed.until("nine tries", async |_| lines(&file) >= 9).await;
    let seen = bed.target.observe().await.unwrap();
    assert_eq!(seen.value.revisions[&id].ready(), 0);
    std::fs::write(&go, "").unwrap();
    bed.observed("it is ready", |seen| seen.value.revisions[&id].ready() == 1).await;
}

#[tokio::test]
async fn failures_of_liveness_count_after_the_grace_which_the_first_success_ends() {
    let bed = Bed::new().await;
    let hand = bed.acquire("a").await;
    let (file, add) = tally(&bed);
    let go = bed.state().join("go");
    // It passes once, at the first try after it is told to.
    let script = format!("{add}; rm '{}' 2> /dev/null", go.display());
    let mut spec = spec(&bed, &[], Action::Tcp);
    spec.probes.live = Some(Probe { grace_ms: 3_600_000, failures: 1_000, ..quick(sh(&script)) });
    let id = hand.running(&spec).await;
    bed.until("five tries", async |_| lines(&file) >= 5).await;
    let failed = |seen: &Observation| seen.value.revisions[&id].instances[0].failed_checks;
    let seen = bed.observed("it fails", |seen| why(seen, &id, ProbeKind::Live).is_some()).await;
    assert_eq!(failed(&seen), 0, "the grace goes on");
    std::fs::write(&go, "").unwrap();
    bed.observed("failures count", |seen| failed(seen) >= 2).await;
    assert!(!go.exists());
}

#[tokio::test]
async fn a_command_and_its_children_end_with_their_instance_and_at_the_timeout() {
    let bed = Bed::new().await;
    let hand = bed.acquire("a").await;
    let file = bed.state().join("children");
    let script = format!("trap '' TERM; sleep 600 & echo $! >> '{}'; wait", file.display());
    let mut spec = spec(&bed, &[], Action::Tcp);
    spec.probes.live = Some(quick(sh(&script)));
    let id = hand.running(&spec).await;
    bed.until("two timeouts", async |_| lines(&file) >= 3).await;
    hand.accepted(Desired::Stopped { revision: id.clone(), retain_ms: 60_000 }).await;
    bed.observed("it is stopped", |seen| Bed::pids(seen, &id).is_empty()).await;
    for child in std::fs::read_to_string(&file).unwrap().lines() {
        let child: u32 = child.parse().unwrap();
        bed.until("its child is gone", async |_| !instances::identity(child).is_some_and(instances::alive))
            .await;
    }
}

/// One that is adopted is checked by the successor as it was before.
#[tokio::test]
async fn probes_go_on_after_a_crash_of_the_target() {
    let mut bed = Bed::new().await;
    let sick = bed.state().join("sick");
    let spec = {
        let mut spec = spec(&bed, &[], sh(&format!("test ! -e '{}'", sick.display())));
        spec.probes.live = Some(quick(Action::Tcp));
        spec
    };
    let id = bed.stable(&spec).await;
    bed.kill();
    bed.start(0).await;
    let before =
        Bed::pids(&bed.observed("it is adopted", |seen| seen.value.revisions[&id].ready() == 1).await, &id);
    std::fs::write(&sick, "").unwrap();
    let seen = bed.observed("it is not ready", |seen| seen.value.revisions[&id].ready() == 0).await;
    assert_eq!(Bed::pids(&seen, &id), before);
    assert!(why(&seen, &id, ProbeKind::Ready).is_some_and(|why| why.starts_with("exit: ")));
}
