//! An abort reaches every release that can still go back, whatever the others are at.

use std::collections::BTreeMap;

use machine::{Machine, Name, Timestamp, step};
use release::{Arm, Phase, Sample, Sighting, Stage};
use run::{Command, Event, Rejected, Run, Source, read};

const FILE: &str = r"
pipeline: two
targets:
  a: {class: local, port: 18080}
  b: {class: local, port: 18081}
stages: [only]
jobs:
";

fn deploy(name: &str, needs: &str) -> String {
    let digest = "1".repeat(64);
    format!(
        r#"
  {name}:
    stage: only
    needs: [{needs}]
    deploy:
      target: {name}
      version: "2"
      artifact: {{digest: "sha256:{digest}"}}
      min_requests: 0
      probes: {{ready: {{http: /ready}}}}
      strategy: {{blue_green: {{steps: [100], pause: 0s, bake: 0s, progress_deadline: 10s, scrape: 1s}}}}
"#
    )
}

fn opened(file: &str) -> Run {
    let source = Source {
        file: "pipeline.yaml",
        folder: "/",
        text: file.as_bytes(),
        set: &BTreeMap::new(),
        run: "r",
        by: "somebody",
        workers: 2,
        only: None,
        beside: &|name| Err(format!("{name}: nothing lies beside this file")),
    };
    let definition = read(&source).unwrap_or_else(|problems| panic!("{problems}"));
    let mut run = Run::new();
    tell(&mut run, 0, Event::Opened(Box::new(definition))).unwrap();
    run
}

fn tell(run: &mut Run, ms: u64, event: Event) -> Result<(), Rejected> {
    step(run, Timestamp::from_millis(ms), Some(event)).rejected.map_or(Ok(()), Err)
}

fn hear(run: &mut Run, ms: u64, path: &str, event: release::Event) {
    tell(run, ms, Event::Release { path: Name::from(path), event }).unwrap();
}

fn see(run: &mut Run, ms: u64, path: &str, percent: u8, stable: &str) {
    let taken = Timestamp::from_millis(ms);
    let sighting = Sighting {
        taken,
        generation: 0,
        stable: Some(stable.to_owned()),
        new: "new".to_owned(),
        percent,
        ready: 1,
        wanted: 1,
        running_new: 1,
        running_old: 1,
        latched: false,
        sample: Some(Sample { taken, new: Arm::default(), stable: None }),
        failing: None,
    };
    hear(run, ms, path, release::Event::Seen(Box::new(sighting)));
}

/// Brings the release of `a` past its promotion.
fn promote_a(run: &mut Run) {
    hear(run, 1, "a#1", release::Event::Acquired { restored: false });
    for (ms, percent, stable) in
        [(2, 0, "old"), (3, 0, "old"), (4, 100, "old"), (5, 100, "old"), (6, 100, "new")]
    {
        see(run, ms, "a#1", percent, stable);
    }
    let phase = |run: &Run| run.rollouts().next().map(|(_, of)| of.release.phase().clone());
    assert_eq!(phase(run), Some(Phase::Decommissioning));
}

fn abort() -> Event {
    Event::Command(Command::Abort { by: "somebody".to_owned(), target: None })
}

#[test]
fn s5_a_release_that_is_promoted_does_not_keep_another_from_going_back() {
    let mut run = opened(&format!("{FILE}{}{}", deploy("a", ""), deploy("b", "")));
    promote_a(&mut run);
    tell(&mut run, 10, abort()).unwrap();
    let stages: Vec<&Stage> = run.rollouts().map(|(_, rollout)| rollout.release.stage()).collect();
    assert!(matches!(stages[..], [Stage::Rolling, Stage::Closing(_)]), "{stages:?}");
}

#[test]
fn s5_an_abort_after_one_promotion_keeps_the_next_release_from_beginning() {
    let mut run = opened(&format!("{FILE}{}{}", deploy("a", ""), deploy("b", "a")));
    promote_a(&mut run);
    tell(&mut run, 10, abort()).unwrap();
    assert!(run.pipeline().unwrap().cancelled().is_some());
    assert_eq!(run.rollouts().count(), 1);
}

#[test]
fn i19_an_abort_with_nothing_left_to_go_back_is_refused_and_changes_nothing() {
    let mut run = opened(&format!("{FILE}{}", deploy("a", "")));
    promote_a(&mut run);
    let before = run.clone();
    assert!(matches!(tell(&mut run, 10, abort()), Err(Rejected::NothingToAbort(_))));
    assert!(run == before && run.progress() == machine::Progress::Working);
}
