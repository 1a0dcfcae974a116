//! Inputs made to be too much: refused early, with the limit and the mend in the message, without growth.

use exposition::{Dialect, ErrorKind, Limits, parse_as};

/// As an exporter with that many series would write it.
fn many(series: usize) -> String {
    (0..series).map(|n| format!("a{{n=\"{n}\"}} 1\n")).collect()
}

fn kind(text: &str, limits: &Limits) -> Option<ErrorKind> {
    parse_as(Dialect::PrometheusText, text, limits).err().map(|error| error.kind)
}

#[test]
fn ten_million_series_are_refused_by_their_bytes_before_one_is_read() {
    let text = many(10_000_000);
    let limits = Limits::default();
    assert_eq!(kind(&text, &limits), Some(ErrorKind::TooLarge { limit: limits.bytes }));
    let wide = Limits { bytes: usize::MAX, ..limits };
    let begun = std::time::Instant::now();
    let error = parse_as(Dialect::PrometheusText, &text, &wide).expect_err("too many");
    assert_eq!(error.line, 100_001);
    assert!(error.to_string().contains("raise the limit `series`"), "{error}");
    assert!(begun.elapsed().as_secs() < 10, "the rest of the text is not read");
}

#[test]
fn a_label_value_of_a_mebibyte_is_refused_with_the_mend() {
    for value in ["x".repeat(1 << 20), "\\\\".repeat(1 << 20)] {
        let text = format!("a{{x=\"{value}\"}} 1\n");
        let limits = Limits::default();
        assert_eq!(kind(&text, &limits), Some(ErrorKind::LabelValueTooLong { limit: 4096 }));
        let error = parse_as(Dialect::PrometheusText, &text, &limits).expect_err("too long").to_string();
        assert!(error.contains("`label_value_bytes`") && error.len() < 200, "{error}");
    }
}

#[test]
fn a_value_of_a_mebibyte_is_not_repeated_in_the_message() {
    let error = kind(&format!("a {}\n", "9x".repeat(1 << 19)), &Limits::default()).map(|it| it.to_string());
    assert!(error.is_some_and(|it| it.len() < 200));
}

#[test]
fn every_series_twice_costs_a_sort() {
    let text = many(50_000) + &many(50_000);
    let error = parse_as(Dialect::PrometheusText, &text, &Limits::default()).expect_err("twice");
    assert_eq!(error.line, 50_001);
    assert_eq!(error.kind, ErrorKind::DuplicateSeries("a{n=\"0\"}".into()));
}
