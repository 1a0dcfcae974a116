//! The requirements that need no TCP, in this process: the reference meets each, and each fault is seen by its
//! requirement. `prove dwcp-reference` and `prove dwcp-mutants-own` ask the same of the real program, in full.

mod world;

use dwcp_conformance::bench::{Bench, Settings};
use dwcp_conformance::cases;
use dwcp_conformance::requirement::Case;
use dwcp_conformance::stop::Stop;

/// The verdict of one case on the reference, with or without a fault.
fn verdict(case: &Case, mutant: Option<&'static str>, full: bool) -> Result<(), Stop> {
    let mut world = world::InProcess::new(mutant);
    let settings = Settings { seed: 1, quick: !full, only: None, full_transcript: false };
    let mut bench = Bench::new(&mut world, case.requirement, settings);
    bench.fresh()?;
    (case.check)(&mut bench)?;
    bench.finish_case()
}

#[test]
fn explore() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let full = std::env::var("FULL").is_ok();
    let all: Vec<serde_json::Value> = serde_json::from_str(&reference_sut::mutants::list()).unwrap();
    let across = std::env::var("ACROSS").is_ok();
    for case in cases::all() {
        let id = case.requirement.id;
        if !id.starts_with(only.as_str()) {
            continue;
        }
        let began = std::time::Instant::now();
        let plain = verdict(&case, None, full);
        println!("{id} {:>6.2} s reference: {plain:?}", began.elapsed().as_secs_f64());
        for mutant in &all {
            let name = reference_sut::mutants::named(mutant["name"].as_str().unwrap()).unwrap().name;
            let own = mutant["requirement"] == id;
            if own || (across && name.split('-').next() == Some(&id[..3].to_lowercase())) {
                let seen = verdict(&case, Some(name), full);
                let mark = match (own, seen.is_err()) {
                    (true, false) => "MISSED",
                    (false, true) => "ALSO",
                    _ => "",
                };
                if own || seen.is_err() {
                    println!("    {name} {mark}: {seen:?}");
                }
            }
        }
    }
}
