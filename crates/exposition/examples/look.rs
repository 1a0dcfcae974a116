//! Reads an exposition from standard input and prints its families, or the first mistake.
//!
//! `printf 'http_requests_total{code="500"} 7\n' | cargo run -p exposition --example look`

use std::io::Read;
use std::process::ExitCode;

use exposition::{Limits, parse};

fn main() -> ExitCode {
    let limits = Limits::default();
    let mut input = Vec::new();
    let most = limits.bytes as u64 + 1;
    if let Err(error) = std::io::stdin().take(most).read_to_end(&mut input) {
        eprintln!("standard input: {error}");
        return ExitCode::from(2);
    }
    match parse(&input, &limits) {
        Ok(exposition) => {
            for family in &exposition.families {
                println!("{} {} with {} samples", family.kind.as_str(), family.name, family.samples.len());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
