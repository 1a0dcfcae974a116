//! Bounded metrics of a JSON document and of a Prometheus: judged, and refused by name.

use serde_json::Value;

use crate::exporter::{Answer, Exporter};
use crate::native::{FAST, answer};
use crate::{code, gate, stderr};

/// Runs a gate file; the result as data.
fn gated(text: &str, more: &[&str]) -> (i32, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gate.yaml");
    std::fs::write(&file, text).expect("written");
    let file = file.display().to_string();
    let output = gate(&[&["check", &file, "--format", "json"], more].concat());
    let value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {}", stderr(&output)));
    (code(&output), value)
}

fn document(n: u64, misses: &str) -> String {
    let (all, bad) = (500 * n, n / 2);
    let arm = format!("{{\"all\":{all},\"bad\":{bad},\"misses\":{misses}}}");
    format!("{{\"new\":{arm},\"old\":{arm}}}")
}

fn of_document(answer: fn(u64) -> String, deadline: &str) -> (i32, Value) {
    let server = Exporter::new(Answer::Numbered(answer));
    let text = format!(
        "service: api\nevery: 20ms\nfresh: 10s\nweb:\n  url: http://{}/stats\n  canary: {{requests: /new/all, \
         server_errors: /new/bad}}\n  stable: {{requests: /old/all, server_errors: /old/bad}}\nbounded:\n  - {{name: \
         misses, pointer: /new/misses, at_most: 30, scale: 100}}\n",
        server.address
    );
    gated(&text, &["--deadline", deadline])
}

#[test]
fn a_value_of_a_document_is_judged_and_what_is_none_has_a_name() {
    let (code, value) = of_document(|n| document(n, "12.5"), "5s");
    assert_eq!(code, 0, "{} {}", value["headline"], value["refused"]);
    let (code, value) = of_document(|n| document(n, "80"), "5s");
    assert_eq!((code, &value["metric"]), (10, &"bounded misses".into()), "{}", value["headline"]);
    assert!(value["bounded"][0]["mean"].as_f64().is_some_and(|mean| (mean - 80.0).abs() < 1e-9));
    for (answer, why) in [
        ((|n| document(n, "130")) as fn(u64) -> String, "out_of_range"),
        (|n| document(n, "-1"), "out_of_range"),
        (|n| document(n, "\"12\""), "malformed"),
        (|n| document(n, "null"), "malformed"),
        (|n| document(n, "1").replace("misses", "other"), "missing"),
    ] {
        let (code, value) = of_document(answer, "400ms");
        assert_eq!(code, 12, "{why}: {}", value["headline"]);
        assert_eq!(value["headline"], "no look gave a value of misses");
        let refused = value["refused"].as_array().expect("a list");
        let named = refused.iter().find(|it| it["refusal"]["source"] == "misses");
        assert_eq!(named.map(|it| &it["refusal"]["why"]), Some(&why.into()), "{refused:?}");
    }
}

/// What a query for one number gives.
fn vector(values: &[&str]) -> String {
    let one =
        |(at, value): (usize, &&str)| format!("{{\"metric\":{{\"a\":\"{at}\"}},\"value\":[1,\"{value}\"]}}");
    let list: Vec<String> = values.iter().enumerate().map(one).collect();
    let list = list.join(",");
    format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{list}]}}}}")
}

fn of_prometheus(values: &[&str], more: &[&str]) -> (i32, Value) {
    let answers =
        vec![("miss_ratio", vector(values)), ("v2", answer("v2", FAST, "")), ("v1", answer("v1", FAST, ""))];
    let server = Exporter::new(Answer::Asked(answers));
    let text = format!(
        "service: api\nprometheus: http://{}\ncanary: {{where: 'revision=\"v2\"'}}\nstable: {{where: 'revision=\"v1\"'}}\nevery: \
         1s\nfresh: 5s\nlook_back: 25s\nbounded:\n  - {{name: misses, query: 'avg(miss_ratio)', at_most: 0.3}}\n",
        server.address
    );
    gated(&text, more)
}

#[test]
fn a_value_of_a_query_is_judged_at_every_look_and_what_is_none_has_a_name() {
    let (code, value) = of_prometheus(&["0.1"], &[]);
    assert_eq!(code, 0, "{} {}", value["headline"], value["refused"]);
    assert_eq!(value["bounded"][0]["values"], value["looks"]);
    let (code, value) = of_prometheus(&["0.9"], &[]);
    assert_eq!((code, &value["metric"]), (10, &"bounded misses".into()), "{}", value["headline"]);
    for (values, why) in [
        (vec!["NaN"], "not_a_number"),
        (vec!["+Inf"], "infinite"),
        (vec!["1.5"], "out_of_range"),
        (vec![], "missing"),
        (vec!["0.1", "0.2"], "ambiguous"),
    ] {
        let (code, value) = of_prometheus(&values, &[]);
        assert_eq!(code, 12, "{why}: {}", value["headline"]);
        let refused = value["refused"].to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
}

#[test]
fn a_window_that_overlaps_is_refused_with_its_mend() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gate.yaml");
    let text = "service: api\nprometheus: http://127.0.0.1:1\ncanary: {where: 'a=\"b\"'}\nstable: {where: 'a=\"c\"'}\nevery: \
                1m\nbounded:\n  - {name: misses, query: 'avg_over_time(x[1m])', at_most: 0.3}\n";
    std::fs::write(&file, text).expect("written");
    let file = file.display().to_string();
    let output = gate(&["check", &file, "--every", "15s"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("misses: its window 1m is longer") && stderr(&output).contains("--every 1m")
    );
    std::fs::write(&file, text.replace("every: 1m", "every: 15s")).expect("written");
    let output = gate(&["check", &file]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("gate.yaml:7:27: its window 1m is longer than the 15 s"),
        "{}",
        stderr(&output)
    );
}
