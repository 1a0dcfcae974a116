//! Real processes under a real guardian. This binary is its own guardian and its own runner: it starts itself
//! again with the role as its first argument, so that nothing has to be built or named beside it.

mod jobs;
mod support;
mod survivors;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

type Case = (&'static str, fn());

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("guardian") => ExitCode::from(u8::try_from(adapter_process::guardian::serve()).unwrap_or(1)),
        Some("runner") => survivors::runner(&args[1..]),
        _ => run(&args),
    }
}

/// Speaks enough of the usual test program's language for filters and `--list`.
fn run(args: &[String]) -> ExitCode {
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let cases: Vec<Case> = [jobs::CASES, survivors::CASES]
        .concat()
        .into_iter()
        .filter(|(name, _)| filters.is_empty() || filters.iter().any(|part| name.contains(part.as_str())))
        .collect();
    if args.iter().any(|arg| arg == "--list") {
        for (name, _) in &cases {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", cases.len());
    let mut failed = 0;
    for (name, case) in &cases {
        let fine = catch_unwind(AssertUnwindSafe(case)).is_ok();
        failed += usize::from(!fine);
        println!("test {name} ... {}", if fine { "ok" } else { "FAILED" });
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {verdict}. {} passed; {failed} failed\n", cases.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(101) }
}
