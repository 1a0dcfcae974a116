//! Records the fifty traces of `tests/corpus/recorded` anew: `cargo run --release --example record`.
//! Takes 25 minutes, and needs Prometheus (Debian package `prometheus`).

use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = delivery_tests::programs::root().join("tests/corpus/recorded");
    match delivery_tests::record::all(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("record: {why}");
            ExitCode::FAILURE
        }
    }
}
