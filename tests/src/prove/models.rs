//! `prove models`: every state of every machine, and of the release over its target.

use machine::Name;
use pipeline_core::{EffectClass, Job, Plan};

use crate::door::Verdict;
use crate::models::blue_green::AnyWorld;
use crate::models::composed::{Budget, Composed};
use crate::models::judges::{AnyJudge, Code, TwoSamples};
use crate::models::pipeline::{Pipelines, approval, cleanup, command, deploy, service};
use crate::models::walk::{Walked, walk};

/// The whole way: a walk that is cut is no proof.
const LIMIT: Option<usize> = None;

const NOTHING: Budget = Budget { crashes: 0, restarts: 0, aborts: 0, duplicates: 0, losses: 0, unready: 0 };

/// Walks all, prints a row for each.
///
/// # Errors
/// Never; a walk that finds something is a verdict.
pub fn models() -> Result<Verdict, String> {
    println!("{:<34} {:>9} {:>4} {:>9} {:>3}    {:<3}", "machine", "states", "", "time", "ok", "rules");
    let mut walks: Vec<fn() -> Walked> = vec![blue_green, checked];
    walks.extend([retried, once, asked, served] as [fn() -> Walked; 4]);
    walks.extend([abort, crash, lost, twice, restart, literal, verified] as [fn() -> Walked; 7]);
    let mut walked: Vec<Walked> = Vec::new();
    for walk in walks {
        let one = walk();
        println!("{}", one.row());
        one.broken.iter().for_each(|broken| println!("{broken}"));
        walked.push(one);
    }
    let found = without_the_latch();
    println!("{}", found.row());
    let caught = !found.broken.is_empty();
    println!("  (this one must be found broken: {})", if caught { "it is" } else { "it is not" });
    let states: usize = walked.iter().map(|one| one.states).sum();
    let good = walked.iter().all(|one| one.broken.is_empty() && one.whole);
    let text = format!("{} models, {states} states, every rule in every state", walked.len());
    Ok(Verdict::new(text, good && caught))
}

fn blue_green() -> Walked {
    walk("blue-green", AnyWorld { checks: false }, LIMIT)
}

fn checked() -> Walked {
    walk("blue-green with checks", AnyWorld { checks: true }, LIMIT)
}

fn pipeline(name: &'static str, jobs: Vec<Job<String>>, workers: u32, crashes: u8) -> Walked {
    let plan = Plan::new(vec![Name::from("only")], jobs, workers).expect("a plan of the model");
    walk(name, Pipelines { plan, crashes, cancels: 2 }, LIMIT)
}

fn retried() -> Walked {
    let jobs = vec![
        command("build", &[], EffectClass::Repeatable, 2),
        approval("ask", &[0]),
        deploy("release", &[1]),
        cleanup(command("tidy", &[2], EffectClass::Repeatable, 1)),
    ];
    pipeline("pipeline: retry, ask, release", jobs, 1, 1)
}

fn once() -> Walked {
    let jobs = vec![
        command("backup", &[], EffectClass::Once { probe: true }, 1),
        command("other", &[], EffectClass::Repeatable, 1),
        command("after", &[0, 1], EffectClass::Repeatable, 1),
    ];
    pipeline("pipeline: once with a probe", jobs, 1, 2)
}

fn asked() -> Walked {
    let jobs = vec![
        command("mail", &[], EffectClass::Once { probe: false }, 1),
        cleanup(command("tidy", &[0], EffectClass::Repeatable, 1)),
    ];
    pipeline("pipeline: once, a person knows", jobs, 2, 2)
}

fn served() -> Walked {
    let jobs = vec![service("base", &[], 2), command("load", &[0], EffectClass::Repeatable, 1)];
    pipeline("pipeline: service", jobs, 1, 1)
}

fn any(budget: Budget, codes: &[Code], verify: bool) -> Composed<AnyJudge> {
    Composed {
        judge: AnyJudge,
        codes: codes.to_vec(),
        budget,
        steps: vec![50, 100],
        verify,
        drop_latch: false,
    }
}

fn abort() -> Walked {
    let codes = [Code::Good, Code::Few, Code::Bad, Code::Slow, Code::None];
    walk("release x target: abort", any(Budget { aborts: 1, ..NOTHING }, &codes, false), LIMIT)
}

fn crash() -> Walked {
    walk(
        "release x target: crash",
        any(Budget { crashes: 1, ..NOTHING }, &[Code::Good, Code::Bad], false),
        LIMIT,
    )
}

fn lost() -> Walked {
    let budget = Budget { losses: 1, ..NOTHING };
    walk("release x target: lost, late", any(budget, &[Code::Good, Code::Bad], false), LIMIT)
}

fn twice() -> Walked {
    let budget = Budget { duplicates: 1, ..NOTHING };
    walk("release x target: twice, late", any(budget, &[Code::Good, Code::Bad], false), LIMIT)
}

fn restart() -> Walked {
    let budget = Budget { restarts: 1, unready: 1, ..NOTHING };
    walk("release x target: target restarts", any(budget, &[Code::Good], false), LIMIT)
}

fn literal() -> Walked {
    let (judge, codes) = (TwoSamples::default(), vec![Code::Good, Code::Bad, Code::Few]);
    let model =
        Composed { judge, codes, budget: NOTHING, steps: vec![50, 100], verify: false, drop_latch: false };
    walk("release x target: literal rules", model, LIMIT)
}

fn verified() -> Walked {
    walk("release x target: checks", any(NOTHING, &[Code::Good, Code::Slow], true), LIMIT)
}

/// The fault that must be found.
fn without_the_latch() -> Walked {
    let model = any(NOTHING, &[Code::Good], false);
    walk("release x target without its latch", Composed { drop_latch: true, ..model }, LIMIT)
}
