//! Seventeen inputs that the crate `prometheus-parse` changes or loses without a word: what it makes of each, and
//! what ours does. When a later version of it is right about one, its row fails and goes.

use exposition::{Dialect, Limits, parse_as};
use prometheus_parse::{Scrape, Value};

const TEXT: Dialect = Dialect::PrometheusText;
const UTF8: Dialect = Dialect::PrometheusUtf8;
const OPEN: Dialect = Dialect::OpenMetrics;

/// What it is, the dialect, the text, what the other one finds, what ours does.
type Row = (&'static str, Dialect, &'static str, &'static str, Result<&'static str, &'static str>);

const ROWS: [Row; 17] = [
    (
        "a brace in a label value",
        TEXT,
        "a{route=\"/u/{id}\",code=\"500\"} 7\n",
        "",
        Ok("a{route=\"/u/{id}\",code=\"500\"} 7"),
    ),
    (
        "a comma in a label value",
        TEXT,
        "a{path=\"/x,y\",code=\"500\"} 7\n",
        "a[code=500 path=/x] untyped 7",
        Ok("a{path=\"/x,y\",code=\"500\"} 7"),
    ),
    (
        "an equals sign in a label value",
        TEXT,
        "a{q=\"k=v\",code=\"500\"} 7\n",
        "a[code=500] untyped 7",
        Ok("a{q=\"k=v\",code=\"500\"} 7"),
    ),
    (
        "escaped quotes",
        TEXT,
        "a{m=\"say \\\"hi\\\"\",code=\"500\"} 7\n",
        "a[code=500 m=say \\\"hi\\] untyped 7",
        Ok("a{m=\"say \\\"hi\\\"\",code=\"500\"} 7"),
    ),
    (
        "an escaped backslash and newline",
        TEXT,
        "a{m=\"x\\\\y\\nz\"} 7\n",
        "a[m=x\\\\y\\nz] untyped 7",
        Ok("a{m=\"x\\\\y\\nz\"} 7"),
    ),
    (
        "a space after the comma",
        TEXT,
        "a{x=\"1\", code=\"500\"} 7\n",
        "a[ code=500 x=1] untyped 7",
        Ok("a{x=\"1\",code=\"500\"} 7"),
    ),
    (
        "a name with colons",
        TEXT,
        "job:err:rate5m{job=\"api\"} 0.5\n",
        "",
        Ok("job:err:rate5m{job=\"api\"} 0.5"),
    ),
    ("empty braces", TEXT, "a{} 7\n", "", Ok("a 7")),
    (
        "a name in quotes",
        UTF8,
        "{\"http.server.duration\",x=\"1\"} 3\n",
        "",
        Ok("{\"http.server.duration\",x=\"1\"} 3"),
    ),
    (
        "a value that is none",
        TEXT,
        "a{x=\"1\"} oops\nb 1\n",
        "b[] untyped 1",
        Err("line 1, column 10: not a number: oops"),
    ),
    (
        "a last line that was cut",
        TEXT,
        "a 1\nb{x=\"1",
        "a[] untyped 1",
        Err("line 2, column 7: the last line does not end in a newline: the input was cut"),
    ),
    (
        "a counter of OpenMetrics",
        OPEN,
        "# TYPE r counter\nr_total 3\n# EOF\n",
        "r_total[] untyped 3",
        Ok("counter r: r_total 3"),
    ),
    (
        "a timestamp in seconds",
        OPEN,
        "# TYPE g gauge\ng 3 1395066363.5\n# EOF\n",
        "g[] gauge 3 at another time",
        Ok("gauge g: g 3 1395066363500"),
    ),
    (
        "an exemplar",
        OPEN,
        "# TYPE r counter\nr_total 3 # {id=\"7\"} 0.5\n# EOF\n",
        "r_total[] untyped 3",
        Ok("counter r: r_total 3 with [id=7] 0.5"),
    ),
    (
        "OpenMetrics that was cut between two lines",
        OPEN,
        "# TYPE r counter\nr_total 3\n",
        "r_total[] untyped 3",
        Err("line 3, column 1: the last line is not # EOF: the input was cut"),
    ),
    (
        "the sum and count of a histogram",
        TEXT,
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count 2\n",
        "h[] histogram of 1; h_count[] untyped 2; h_sum[] untyped 0.5",
        Ok("histogram h: h_bucket{le=\"+Inf\"} 2; h_sum 0.5; h_count 2"),
    ),
    (
        "a page that is no exposition",
        TEXT,
        "<html><body>sign in</body></html>\n",
        "",
        Err("line 1, column 1: expected a metric name, found '<'"),
    ),
];

fn theirs(text: &str) -> String {
    let scrape = Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).expect("never an error");
    let mut samples: Vec<String> = scrape
        .samples
        .iter()
        .map(|sample| {
            let mut labels: Vec<String> = sample.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
            labels.sort();
            let value = match &sample.value {
                Value::Counter(v) => format!("counter {v}"),
                Value::Gauge(v) => format!("gauge {v}"),
                Value::Untyped(v) => format!("untyped {v}"),
                Value::Histogram(buckets) => format!("histogram of {}", buckets.len()),
                Value::Summary(quantiles) => format!("summary of {}", quantiles.len()),
            };
            // Where a text gives a time, the other parser takes the present one instead when it cannot read it.
            let given = text.contains("1395066363.5");
            let late = given && sample.timestamp.timestamp_millis() != 1_395_066_363_500;
            let time = if late { " at another time" } else { "" };
            format!("{}[{}] {value}{time}", sample.metric, labels.join(" "))
        })
        .collect();
    samples.sort();
    samples.join("; ")
}

fn ours(dialect: Dialect, text: &str) -> Result<String, String> {
    let exposition = parse_as(dialect, text, &Limits::default()).map_err(|error| error.to_string())?;
    let families = exposition.families.iter().map(|family| {
        let samples: Vec<String> = family
            .samples
            .iter()
            .map(|sample| {
                let mut line = sample.to_string().replace(".0", "");
                if let Some(exemplar) = &sample.exemplar {
                    let labels: Vec<_> = exemplar.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
                    line = format!("{line} with [{}] {}", labels.join(" "), exemplar.value);
                }
                line
            })
            .collect();
        match family.kind {
            exposition::Kind::Untyped => samples.join("; "),
            kind => format!("{} {}: {}", kind.as_str(), family.name, samples.join("; ")),
        }
    });
    Ok(families.collect::<Vec<_>>().join("; "))
}

#[test]
fn the_lenient_parser_is_wrong_about_each_and_ours_is_not() {
    for (what, dialect, text, wrong, right) in ROWS {
        assert_eq!(theirs(text), wrong, "{what}: the other parser");
        let right = right.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(ours(dialect, text), right, "{what}: ours");
    }
}
