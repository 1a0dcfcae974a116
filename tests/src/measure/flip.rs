//! From the verdict to the last request that was begun on the bad revision.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use machine::step;
use nova_pipeline::history::{Past, run_id, state};
use release::Effect as ReleaseEffect;
use run::{Effect, Event, Run};

use crate::door::Verdict;
use crate::programs;

const ROUNDS: usize = 5;
const AIM_MS: i64 = 50;
const LONGEST: Duration = Duration::from_mins(2);

/// A release whose new revision fails every request, under 500 requests a second.
const FILE: &str = r#"pipeline: flip
inputs:
  port: {default: "18080"}
stages: [a]
targets:
  here: {class: local, port: {input: port}}
services:
  users:
    needs: [stable]
    env: {PORT: {input: port}}
    run:
      - sh: exec "$NOVA_BIN/load" --url "http://127.0.0.1:$PORT" --rate 500 --for 1h --out "$NOVA_WORK/failed.jsonl"
jobs:
  good:
    stage: a
    run: [{sh: 'cp "$NOVA_BIN/novacron-api-1-5-0" "$NOVA_WORK/api"'}]
    artifacts: {api: api}
  bad:
    stage: a
    run: [{sh: 'cp "$NOVA_BIN/novacron-api-1-6-0" "$NOVA_WORK/api"'}]
    artifacts: {api: api}
  stable:
    stage: a
    needs: [good]
    deploy:
      target: here
      version: "1.5.0"
      artifact: {from: good, output: api}
      env: {NOVACRON_DB: flip.db}
      probes: {ready: {http: /health/ready, every: 100ms}}
      min_requests: 0
      strategy: {blue_green: {steps: [100], pause: 0s, bake: 0s, progress_deadline: 20s, scrape: 200ms}}
      only_when_empty: true
  ship:
    stage: a
    needs: [bad, stable]
    services: [users]
    deploy:
      target: here
      version: "1.6.0"
      artifact: {from: bad, output: api}
      env: {NOVACRON_DB: flip.db, NOVACRON_FAULT: errors, NOVACRON_FAULT_STRENGTH: "1"}
      probes: {ready: {http: /health/ready, every: 100ms}}
      strategy: {blue_green: {steps: [50, 100], pause: 5s, bake: 5s, progress_deadline: 20s, scrape: 200ms}}
      triggers:
        error_rate: {over: 1%, window: 2s, then: abort}
"#;

/// What one round gave, in milliseconds after the verdict.
struct Round {
    /// The last request on the bad revision was due.
    due: i64,
    /// Its failure was known.
    known: i64,
    failed: usize,
}

/// Some rounds on one target; the worst counts.
///
/// # Errors
/// A run does not end as it should.
pub(super) fn measure() -> Result<Verdict, String> {
    let bin = programs::folder()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::write(folder.path().join("flip.yaml"), FILE).map_err(|error| error.to_string())?;
    let port = format!("port={}", programs::free_port()?);
    let rounds: Result<Vec<Round>, String> = (0..ROUNDS).map(|_| round(&bin, folder.path(), &port)).collect();
    let mut stop = Command::new(bin.join("nova-local"));
    stop.args(["stop", "--state"]).arg(folder.path().join("state/targets/here"));
    let stopped = programs::run(&mut stop, LONGEST);
    let rounds = rounds?;
    stopped?;
    for (n, round) in rounds.iter().enumerate() {
        println!(
            "round {}: last request on the bad revision due {} ms after the verdict, known to have failed after {} ms; {} failed",
            n + 1,
            round.due,
            round.known,
            round.failed
        );
    }
    // A request was begun between its due time and its failure: the later one can only be too long.
    let worst = rounds.iter().map(|round| round.known).max().unwrap_or(i64::MAX);
    let text = format!(
        "{worst} ms from the verdict to the last bad request, worst of {ROUNDS} (aim <= {AIM_MS} ms)"
    );
    Ok(Verdict::new(text, worst <= AIM_MS))
}

fn round(bin: &Path, folder: &Path, port: &str) -> Result<Round, String> {
    let mut run = Command::new(bin.join("nova-pipeline"));
    run.current_dir(folder).args(["run", "flip.yaml", "--state-dir", "state", "--set", port]);
    let output = programs::run(&mut run, LONGEST)?;
    if output.status.code() != Some(11) {
        let said = String::from_utf8_lossy(&output.stdout);
        let said: Vec<&str> = said.lines().rev().take(12).collect();
        return Err(format!("the run ended with {}: {}", output.status, said.join(" | ")));
    }
    let state = state(&folder.join("state")).map_err(|error| error.to_string())?;
    let id = run_id(&state, "last").map_err(|error| error.to_string())?;
    let past = Past::read(&state, &id).map_err(|error| error.to_string())?;
    let verdict =
        past.file.header.wall_ms.cast_signed() + restored_at(&past).ok_or("no restore was decided")?;
    let failed = past.dir.work().join("users/failed.jsonl");
    let text = std::fs::read_to_string(&failed).map_err(|error| format!("{}: {error}", failed.display()))?;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let bad: Vec<(i64, i64)> = lines
        .filter(|line| line["status"].as_u64().is_some_and(|status| status >= 500))
        .filter_map(|line| Some((line["due_ms"].as_i64()?, line["at_ms"].as_i64()?)))
        .collect();
    let last = bad.iter().max_by_key(|(due, _)| *due).ok_or("no request met the bad revision")?;
    Ok(Round { due: last.0 - verdict, known: last.1 - verdict, failed: bad.len() })
}

/// Run time of the step that decided to return to stable.
fn restored_at(past: &Past) -> Option<i64> {
    let mut run = <Run>::new();
    past.file.records.iter().find_map(|record| {
        let event = record.entry.event.as_ref().and_then(|event| event.read::<Event>().ok());
        let stepped = step(&mut run, record.entry.ts, event);
        let restores = stepped
            .effects
            .iter()
            .any(|keyed| matches!(&keyed.effect, Effect::Release { effect: ReleaseEffect::Restore, .. }));
        restores.then(|| record.entry.ts.since(machine::Timestamp::ZERO).cast_signed())
    })
}
