//! Journals are decided again bit for bit; damage is named.

use adapter_store::{RunDir, StateDir};
use delivery_tests::prove::replay::{Tally, damage, decide_again, journalled};

#[test]
fn s11_the_golden_journal_is_decided_as_it_was() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/journals/release-0.1.0");
    let mut tally = Tally::default();
    decide_again(&RunDir::open(path).unwrap(), &mut tally).unwrap();
    assert!(tally.records > 50 && tally.effects > 10, "{tally:?}");
    assert_eq!(tally.different, 0);
}

#[test]
fn s11_s20_simulated_runs_are_decided_again_and_their_damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    let mut tally = Tally::default();
    for seed in [1, 2] {
        let dir = journalled(seed, &state).unwrap();
        decide_again(&dir, &mut tally).unwrap();
        damage(&dir, seed, &mut tally).unwrap();
    }
    assert_eq!(tally.different, 0);
    assert_eq!(tally.named, tally.damages);
}
