//! Requirements that are quick to ask and need no TCP, in this process: the reference meets each, and each fault is seen
//! by its requirement. `prove dwcp-reference` and `prove dwcp-mutants-own` ask all of them of the real program.

mod world;

use std::collections::BTreeMap;

use dwcp_conformance::bench::{Bench, Settings};
use dwcp_conformance::cases;
use dwcp_conformance::requirement::Case;
use dwcp_conformance::stop::Stop;
use reference_sut::mutants;

/// Component and numbers of the requirements.
const ASKED: [(&str, &[u32]); 4] = [
    ("PBA", &[1, 2, 4, 8, 9, 10, 11, 13, 15, 16, 17, 18]),
    ("ASS", &[2, 5, 6, 7, 9, 11, 13, 103, 104, 106, 107, 108, 109, 111]),
    ("ACP", &[1, 3, 4, 5, 10, 12, 21, 103, 107, 108, 109, 110, 111]),
    ("MET", &[1, 2, 3, 4, 6, 8, 9]),
];

fn asked() -> Vec<Case> {
    let ids: Vec<String> = ASKED
        .iter()
        .flat_map(|(component, numbers)| numbers.iter().map(move |number| format!("{component}-{number:03}")))
        .collect();
    let asked: Vec<Case> =
        cases::all().into_iter().filter(|case| ids.iter().any(|id| id == case.requirement.id)).collect();
    assert_eq!(asked.len(), ids.len(), "a requirement of the list is no case");
    asked
}

/// The verdict of one case on the reference, with or without a fault.
fn verdict(case: &Case, mutant: Option<&'static str>) -> Result<(), Stop> {
    let mut world = world::InProcess::new(mutant);
    let settings = Settings { seed: 1, quick: true, only: None, full_transcript: false };
    let mut bench = Bench::new(&mut world, case.requirement, settings);
    bench.fresh()?;
    (case.check)(&mut bench)?;
    bench.finish_case()
}

#[test]
fn the_reference_meets_its_requirements() {
    for case in asked() {
        assert_eq!(verdict(&case, None), Ok(()), "{}", case.requirement.id);
    }
}

#[test]
fn each_fault_is_seen_by_its_requirement() {
    let listed: Vec<BTreeMap<String, String>> =
        serde_json::from_str(&mutants::list()).expect("a list of faults");
    for case in asked() {
        let own = listed.iter().filter(|row| row["requirement"] == case.requirement.id);
        let faults: Vec<_> = own.filter_map(|row| mutants::named(&row["name"])).collect();
        assert!(!faults.is_empty(), "{} has no fault", case.requirement.id);
        for fault in faults {
            let seen = verdict(&case, Some(fault.name));
            assert!(matches!(seen, Err(Stop::Fail { .. })), "{}: {seen:?}", fault.name);
        }
    }
}
