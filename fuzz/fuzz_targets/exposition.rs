//! Any bytes in every dialect: no panic, and what is read is read again as it is written.
#![no_main]

use exposition::{Dialect, Limits, parse_as};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for dialect in [Dialect::PrometheusText, Dialect::PrometheusUtf8, Dialect::OpenMetrics] {
        if let Ok(read) = parse_as(dialect, bytes, &Limits::default()) {
            let written = read.spelled(dialect).to_string();
            assert!(parse_as(dialect, &written, &Limits::default()).is_ok(), "{written}");
        }
    }
});
