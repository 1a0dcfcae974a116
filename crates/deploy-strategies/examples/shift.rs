//! A blue-green rollout driven by hand, on a clock of one's own: what it wants after each thing that happens.
//! Run with `cargo run -p deploy-strategies --example shift`.

use deploy_strategies::{BlueGreen, Event, Finding, Plan, PlanError, Step};
use machine::{Timestamp, step};

fn main() -> Result<(), PlanError> {
    let steps = vec![Step { percent: 10, pause_ms: 2_000 }, Step { percent: 100, pause_ms: 0 }];
    let mut rollout = BlueGreen::new(Plan::new(steps, 2_000, 30_000, 1_000)?);
    let at = Timestamp::from_millis;
    let observed = |percent, ms| Event::WeightObserved { percent, taken: at(ms) };
    let passed = |ms| Event::Analysed { finding: Finding::Passed, taken: at(ms) };
    let story = [
        (0, Event::Opened { stable: true }),
        (900, Event::Ready),
        (1_000, observed(10, 1_000)),
        (2_000, passed(2_000)),
        (3_000, passed(3_000)),
        (3_100, observed(100, 3_100)),
        (4_100, passed(4_100)),
        (4_200, Event::Abort { reason: "a person has seen enough".to_owned() }),
    ];
    for (ms, event) in story {
        let said = format!("{event:?}");
        let stepped = step(&mut rollout, at(ms), Some(event));
        let wants: Vec<_> = stepped.effects.iter().map(|keyed| &keyed.effect).collect();
        println!("{:>7} {said:<62} -> {:?}, wants {wants:?}", at(ms).to_string(), rollout.phase());
    }
    Ok(())
}
