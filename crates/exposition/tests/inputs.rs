//! The inputs that lenient parsers get wrong without a word, and where each mistake is reported.

use exposition::{ErrorKind, Exposition, Kind, Limits, ParseError, parse};

fn read(text: &str) -> Exposition<'_> {
    parse(text, &Limits::default()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn fails(text: impl AsRef<[u8]>) -> ParseError {
    parse(text.as_ref(), &Limits::default())
        .err()
        .unwrap_or_else(|| panic!("{:?} was accepted", String::from_utf8_lossy(text.as_ref())))
}

/// The one sample of a text, as (name, labels, value).
fn only(text: &str) -> (String, Vec<(String, String)>, f64) {
    let mut exposition = read(text);
    assert_eq!(exposition.families.len(), 1, "{text}");
    let mut family = exposition.families.remove(0);
    assert_eq!(family.samples.len(), 1, "{text}");
    let sample = family.samples.remove(0);
    let labels = sample.labels.into_iter().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
    (sample.name.into_owned(), labels, sample.value)
}

fn check(text: &str, name: &str, labels: &[(&str, &str)], value: f64) {
    let labels = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    assert_eq!(only(text), (name.to_owned(), labels, value), "{text}");
}

#[test]
fn legal_inputs_that_lenient_parsers_lose_are_read() {
    check("a{route=\"/u/{id}\",code=\"500\"} 7\n", "a", &[("route", "/u/{id}"), ("code", "500")], 7.0);
    check("a{path=\"/x,y\",code=\"500\"} 7\n", "a", &[("path", "/x,y"), ("code", "500")], 7.0);
    check("a{q=\"k=v\",code=\"500\"} 7\n", "a", &[("q", "k=v"), ("code", "500")], 7.0);
    check("a{m=\"say \\\"hi\\\"\",n=\"a\\\\b\\nc\"} 7\n", "a", &[("m", "say \"hi\""), ("n", "a\\b\nc")], 7.0);
    check("a{x=\"1\", code=\"500\"} 7\n", "a", &[("x", "1"), ("code", "500")], 7.0);
    check("job:err:rate5m{job=\"api\"} 0.5\n", "job:err:rate5m", &[("job", "api")], 0.5);
    check("a{} 7\n", "a", &[], 7.0);
    check("a{x=\"1\",} 7\n", "a", &[("x", "1")], 7.0);
    check("a +Inf\n", "a", &[], f64::INFINITY);
    check("a -Inf\n", "a", &[], f64::NEG_INFINITY);
    check("\ta { x = \"ü\" }\t1.5e3 \n", "a", &[("x", "ü")], 1500.0);
    assert!(only("a NaN\n").2.is_nan());
}

#[test]
fn a_timestamp_is_kept() {
    let exposition = read("a{x=\"1\"} 7 1395066363000\nb 1 -5\n");
    let stamps: Vec<_> =
        exposition.families.iter().flat_map(|f| &f.samples).map(|sample| sample.timestamp_ms).collect();
    assert_eq!(stamps, [Some(1_395_066_363_000), Some(-5)]);
}

#[test]
fn a_histogram_and_a_summary_are_each_one_family() {
    let exposition = read(concat!(
        "# HELP h A \\\\ histogram\\nof two lines\n# TYPE h histogram\n",
        "h_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.3\nh_count 2\n",
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n",
        "# TYPE c_count counter\nc_count 4\n",
    ));
    let shape: Vec<_> =
        exposition.families.iter().map(|f| (f.name.as_ref(), f.kind, f.samples.len())).collect();
    let expected = [("h", Kind::Histogram, 4), ("s", Kind::Summary, 3), ("c_count", Kind::Counter, 1)];
    assert_eq!(shape, expected);
    let h = exposition.family("h").and_then(|family| family.help.clone());
    assert_eq!(h.as_deref(), Some("A \\ histogram\nof two lines"));
    let bounds: Vec<_> = exposition.samples("h_bucket").filter_map(|sample| sample.label("le")).collect();
    assert_eq!(bounds, ["0.1", "+Inf"]);
    assert_eq!(exposition.samples("h").count(), 0, "a histogram has no sample of its bare name");
}

#[test]
fn in_text_0_0_4_a_total_does_not_belong_to_the_type_without_it() {
    let exposition = read("# TYPE r counter\nr_total 3\n# EOF\n");
    let shape: Vec<_> = exposition.families.iter().map(|f| (f.name.as_ref(), f.kind)).collect();
    assert_eq!(shape, [("r", Kind::Counter), ("r_total", Kind::Untyped)]);
}

#[test]
fn nothing_comments_and_blank_lines_are_an_empty_exposition() {
    assert_eq!(read(""), Exposition::default());
    assert_eq!(read("\n  \t\n# a comment\n#\n# HELPER x\n"), Exposition::default());
}

/// Text, line, column, beginning of the message.
const MISTAKES: &[(&str, usize, usize, &str)] = &[
    ("{\"http.server.duration\",x=\"1\"} 3\n", 1, 1, "a name in quotes"),
    ("a{\"x.y\"=\"1\"} 3\n", 1, 3, "a name in quotes"),
    ("a{x=\"1\"} oops\n", 1, 10, "not a number: oops"),
    ("a 1\nb 2", 2, 4, "the last line does not end"),
    ("a 1\nb{x=\"1", 2, 7, "the last line does not end"),
    ("a 1 1395066363.5\n", 1, 5, "not a timestamp"),
    ("a_total 1 # {id=\"3\"} 0.5\n", 1, 11, "not a timestamp"),
    ("a_total 1 17 # {id=\"3\"} 0.5\n", 1, 14, "expected the end of the line, found '#'"),
    ("<html><body>hello</body></html>\n", 1, 1, "expected a metric name, found '<'"),
    ("a\n", 1, 2, "expected a value, found the end of the line"),
    ("a{x=\"1\"}\n", 1, 9, "expected a value"),
    ("a 1\r\n", 1, 3, "not a number"),
    ("9a 1\n", 1, 1, "expected a metric name, found '9'"),
    ("a-b 1\n", 1, 2, "expected a blank after the name, found '-'"),
    ("a{x} 1\n", 1, 4, "expected '=', found '}'"),
    ("a{x=1} 1\n", 1, 5, "expected '\"', found '1'"),
    ("a{1x=\"1\"} 1\n", 1, 3, "expected a label name"),
    ("a{,} 1\n", 1, 3, "expected a label name, found ','"),
    ("a{x=\"1\",,} 1\n", 1, 9, "expected a label name, found ','"),
    ("a{x=\"1\" y=\"2\"} 1\n", 1, 9, "expected ',' or '}', found 'y'"),
    ("a{b:c=\"1\"} 1\n", 1, 4, "expected '=', found ':'"),
    ("a{x=\"ü\\t\"} 1\n", 1, 7, "unknown escape \\t"),
    ("a{x=\"1} 1\n", 1, 6, "the label value has no closing quote"),
    ("a{x=\"1\\\n", 1, 6, "the label value has no closing quote"),
    ("a{x=\"1\",x=\"2\"} 1\n", 1, 9, "label x stands twice"),
    ("a{__name__=\"b\"} 1\n", 1, 3, "label __name__ is reserved"),
    ("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\n", 2, 1, "series a{y=\"2\",x=\"1\"} stands twice"),
    ("a 1\na 1\n", 2, 1, "series a stands twice"),
    ("a 1 2 3\n", 1, 7, "expected the end of the line"),
    ("# TYPE a count\n", 1, 10, "unknown type count"),
    ("# TYPE a\n", 1, 9, "unknown type "),
    ("# TYPE a counter now\n", 1, 18, "expected the end of the line, found 'n'"),
    ("# TYPE a counter\n# TYPE a counter\n", 2, 1, "second TYPE of a"),
    ("# TYPE a untyped\n# TYPE a counter\n", 2, 1, "second TYPE of a"),
    ("# HELP a b\n# HELP a b\n", 2, 1, "second HELP of a"),
    ("# HELP a b \\t\n", 1, 12, "unknown escape \\t"),
    ("a 1\n# TYPE a counter\n", 2, 1, "TYPE and HELP of a must stand before its samples"),
    ("a 1\n# HELP a b\n", 2, 1, "TYPE and HELP of a must stand before its samples"),
    ("a{x=\"1\"} 1\nb 1\na{x=\"2\"} 1\n", 3, 1, "the lines of a do not stand together"),
    ("h_sum 1\n# TYPE h histogram\n", 2, 1, "h_sum belongs to h"),
    ("# TYPE h histogram\n# TYPE h_sum gauge\n", 2, 1, "h_sum belongs to h"),
    ("# TYPE h histogram\nh 1\n", 2, 1, "h does not fit a histogram"),
    ("# TYPE h histogram\nh_bucket 1\n", 2, 1, "h_bucket does not fit a histogram"),
    ("# TYPE h histogram\nh_bucket{le=\"NaN\"} 1\n", 2, 1, "h_bucket does not fit a histogram"),
    ("# TYPE s summary\ns 1\n", 2, 1, "s does not fit a summary"),
];

#[test]
fn every_mistake_is_named_with_its_place() {
    for (text, line, column, message) in MISTAKES {
        let error = fails(text);
        assert_eq!((error.line, error.column), (*line, *column), "{text:?}: {error}");
        assert!(error.kind.to_string().starts_with(message), "{text:?}: {error}");
    }
    let error = fails(b"a 1\nb{x=\"\xff\"} 1\n");
    assert_eq!((error.line, error.column, error.kind), (2, 6, ErrorKind::NotUtf8));
    assert_eq!(fails("a 1\nb oops\n").to_string(), "line 2, column 3: not a number: oops");
}

#[test]
fn every_limit_holds_exactly_at_its_border() {
    let small = Limits { bytes: 40, series: 2, name_bytes: 3, labels: 2, label_value_bytes: 4 };
    let kind = |text: &str| parse(text, &small).err().map(|error| error.kind);
    for fine in ["abc{x=\"1234\",y=\"\"} 1\nb 2\n", "a{x=\"\\\\\\\\\\\\\\\\\"} 1\n"] {
        assert_eq!(kind(fine), None, "{fine}");
    }
    assert_eq!(kind(&format!("#{}\n", "x".repeat(38))), None);
    assert_eq!(kind(&format!("#{}\n", "x".repeat(39))), Some(ErrorKind::TooLarge { limit: 40 }));
    assert_eq!(kind("a 1\nb 2\nc 3\n"), Some(ErrorKind::TooManySeries { limit: 2 }));
    assert_eq!(kind("abcd 1\n"), Some(ErrorKind::NameTooLong { limit: 3 }));
    assert_eq!(kind("a{abcd=\"1\"} 1\n"), Some(ErrorKind::NameTooLong { limit: 3 }));
    assert_eq!(kind("a{x=\"1\",y=\"2\",z=\"3\"} 1\n"), Some(ErrorKind::TooManyLabels { limit: 2 }));
    assert_eq!(kind("a{x=\"12345\"} 1\n"), Some(ErrorKind::LabelValueTooLong { limit: 4 }));
}
