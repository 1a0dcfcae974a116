//! OpenMetrics 1.0 and names in quotes: what is read, and every mistake with its place.

use exposition::{Dialect, ErrorKind, Kind, Limits, parse_as};

const WHOLE: &str = concat!(
    "# HELP http_seconds How \\\"long\\\".\n# TYPE http_seconds histogram\n# UNIT http_seconds seconds\n",
    "http_seconds_bucket{le=\"0.1\"} 3 # {trace_id=\"ü1\"} 0.07 1700000000.25\n",
    "http_seconds_bucket{le=\"+Inf\"} 4 1700000001 # {} 9\n",
    "http_seconds_sum 1.5\nhttp_seconds_count 4\nhttp_seconds_created 1.6e9\n",
    "# TYPE r counter\nr_total{a=\"1\"} 3\nr_created{a=\"1\"} 1.6e9\n",
    "# TYPE build info\nbuild_info{version=\"1\"} 1\n",
    "# TYPE mode stateset\nmode{mode=\"on\"} 1\nmode{mode=\"off\"} 0\n",
    "# TYPE q gaugehistogram\nq_bucket{le=\"+Inf\"} 4\nq_gcount 4\nq_gsum -1\n",
    "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 2\ns_sum 3\n# TYPE u unknown\nu NaN\n",
    "{\"with.dots\",\"a b\"=\"c\"} 1\n# EOF\n",
);

#[test]
fn all_types_units_exemplars_and_creation_times_are_read() {
    let exposition = parse_as(Dialect::OpenMetrics, WHOLE, &Limits::default()).expect("legal");
    let shape: Vec<_> =
        exposition.families.iter().map(|f| (f.name.as_ref(), f.kind, f.samples.len())).collect();
    let expected = [
        ("http_seconds", Kind::Histogram, 5),
        ("r", Kind::Counter, 2),
        ("build", Kind::Info, 1),
        ("mode", Kind::StateSet, 2),
        ("q", Kind::GaugeHistogram, 3),
        ("s", Kind::Summary, 3),
        ("u", Kind::Untyped, 1),
        ("with.dots", Kind::Untyped, 1),
    ];
    assert_eq!(shape, expected);
    let seconds = exposition.family("http_seconds").expect("there");
    assert_eq!((seconds.unit.as_deref(), seconds.help.as_deref()), (Some("seconds"), Some("How \"long\".")));
    let first = seconds.samples[0].exemplar.as_ref().expect("an exemplar");
    assert_eq!((first.value, first.timestamp_ms), (0.07, Some(1_700_000_000_250)));
    assert_eq!(first.labels, [("trace_id".into(), "ü1".into())]);
    assert_eq!(seconds.samples[1].timestamp_ms, Some(1_700_000_001_000));
    assert!(seconds.samples[1].exemplar.as_ref().is_some_and(|it| it.labels.is_empty()));
    assert_eq!(exposition.families[7].samples[0].label("a b"), Some("c"));
}

#[test]
fn the_end_may_lack_its_newline() {
    assert!(parse_as(Dialect::OpenMetrics, "# EOF", &Limits::default()).is_ok());
}

/// Text without its last line, line, column, beginning of the message.
const MISTAKES: &[(&str, usize, usize, &str)] = &[
    ("a 1\n\nb 1\n", 2, 1, "OpenMetrics has only samples"),
    ("# a comment\n", 1, 1, "OpenMetrics has only samples"),
    ("#HELP a b\n", 1, 1, "OpenMetrics has only samples"),
    (" a 1\n", 1, 1, "expected a metric name"),
    ("a  1\n", 1, 3, "expected a value"),
    ("a{x=\"1\"}  1\n", 1, 10, "expected a value"),
    ("a{x=\"1\"}1\n", 1, 9, "expected one space and a value"),
    ("a{x=\"1\", y=\"2\"} 1\n", 1, 9, "expected a label name, found ' '"),
    ("a{x=\"1\",} 1\n", 1, 9, "expected a label name, found '}'"),
    ("a\t1\n", 1, 2, "expected a blank after the name"),
    ("a 1 x\n", 1, 5, "not a timestamp in seconds"),
    ("a 1 1 1\n", 1, 6, "expected the end of the line"),
    ("# TYPE a untyped\n", 1, 10, "unknown type untyped: one of counter, gauge, histogram, gaugehistogram"),
    ("# TYPE r counter\nr 1\n", 2, 1, "r does not fit a counter: a counter has only _total"),
    ("# TYPE r counter\nr_total -1\n", 2, 1, "r_total does not fit a counter: a count is a number from 0"),
    ("# TYPE r counter\nr_total NaN\n", 2, 1, "r_total does not fit a counter: a count is"),
    ("# TYPE i info\ni_info 2\n", 2, 1, "i_info does not fit a info: an info is always 1"),
    ("# TYPE m stateset\nm{m=\"a\"} 2\n", 2, 1, "m does not fit a stateset: a state is 0 or 1"),
    ("# TYPE m stateset\nm{n=\"a\"} 1\n", 2, 1, "m does not fit a stateset: a state needs a label"),
    ("# TYPE q gaugehistogram\nq_bucket 1\n", 2, 1, "q_bucket does not fit a gaugehistogram: a bucket needs"),
    ("# TYPE r counter\n# TYPE r_total gauge\n", 2, 1, "r_total belongs to r"),
    ("# UNIT a seconds\n", 1, 1, "the name a does not end in its unit _seconds"),
    ("# UNIT a_s s\n# UNIT a_s s\n", 2, 1, "second UNIT of a_s"),
    ("# TYPE g gauge\ng 1 # {id=\"1\"} 1\n", 2, 1, "an exemplar at g"),
    ("r_total 1 # 1\n", 1, 13, "expected the labels of an exemplar"),
    ("r_total 1 # {id=\"1\"}\n", 1, 21, "expected one space and a value"),
    ("r_total 1 # {id=\"1\"} x\n", 1, 22, "not a number"),
    ("r_total 1 # {id=\"1\"} 1 x\n", 1, 24, "not a timestamp"),
    ("h {count:12,sum:100}\n", 1, 3, "a native histogram: no text format has a settled form"),
    ("{\"a\",\"b\"} 1\n", 1, 9, "expected '='"),
    ("{x=\"1\"} 1\n", 1, 8, "expected a metric name, found a series without one"),
    ("{\"\"} 1\n", 1, 2, "expected a metric name, found an empty name"),
    ("a{\"b\"} 1\n", 1, 6, "expected '='"),
    ("a 1\n# EOF\nb 1\n", 3, 1, "something follows # EOF"),
];

#[test]
fn every_mistake_is_named_with_its_place() {
    for (text, line, column, message) in MISTAKES {
        let text = format!("{text}# EOF\n");
        let error = parse_as(Dialect::OpenMetrics, &text, &Limits::default()).err();
        let error = error.unwrap_or_else(|| panic!("{text:?} was accepted"));
        assert!(error.kind.to_string().starts_with(message), "{text:?}: {error}");
        assert_eq!((error.line, error.column), (*line, *column), "{text:?}: {error}");
    }
    let long = format!("r_total 1 # {{id=\"{}\"}} 1\n# EOF\n", "ü".repeat(127));
    let error = parse_as(Dialect::OpenMetrics, &long, &Limits::default()).err().map(|it| it.kind);
    assert_eq!(error, Some(ErrorKind::ExemplarTooLong { limit: 128 }));
}
