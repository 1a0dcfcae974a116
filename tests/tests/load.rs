//! The light version of `prove load`: a short release under a light load, once with a crash.

use delivery_tests::loss::{Weight, release};

#[test]
fn a_release_under_load_loses_no_request_although_its_runner_is_killed() {
    let weight = Weight { rate: 100, seconds: 14, pause: 2, at_least: 1_000 };
    let counted = release(weight, true).unwrap();
    assert_eq!(counted.failed, 0, "{counted:?}");
    assert!(counted.sent >= weight.at_least && counted.by_version.len() == 2, "{counted:?}");
}
