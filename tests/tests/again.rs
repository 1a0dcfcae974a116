//! What comes after the first run: a second one that finds nothing to do, one that starts over, and retention.

use delivery_tests::rig::{Rig, code};
use nova_pipeline::summary::summary;
use release::Outcome;

/// How the releases of a job ended in the newest run.
fn outcomes(rig: &Rig, job: &str) -> Vec<Outcome> {
    let past = rig.past().unwrap();
    let rollouts = past.replayed.machine.rollouts().filter(|(_, rollout)| rollout.job.as_str() == job);
    rollouts.filter_map(|(_, rollout)| rollout.release.outcome().cloned()).collect()
}

fn stable(version: &str) -> Vec<(String, u8)> {
    vec![(version.to_owned(), 100)]
}

#[test]
fn a_second_run_changes_nothing_and_one_from_an_earlier_version_starts_over() {
    let rig = Rig::new(|text| text).unwrap();
    assert_eq!(code(&mut rig.run(&[]).unwrap()), Ok(0), "{}", rig.said());
    assert_eq!(outcomes(&rig, "deploy-production"), [Outcome::Promoted]);
    assert_eq!(rig.traffic(), stable("1.6.0"));
    let serving = rig.view("production").unwrap().weights;

    assert_eq!(code(&mut rig.run(&[]).unwrap()), Ok(0), "{}", rig.said());
    let again = outcomes(&rig, "deploy-production");
    assert!(matches!(again.as_slice(), [Outcome::Unchanged { .. }]), "{again:?}");
    assert_eq!(rig.view("production").unwrap().weights, serving);

    assert_eq!(code(&mut rig.run_with(&["from=1.5.0"], &[]).unwrap()), Ok(0), "{}", rig.said());
    assert_eq!(outcomes(&rig, "bring-up"), [Outcome::Promoted], "1.5.0 is stable first");
    assert_eq!(outcomes(&rig, "deploy-production"), [Outcome::Promoted], "then 1.6.0 is released again");
    assert_eq!(rig.traffic(), stable("1.6.0"));
}

const KEEPS: &str = r#"pipeline: keeps
inputs:
  port: {default: "1"}
  staging_port: {default: "1"}
  sink_port: {default: "1"}
  content: {default: one}
stages: [only]
jobs:
  make:
    stage: only
    env: {CONTENT: {input: content}}
    run: [{sh: 'printf %s "$CONTENT" > "$NOVA_WORK/made"'}]
    artifacts: {made: made}
"#;

fn prune(rig: &Rig, words: &[&str]) -> serde_json::Value {
    let mut command =
        std::process::Command::new(delivery_tests::rig::binaries().unwrap().join("nova-pipeline"));
    command.args(["runs", "prune", "--output", "json", "--state-dir"]).arg(rig.state()).args(words);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn files(rig: &Rig, folder: &str) -> usize {
    std::fs::read_dir(rig.state().join(folder)).unwrap().count()
}

#[test]
fn old_runs_go_with_what_only_they_name_and_nothing_else() {
    let rig = Rig::new(|_| KEEPS.to_owned()).unwrap();
    let mut names = Vec::new();
    for content in ["one", "two", "two"] {
        let input = format!("content={content}");
        assert_eq!(code(&mut rig.run_with(&[&input], &[]).unwrap()), Ok(0), "{}", rig.said());
        names.push(summary(&rig.past().unwrap().replayed.machine).unwrap().run);
    }
    assert_eq!((files(&rig, "runs"), files(&rig, "artifacts")), (3, 2));

    let young = prune(&rig, &["--keep", "1", "--older", "1h"]);
    assert_eq!((&young["runs"], &young["artifacts"]), (&serde_json::json!([]), &serde_json::json!([])));
    let planned = prune(&rig, &["--keep", "1", "--older", "0s", "--dry-run"]);
    assert_eq!(planned["runs"], serde_json::json!(names[..2]));
    assert_eq!((files(&rig, "runs"), files(&rig, "artifacts")), (3, 2), "nothing was done yet");

    let done = prune(&rig, &["--keep", "1", "--older", "0s"]);
    assert_eq!(done, planned);
    assert_eq!(done["artifacts"].as_array().unwrap().len(), 1, "the last run names the other one");
    assert_eq!((files(&rig, "runs"), files(&rig, "artifacts")), (1, 1));
    let kept = std::fs::read_dir(rig.state().join("artifacts")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "two");
}
