//! The light version of `prove way-back` and `prove survivors`: every phase and every manner at least once.

use delivery_tests::survivors::{HIDING, target_survives, trial};
use delivery_tests::wayback::{At, By, scenario};
use nix::sys::signal::Signal;

#[test]
fn a_release_goes_back_from_every_phase_in_every_manner() {
    let rows = [
        (At::Approval, By::Cancel),
        (At::Starting, By::Abort),
        (At::Preview, By::Signal(Signal::SIGTERM)),
        (At::Weight(5), By::Trigger),
        (At::Weight(25), By::DeadAbort),
        (At::Weight(50), By::Signal(Signal::SIGINT)),
        (At::Weight(100), By::Twice),
        (At::Weight(100), By::Frozen),
        (At::Verify, By::DeadCancel),
    ];
    for (at, by) in rows {
        scenario(at, by).unwrap_or_else(|why| panic!("{at} by {by:?}: {why}"));
    }
}

#[test]
fn nothing_that_a_job_hides_survives_its_runner() {
    for (number, (how, script, count)) in HIDING.into_iter().enumerate() {
        let end = [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT][number % 3];
        trial(end, script, count).unwrap_or_else(|why| panic!("{how} x {end}: {why}"));
    }
}

#[test]
fn the_revisions_of_a_target_outlive_the_runner_and_services_do_not() {
    target_survives().unwrap();
}
