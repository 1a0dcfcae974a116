//! The five worlds of `prove triggers`: in each only one of the design's rules can hold.

use std::collections::BTreeMap;

use release::{Outcome, RuleName, Stage};
use run::Run;
use simulation::{Behaviour, Burst, Faults, Setup, Universe};

use crate::simulated::{Memory, definition, play, stable};

/// The design's times: pauses of 5 minutes, a bake and a question of 15.
const PIPELINE: &str = r#"
pipeline: simulated
targets:
  production: {class: local, port: 18080}
stages: [production]
jobs:
  deploy:
    stage: production
    timeout: 12h
    deploy:
      target: production
      version: "1.6.0"
      artifact: {digest: "sha256:1111111111111111111111111111111111111111111111111111111111111111"}
      instances: 2
      memory_limit: 256MiB
      probes:
        ready: {http: /ready, every: 1s, failures: 3}
        live: {http: /health, every: 10s, failures: 3}
      strategy:
        blue_green: {steps: [5, 25, 50, 100]}
      judge: literal
TRIGGERS
"#;

/// The pipeline of all worlds, with that rule switched off.
pub fn pipeline(off: Option<RuleName>) -> String {
    let triggers =
        off.map_or(String::new(), |rule| format!("      triggers:\n        {rule}: {{off: true}}\n"));
    PIPELINE.replace("TRIGGERS\n", &triggers)
}

/// How the new revision behaves where only that rule can hold.
pub fn behaviour(rule: RuleName) -> Behaviour {
    let healthy = Behaviour::healthy();
    match rule {
        RuleName::HealthCheck => Behaviour { sick_after_ms: Some(60_000), ..healthy },
        // Requests without an answer: no server error among them.
        RuleName::ErrorRate => Behaviour { failure_ppm: 30_000, ..healthy },
        // Half the answers of one second: far over 10 in a minute and 1 % of its requests, under 1 % of 5 minutes.
        RuleName::ServerErrors => {
            Behaviour { burst: Some(Burst { from_ms: 1_200_000, length_ms: 1_000, ppm: 900_000 }), ..healthy }
        }
        RuleName::ResponseTime => Behaviour { latency_us: (150_000, 400_000), ..healthy },
        RuleName::Memory => Behaviour { leak_bytes_per_s: 512 << 10, ..healthy },
    }
}

/// A world in which the new revision behaves so.
pub fn world(seed: u64, behaviour: Behaviour, faults: Faults) -> Result<Universe, String> {
    let behaviours = BTreeMap::from([("1.6.0".to_owned(), behaviour)]);
    let universe = Universe::new(Setup { seed, users_per_s: 100, behaviours, faults });
    universe.bring_up(&stable("1.5.0"))?;
    Ok(universe)
}

/// What became of a release, and what was said of it.
#[derive(Clone, Debug)]
pub struct Played {
    /// How it ended.
    pub outcome: Outcome,
    /// The rule that led back.
    pub rule: Option<RuleName>,
    /// Instances that were restarted by order.
    pub restarts: usize,
    /// A person was asked.
    pub asked: bool,
    /// World time, in milliseconds.
    pub took_ms: u64,
    /// The journal.
    pub journal: String,
}

/// Plays the release of 1.6.0 in that world.
///
/// # Errors
/// It did not end.
pub fn release(universe: &Universe, off: Option<RuleName>) -> Result<Played, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let definition = definition(&pipeline(off), "simulated")?;
    let (run, journal) = play(universe, definition, Memory::default(), folder.path())?;
    played(&run, &journal)
}

/// What a run and its journal say.
///
/// # Errors
/// There is no release, or it has not ended.
pub fn played(run: &Run, journal: &Memory) -> Result<Played, String> {
    let (_, rollout) = run.rollouts().next().ok_or("there is no release")?;
    let Stage::Ended(outcome) = rollout.release.stage() else {
        return Err(format!("it has not ended: {:?}", rollout.release.stage()));
    };
    let text = journal.text();
    let restarts = journal.0.iter().flat_map(|entry| &entry.effects);
    let restarts =
        restarts.filter(|print| print.key.as_ref().is_some_and(|key| key.to_string().contains("/restart-")));
    let mut asked = false;
    let mut again: Run = Run::new();
    for entry in &journal.0 {
        let event = entry.event.as_ref().and_then(|event| event.read().ok());
        machine::step(&mut again, entry.ts, event);
        asked |= again.rollouts().any(|(_, rollout)| rollout.release.question().is_some());
    }
    Ok(Played {
        outcome: outcome.clone(),
        rule: rollout.release.cost().breach.as_ref().map(|breach| breach.rule),
        restarts: restarts.count(),
        asked,
        took_ms: journal.0.last().map_or(0, |entry| entry.ts.as_millis()),
        journal: text,
    })
}
