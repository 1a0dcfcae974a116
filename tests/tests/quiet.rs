//! Silences of a release, by the production shell in the simulated world: on every way out, and never in the way.

use std::time::Duration;

use delivery_tests::simulated::{Memory, definition, play, play_with_a_crash};
use delivery_tests::worlds::{Played, behaviour, pipeline, played, world};
use release::{Outcome, RuleName};
use run::Definition;
use simulation::{Answering, Behaviour, Faults, Universe};

const SILENCES: &str = r#"      silences:
        alertmanager: http://127.0.0.1:9093
        alerts: ['alertname="PodRestarting"', 'alertname="DiskSlow", job="db"']
        guards: [HighErrorRate]
        for: 2h
"#;

fn silenced() -> Definition {
    definition(&(pipeline(None) + SILENCES), "simulated").unwrap()
}

fn healthy() -> Universe {
    world(1, Behaviour::healthy(), Faults::default()).unwrap()
}

fn release(universe: &Universe) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let (run, journal) = play(universe, silenced(), Memory::default(), folder.path()).unwrap();
    played(&run, &journal).unwrap()
}

#[test]
fn alerts_are_quiet_while_a_release_is_at_work_and_loud_when_it_has_ended() {
    let gone_bad = world(1, behaviour(RuleName::HealthCheck), Faults::default()).unwrap();
    for (universe, promoted) in [(healthy(), true), (gone_bad, false)] {
        let played = release(&universe);
        assert_eq!(played.outcome == Outcome::Promoted, promoted, "{}", played.outcome);
        let placed = universe.silences().placed();
        let said: Vec<_> = placed.iter().map(|it| (it.run.as_str(), it.ends_ms, it.matchers.len())).collect();
        assert_eq!(said, [("simulated/deploy#1", 7_200_000, 1), ("simulated/deploy#1", 7_200_000, 2)]);
        assert_eq!(placed[0].comment, "simulated: deploy releases 1.6.0 on production");
        assert_eq!((universe.silences().left(), universe.silences().warnings()), (vec![], vec![]));
    }
}

#[test]
fn an_alertmanager_that_does_not_answer_changes_nothing_about_the_release_and_is_told_once() {
    let well = release(&healthy());
    for answering in [Answering::Away, Answering::Hanging, Answering::Lost, Answering::Refusing] {
        let universe = healthy();
        universe.silences().answer(answering);
        let played = release(&universe);
        assert_eq!(played.journal, well.journal, "{answering:?}");
        let warnings = universe.silences().warnings();
        assert_eq!(warnings.len(), 1, "{answering:?}: {warnings:?}");
        assert!(
            warnings[0].starts_with("alerts are not kept quiet at http://127.0.0.1:9093: "),
            "{warnings:?}"
        );
        assert_eq!(
            universe.silences().left(),
            [],
            "{answering:?}: also what stands and was not acknowledged"
        );
    }
}

#[test]
fn what_a_runner_has_left_that_died_is_lifted_by_its_next_life() {
    let folder = tempfile::tempdir().unwrap();
    // In the middle, and returned by the target meanwhile; the release ends one way or the other.
    for (dies_after, away) in [(700, 30), (700, 600)] {
        let universe = healthy();
        let times = (Duration::from_secs(dies_after), Duration::from_secs(away));
        play_with_a_crash(&universe, silenced(), times, folder.path()).unwrap();
        let placed = universe.silences().placed().len();
        assert!(placed >= 2, "{placed}");
        assert_eq!(universe.silences().left(), [], "away for {away} s");
    }
}
