//! The production shell in simulated worlds, on virtual time.

use std::time::{Duration, Instant};

use delivery_tests::prove::triggers::as_designed;
use delivery_tests::simulated::{definition, play_with_a_crash, stable};
use delivery_tests::worlds::{behaviour, pipeline, played, release, world};
use release::{Outcome, RuleName};
use simulation::{Behaviour, Faults};

fn flaky(seed: u64) -> Faults {
    let restarts_ms = vec![(seed % 40 + 1) * 60_000];
    Faults { lost_ppm: 50_000, unanswered_ppm: 50_000, delay_max_ms: 40, restarts_ms }
}

#[test]
fn a_healthy_release_takes_the_times_of_the_design_and_no_wall_time() {
    let began = Instant::now();
    let played = release(&world(7, Behaviour::healthy(), Faults::default()).unwrap(), None).unwrap();
    assert_eq!(played.outcome, Outcome::Promoted);
    // Three pauses of 5 minutes and a bake of 15.
    assert!(played.took_ms >= 30 * 60_000, "{} ms", played.took_ms);
    println!("{} s of world time in {:?}", played.took_ms / 1000, began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn each_of_the_five_rules_acts_alone_and_as_the_design_says() {
    for rule in RuleName::ALL {
        let with = release(&world(1, behaviour(rule), Faults::default()).unwrap(), None).unwrap();
        assert!(as_designed(rule, &with), "{rule}: {:?} by {:?}", with.outcome, with.rule);
        let without = release(&world(1, behaviour(rule), Faults::default()).unwrap(), Some(rule)).unwrap();
        assert_eq!(without.outcome, Outcome::Promoted, "without {rule}");
    }
}

#[test]
fn s11_the_same_seed_gives_the_same_journal_bit_for_bit() {
    let play = |seed| release(&world(seed, behaviour(RuleName::Memory), flaky(seed)).unwrap(), None).unwrap();
    assert_eq!(play(3).journal, play(3).journal);
    assert_ne!(play(3).journal, play(4).journal);
}

#[test]
fn a_healthy_release_is_promoted_on_a_bad_road() {
    for seed in 0..6 {
        let universe = world(seed, Behaviour::healthy(), flaky(seed)).unwrap();
        let played = release(&universe, None).unwrap();
        assert_eq!(played.outcome, Outcome::Promoted, "seed {seed}");
        assert_eq!(universe.unserved(), 0, "seed {seed}");
    }
}

#[test]
fn a_runner_that_dies_is_resumed_inside_the_lease_or_finds_the_traffic_returned() {
    let folder = tempfile::tempdir().unwrap();
    for (seed, away_s, outcome_is) in [(1, 30, true), (2, 60, true), (3, 600, false)] {
        let universe = world(seed, Behaviour::healthy(), Faults::default()).unwrap();
        let times = (Duration::from_secs(700), Duration::from_secs(away_s));
        let definition = definition(&pipeline(None), "simulated").unwrap();
        let (run, journal) = play_with_a_crash(&universe, definition, times, folder.path()).unwrap();
        let played = played(&run, &journal).unwrap();
        assert_eq!(played.outcome == Outcome::Promoted, outcome_is, "seed {seed}: {}", played.outcome);
        let view = universe.observe().value;
        let on_stable = view.stable == Some(stable("1.5.0").id());
        assert_eq!(on_stable, !outcome_is, "seed {seed}");
    }
}

#[test]
fn the_simulated_target_keeps_the_contract_of_targets() {
    let universe = simulation::Universe::new(simulation::Setup {
        seed: 5,
        users_per_s: 10,
        behaviours: std::collections::BTreeMap::new(),
        faults: Faults::default(),
    });
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let kept = runtime.block_on(async {
        universe.enter();
        let target = universe.target();
        let quick = |version: &str, digit: &str| {
            let mut spec = stable(version);
            spec.artifact = format!("sha256:{}", digit.repeat(64));
            spec.probes.ready.every_ms = 100;
            spec
        };
        let world = ports::contract::target::World {
            target: &target,
            first: quick("1.5.0", "1"),
            second: quick("1.6.0", "2"),
            pause: async || universe.pass(Duration::from_millis(50)).await,
            short_lease_ms: 300,
        };
        ports::contract::target::target(&world).await
    });
    assert_eq!(kept, Ok(()));
}
