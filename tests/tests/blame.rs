//! Whose fault it is, in simulated worlds: one instance of many, or both revisions.

use std::collections::BTreeMap;

use delivery_tests::simulated::{Memory, definition, play, stable as revision};
use delivery_tests::worlds::{Played, pipeline, played};
use release::{Outcome, RuleName};
use simulation::{Behaviour, Faults, Only, Setup, Universe};

/// Four instances, judged by the tests, in a world in which both versions behave so.
fn release(stable: Behaviour, new: Behaviour) -> Played {
    let text = pipeline(None)
        .replace("judge: literal", "judge: sequential")
        .replace("instances: 2", "instances: 4")
        .replace("timeout: 12h", "timeout: 2h");
    let behaviours = [("1.5.0".to_owned(), stable), ("1.6.0".to_owned(), new)];
    let setup = Setup {
        seed: 11,
        users_per_s: 100,
        behaviours: BTreeMap::from(behaviours),
        faults: Faults::default(),
    };
    let universe = Universe::new(setup);
    universe.bring_up(&revision("1.5.0")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let definition = definition(&text, "simulated").unwrap();
    let (run, journal) = play(&universe, definition, Memory::default(), folder.path()).unwrap();
    played(&run, &journal).unwrap()
}

fn one_bad(cured: bool) -> Behaviour {
    Behaviour { error_ppm: 300_000, only: Some(Only { slot: 1, cured }), ..Behaviour::healthy() }
}

#[test]
fn one_bad_instance_that_a_restart_cures_costs_a_restart_and_not_the_release() {
    let played = release(Behaviour::healthy(), one_bad(true));
    assert_eq!((&played.outcome, played.restarts), (&Outcome::Promoted, 1));
}

#[test]
fn one_that_stays_bad_after_its_restart_takes_the_release_back() {
    let played = release(Behaviour::healthy(), one_bad(false));
    assert!(matches!(played.outcome, Outcome::Aborted { .. }), "{:?}", played.outcome);
    assert_eq!((played.rule, played.restarts), (Some(RuleName::ErrorRate), 1));
}

#[test]
fn what_strikes_both_revisions_holds_and_is_not_blamed_on_the_release() {
    let sick = Behaviour { error_ppm: 100_000, ..Behaviour::healthy() };
    let played = release(sick, sick);
    assert_eq!((played.rule, played.restarts), (None, 0), "{:?}", played.outcome);
    assert!(!matches!(played.outcome, Outcome::Promoted), "an incident is no time to promote");
}
