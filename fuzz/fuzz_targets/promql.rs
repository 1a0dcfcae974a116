//! Any text as an expression: no panic, and what is read is read again as it is written.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(expr) = promql::parse(text) {
        let options = promql::Options { samples_max: 10_000, ..promql::Options::default() };
        let _ = promql::evaluate(&expr, 300_000, &promql::Store::default(), &options);
        let written = expr.to_string();
        assert_eq!(promql::parse(&written).map(|again| again.to_string()), Ok(written));
    }
});
