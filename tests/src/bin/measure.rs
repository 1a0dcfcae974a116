//! `measure`: see `delivery_tests::measure`.

use std::process::ExitCode;

use delivery_tests::{door, measure::TOPICS};

fn main() -> ExitCode {
    door::open("measure", TOPICS)
}
