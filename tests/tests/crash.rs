//! The light version of `prove crash`: a blow of every kind, one real bake, one lease that runs out.

use delivery_tests::crash::{Effort, bake, blows, lease, trial};

#[test]
fn a_run_whose_runner_is_killed_ends_as_an_undisturbed_one() {
    let all = blows(Effort { passages: 1, random: 6, beside: 1 }, 7, 800);
    let mut killed = 0;
    for blow in all.into_iter().step_by(3) {
        let ending = trial(blow).unwrap_or_else(|why| panic!("{blow}: {why}"));
        killed += u32::from(ending.killed);
    }
    assert!(killed >= 10, "only {killed} runners were killed");
}

#[test]
fn a_bake_goes_on_from_what_had_counted() {
    let found = bake().unwrap();
    assert!((1_200..=2_300).contains(&found.counted_ms), "{found:?}");
    assert!(found.counted_ms + found.rest_ms < 4_200 && found.rest_ms < 2_500, "{found:?}");
}

#[test]
fn a_lease_that_runs_out_returns_traffic_and_a_later_resume_ends_in_11() {
    let (took, code) = lease().unwrap();
    assert!(took < 5_000, "{took} ms");
    assert_eq!(code, 11);
}
