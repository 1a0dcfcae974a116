//! Native histograms as a Prometheus 2.42 answers them: latency is judged, and what cannot be read has its name.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::exporter::{Answer, Exporter};
use crate::{code, gate, stderr};

/// Buckets by lower and upper bound, and how many of each hundred requests are in them.
pub(crate) type Buckets = &'static [(&'static str, &'static str, u64)];

/// Schema 3, as Prometheus 2.42 writes it.
pub(crate) const FAST: Buckets =
    &[("0.0681567332915786", "0.07432544468767006", 60), ("0.0810524721656881", "0.08838834764831843", 40)];
/// Schema 0, a third of them above 125 ms.
const SLOW: Buckets = &[("0.0625", "0.125", 67), ("0.125", "0.25", 33)];
/// Schema 0, as fast as stable.
const COARSE: Buckets = &[("0.0625", "0.125", 100)];

/// What the server answers of a revision: 30 scrapes, one a second until now.
pub(crate) fn answer(revision: &str, buckets: Buckets, broken: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let (mut counts, mut histograms) = (Vec::new(), Vec::new());
    for n in 1..=30 {
        let (at, count) = (now - 30 + n, 100 * n);
        let bucket =
            |(low, high, each): &(&str, &str, u64)| format!("[0,\"{low}\",\"{high}\",\"{}\"]", each * n);
        let list: Vec<String> = buckets.iter().map(bucket).collect();
        let list = list.join(",") + broken;
        counts.push(format!("[{at},\"{count}\"]"));
        histograms.push(format!("[{at},{{\"count\":\"{count}\",\"sum\":\"1\",\"buckets\":[{list}]}}]"));
    }
    let (counts, histograms) = (counts.join(","), histograms.join(","));
    let labels = format!("\"revision\":\"{revision}\",\"instance\":\"{revision}\",\"code\":\"200\"");
    let requests =
        format!("{{\"metric\":{{\"__name__\":\"http_requests_total\",{labels}}},\"values\":[{counts}]}}");
    let name = "http_request_duration_seconds";
    let durations =
        format!("{{\"metric\":{{\"__name__\":\"{name}\",{labels}}},\"histograms\":[{histograms}]}}");
    format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{requests},{durations}]}}}}"
    )
}

fn checked(canary: Buckets, stable: Buckets, broken: &str) -> (i32, Value) {
    let answers = vec![("v2", answer("v2", canary, broken)), ("v1", answer("v1", stable, broken))];
    let server = Exporter::new(Answer::Asked(answers));
    let output = gate(&[
        "check",
        "--prometheus",
        &format!("http://{}", server.address),
        "--canary",
        "revision=\"v2\"",
        "--stable",
        "revision=\"v1\"",
        "--every",
        "1s",
        "--fresh",
        "5s",
        "--look-back",
        "25s",
        "--format",
        "json",
    ]);
    let value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {}", stderr(&output)));
    (code(&output), value)
}

fn latency(value: &Value) -> &Value {
    let metrics = value["explanation"]["metrics"].as_array().expect("a list");
    metrics.iter().find(|it| it["metric"] == "latency").unwrap_or(&Value::Null)
}

#[test]
fn latency_is_judged_by_native_histograms_of_two_resolutions() {
    let (code, value) = checked(SLOW, FAST, "");
    assert_eq!(
        (code, &value["metric"]),
        (10, &"latency".into()),
        "{} {}",
        value["headline"],
        value["refused"]
    );
    assert_eq!(latency(&value)["edge_us"], 125_000, "a bound of both: {}", latency(&value));
    let (code, value) = checked(COARSE, FAST, "");
    assert_eq!(code, 0, "the same durations, coarser: {} {}", value["headline"], value["refused"]);
    assert!(latency(&value).is_object() && value["refused"].as_array().is_some_and(Vec::is_empty), "{value}");
}

#[test]
fn i28_a_native_histogram_that_cannot_be_read_has_its_name_and_the_rest_is_evidence() {
    for (broken, message) in [
        (",[0,\"1\",\"3\",\"0\"]", "no neighbours in powers of two"),
        (",[0,\"1\",\"2\",\"0.5\"]", "a count that is fractional"),
        (",[0,\"0.08838834764831843\",\"0.0963881765879963\",\"7\"]", "its buckets hold"),
        (",[0,\"1\",\"2\",\"0\"]", "two resolutions"),
    ] {
        let (code, value) = checked(FAST, FAST, broken);
        assert_eq!(code, 0, "{}", value["headline"]);
        let refused = value["refused"].to_string();
        assert!(
            refused.contains("\"native_histogram\"") && refused.contains(message),
            "{message}: {refused}"
        );
        assert!(latency(&value).is_null(), "{}", latency(&value));
    }
    let (code, value) = checked(FAST, FAST, ",[0,\"1\"]");
    assert_eq!(
        (code, &value["verdict"]),
        (12, &"no_data".into()),
        "no answer of the API: {}",
        value["headline"]
    );
}
