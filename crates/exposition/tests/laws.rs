//! Laws: what is written is read back, nothing panics, and where a lenient parser is right we agree with it.

use std::borrow::Cow;

use exposition::{Dialect, Exemplar, Exposition, Family, Kind, Labels, Limits, Sample, parse, parse_as};
use proptest::prelude::*;

/// Equal with every NaN taken as equal.
fn same(a: &Exposition<'_>, b: &Exposition<'_>) -> bool {
    let bare = |exposition: &Exposition<'_>| {
        let mut copy = exposition.clone().into_owned();
        let values: Vec<u64> = copy
            .families
            .iter_mut()
            .flat_map(|family| &mut family.samples)
            .map(|sample| {
                let value = std::mem::take(&mut sample.value);
                if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
            })
            .collect();
        (copy, values)
    };
    bare(a) == bare(b)
}

fn labels() -> impl Strategy<Value = Labels<'static>> {
    proptest::collection::btree_map("x[a-z0-9_]{0,5}", "\\PC{0,6}|[\\\\\"\n{},= ]{0,6}", 0..4)
        .prop_map(|labels| labels.into_iter().map(|(n, v)| (Cow::Owned(n), Cow::Owned(v))).collect())
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<f64>(),
        1 => proptest::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300, 5e-324]),
    ]
}

/// The samples that a family of that name and type may have; `number` keeps series apart.
fn sample_names(name: &str, kind: Kind, number: usize) -> (String, Option<(String, String)>) {
    match (kind, number % 3) {
        (Kind::Histogram, 0) => (format!("{name}_bucket"), Some(("le".into(), format!("{number}.5")))),
        (Kind::Summary, 0) => (name.into(), Some(("quantile".into(), format!("0.{number}")))),
        (Kind::Histogram | Kind::Summary, 1) => {
            (format!("{name}_sum"), Some(("n".into(), number.to_string())))
        }
        (Kind::Histogram | Kind::Summary, _) => {
            (format!("{name}_count"), Some(("n".into(), number.to_string())))
        }
        _ => (name.into(), Some(("n".into(), number.to_string()))),
    }
}

fn family(index: usize) -> impl Strategy<Value = Family<'static>> {
    let kinds = vec![Kind::Counter, Kind::Gauge, Kind::Histogram, Kind::Summary, Kind::Untyped];
    let samples = proptest::collection::vec((labels(), value(), any::<Option<i64>>()), 0..7);
    let help = proptest::option::of("[a-z\\\\\"][ -~\n\\\\]{0,10}|");
    (proptest::sample::select(kinds), "[a-zA-Z_:][a-z0-9:]{0,6}", help, samples).prop_map(
        move |(kind, name, help, samples)| {
            let name = format!("{name}_f{index}");
            let samples =
                samples.into_iter().enumerate().map(|(number, (mut labels, value, timestamp_ms))| {
                    let (sample, label) = sample_names(&name, kind, number);
                    labels.extend(label.map(|(n, v)| (Cow::Owned(n), Cow::Owned(v))));
                    Sample { name: Cow::Owned(sample), labels, value, timestamp_ms, exemplar: None }
                });
            let samples = samples.collect();
            Family { name: Cow::Owned(name), kind, help: help.map(Cow::Owned), unit: None, samples }
        },
    )
}

fn exposition() -> impl Strategy<Value = Exposition<'static>> {
    (family(0), family(1), family(2))
        .prop_map(|(first, second, third)| Exposition { families: vec![first, second, third] })
}

const DIALECTS: [Dialect; 3] = [Dialect::PrometheusText, Dialect::PrometheusUtf8, Dialect::OpenMetrics];

/// Counters with units, exemplars and timestamps.
fn open_metrics() -> impl Strategy<Value = Exposition<'static>> {
    let exemplar =
        proptest::option::of((labels(), -1e9..1e9, proptest::option::of(-1_000_000_000_i64..1_000_000_000)));
    let sample =
        (labels(), 0.0..1e9, proptest::option::of(-1_000_000_000_000_i64..4_000_000_000_000), exemplar);
    let samples = proptest::collection::vec(sample, 0..6);
    let families = ("[a-z]{1,6}", proptest::bool::ANY, samples).prop_map(|(base, in_bytes, samples)| {
        let name = if in_bytes { format!("{base}_bytes") } else { base };
        let samples =
            samples.into_iter().enumerate().map(|(number, (mut labels, value, timestamp_ms, exemplar))| {
                labels.push(("n".into(), number.to_string().into()));
                let exemplar = exemplar
                    .map(|(labels, value, timestamp_ms)| Box::new(Exemplar { labels, value, timestamp_ms }));
                Sample { name: format!("{name}_total").into(), labels, value, timestamp_ms, exemplar }
            });
        let samples = samples.collect();
        let unit = in_bytes.then_some(Cow::Borrowed("bytes"));
        Family { name: name.into(), kind: Kind::Counter, help: Some("a \"b\" \\ c\nd".into()), unit, samples }
    });
    families.prop_map(|family| Exposition { families: vec![family] })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_read_back(expected in exposition()) {
        let text = expected.to_string();
        let read = parse(&text, &Limits::default());
        prop_assert!(read.as_ref().is_ok_and(|read| same(read, &expected)), "{text}\n{read:?}");
    }

    #[test]
    fn a_text_cut_anywhere_but_between_lines_is_refused(whole in exposition(), at in any::<proptest::sample::Index>()) {
        let text = whole.to_string();
        prop_assume!(!text.is_empty());
        let cut = text.as_bytes().get(..at.index(text.len())).unwrap_or_default();
        let fine = cut.is_empty() || cut.ends_with(b"\n");
        prop_assert_eq!(parse(cut, &Limits::default()).is_ok(), fine);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for dialect in DIALECTS {
            let _ = parse_as(dialect, &bytes, &Limits::default());
        }
    }

    #[test]
    fn no_almost_right_text_makes_it_panic(text in "([a#{}\"\\\\=,:_ \n\t0-9.eÜ+-]|HELP|TYPE|histogram|NaN|le){0,40}") {
        for dialect in DIALECTS {
            let _ = parse_as(dialect, &text, &Limits::default());
        }
    }

    #[test]
    fn openmetrics_that_is_written_is_read_back(expected in open_metrics()) {
        let text = expected.spelled(Dialect::OpenMetrics).to_string();
        let read = parse_as(Dialect::OpenMetrics, &text, &Limits::default());
        prop_assert!(read.as_ref().is_ok_and(|read| same(read, &expected)), "{text}\n{read:?}");
        let cut = text.trim_end_matches("# EOF\n");
        prop_assert!(parse_as(Dialect::OpenMetrics, cut, &Limits::default()).is_err());
    }

    #[test]
    fn names_in_quotes_are_read_back(name in "\\PC{1,8}", label in "\\PC{1,8}", value in labels()) {
        prop_assume!(label != "__name__" && !value.iter().any(|(known, _)| *known == label));
        let mut labels = value;
        labels.push((Cow::Owned(label), Cow::Borrowed("v")));
        let sample = Sample { name: name.clone().into(), labels, value: 1.0, timestamp_ms: None, exemplar: None };
        let family = Family { name: name.into(), kind: Kind::Gauge, help: None, unit: None, samples: vec![sample] };
        let expected = Exposition { families: vec![family] };
        for dialect in [Dialect::PrometheusUtf8, Dialect::OpenMetrics] {
            let text = expected.spelled(dialect).to_string();
            let read = parse_as(dialect, &text, &Limits::default());
            prop_assert!(read.as_ref().is_ok_and(|read| same(read, &expected)), "{text}\n{read:?}");
        }
    }
}

/// What the lenient parser is right about: plain names, labels without special characters, one space, a newline.
fn plain_line() -> impl Strategy<Value = (String, Vec<(String, String)>, f64)> {
    let labels = proptest::collection::btree_map("[a-z]{1,4}", "[a-zA-Z0-9_./-]{1,6}", 1..4)
        .prop_map(|labels| labels.into_iter().collect());
    ("[a-z]{1,6}", labels, -1e6..1e6)
}

proptest! {
    #[test]
    fn on_plain_text_the_lenient_parser_agrees(lines in proptest::collection::vec(plain_line(), 1..8)) {
        let text: String = lines
            .iter()
            .enumerate()
            .map(|(number, (name, labels, value))| {
                let labels: Vec<_> = labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
                format!("{name}_{number}{{{}}} {value}\n", labels.join(","))
            })
            .collect();
        let ours = parse(&text, &Limits::default()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let theirs = prometheus_parse::Scrape::parse(text.lines().map(|line| Ok(line.to_owned())))
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let ours: Vec<_> = ours.families.iter().flat_map(|family| &family.samples).collect();
        prop_assert_eq!(ours.len(), theirs.samples.len());
        for (our, their) in ours.iter().zip(&theirs.samples) {
            prop_assert_eq!(our.name.as_ref(), &their.metric);
            prop_assert!(matches!(their.value, prometheus_parse::Value::Untyped(v) if v.to_bits() == our.value.to_bits()));
            prop_assert!(our.labels.iter().all(|(n, v)| their.labels.get(n) == Some(v.as_ref())));
        }
    }
}

#[test]
fn the_lenient_parser_agrees_about_typed_metrics() {
    let text = "# TYPE c counter\nc{a=\"1\"} 5\n# TYPE g gauge\ng{a=\"1\"} -2.5\n";
    let ours = parse(text, &Limits::default()).expect("legal");
    let theirs =
        prometheus_parse::Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).expect("legal");
    let value = |name: &str| ours.samples(name).next().map(|sample| sample.value);
    let kinds: Vec<_> = ours.families.iter().map(|family| family.kind).collect();
    assert_eq!(kinds, [Kind::Counter, Kind::Gauge]);
    let both = (&theirs.samples[0].value, &theirs.samples[1].value);
    assert!(matches!(both, (prometheus_parse::Value::Counter(c), prometheus_parse::Value::Gauge(g))
            if Some(*c) == value("c") && Some(*g) == value("g")));
}
