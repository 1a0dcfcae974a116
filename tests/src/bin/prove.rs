//! `prove`: see `delivery_tests::prove`.

use std::process::ExitCode;

use delivery_tests::{door, prove::TOPICS};

fn main() -> ExitCode {
    door::open("prove", TOPICS)
}
