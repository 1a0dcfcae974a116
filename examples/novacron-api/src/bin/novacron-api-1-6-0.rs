//! The service as version 1.6.0.

use std::process::ExitCode;

fn main() -> ExitCode {
    novacron_api::main_with("1.6.0")
}
