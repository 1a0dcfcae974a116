//! `measure parse`: bytes a second of the strict parser, beside those of prometheus-parse on the same text.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use exposition::{Dialect, Limits};
use prometheus_parse::Scrape;

use super::median;
use crate::door::Verdict;

const AIM: f64 = 5.0;
const ROUNDS: usize = 15;
const PATHS: usize = 40;

/// What a web service with that many paths shows: counters, histograms, gauges.
fn realistic() -> String {
    let mut text = String::new();
    let _ = writeln!(text, "# HELP http_requests_total Requests by path, method and status.");
    let _ = writeln!(text, "# TYPE http_requests_total counter");
    for path in 0..PATHS {
        for (method, status) in [("GET", 200), ("GET", 500), ("POST", 201), ("POST", 503), ("DELETE", 204)] {
            let value = path * 31 + status;
            let _ = writeln!(
                text,
                "http_requests_total{{method=\"{method}\",path=\"/api/v1/resource{path}\",status=\"{status}\"}} {value}"
            );
        }
    }
    let _ = writeln!(text, "# HELP http_request_duration_seconds How long requests took.");
    let _ = writeln!(text, "# TYPE http_request_duration_seconds histogram");
    for path in 0..PATHS {
        let labels = format!("method=\"GET\",path=\"/api/v1/resource{path}\"");
        for (number, le) in
            ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"]
                .iter()
                .enumerate()
        {
            let count = (number + 1) * 17 * (path + 1);
            let _ = writeln!(text, "http_request_duration_seconds_bucket{{{labels},le=\"{le}\"}} {count}");
        }
        let sum = 0.123_456_789 * (path + 1) as f64;
        let _ = writeln!(text, "http_request_duration_seconds_sum{{{labels}}} {sum}");
        let _ = writeln!(text, "http_request_duration_seconds_count{{{labels}}} {}", 204 * (path + 1));
    }
    for (name, value) in [("process_resident_memory_bytes", "5.8925056e+07"), ("go_goroutines", "87")] {
        let _ = writeln!(text, "# HELP {name} As the process says.\n# TYPE {name} gauge\n{name} {value}");
    }
    text
}

fn lenient(text: &str) -> usize {
    // It takes lines that are owned.
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).map_or(0, |scrape| scrape.samples.len())
}

fn strict(text: &str, dialect: Dialect) -> Result<usize, String> {
    let exposition = exposition::parse_as(dialect, text, &Limits::default()).map_err(|e| e.to_string())?;
    Ok(exposition.families.iter().map(|family| family.samples.len()).sum())
}

/// MB a second, the middle of the rounds.
fn rate(bytes: usize, times: usize, mut parse: impl FnMut() -> usize) -> f64 {
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..times {
                black_box(parse());
            }
            (bytes * times) as f64 / 1e6 / begun.elapsed().as_secs_f64()
        })
        .collect();
    median(&mut rates)
}

/// Measures both on the same text, in turn.
///
/// # Errors
/// Our parser refuses the text.
pub(super) fn measure() -> Result<Verdict, String> {
    let text = realistic();
    let samples = strict(&text, Dialect::PrometheusText)?;
    println!("text: {} bytes, {} lines, {samples} samples", text.len(), text.lines().count());
    let theirs = rate(text.len(), 4, || lenient(&text));
    let ours = rate(text.len(), 20, || strict(&text, Dialect::PrometheusText).unwrap_or_default());
    println!("{:<34} {theirs:>8.1} MB/s", "prometheus-parse 0.2.5");
    println!("{:<34} {ours:>8.1} MB/s", "exposition, text 0.0.4");
    let owned = rate(text.len(), 20, || {
        exposition::parse(&text, &Limits::default())
            .map_or(0, |exposition| exposition.into_owned().families.len())
    });
    println!("{:<34} {owned:>8.1} MB/s", "exposition, and let go of the text");
    let ratio = ours / theirs;
    Ok(Verdict::new(
        format!("{ratio:.1}x the bytes per second of prometheus-parse (aim >= 5x)"),
        ratio >= AIM,
    ))
}
