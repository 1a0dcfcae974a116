//! Gate files: what is written is meant, and what a newcomer gets wrong has a place and a mend.

use gate::{Decides, read};
use health::sequential::Dispersion;

const WHOLE: &str = "\
service: api
prometheus: http://127.0.0.1:9090
canary: {where: 'revision=\"v2\"', revision: v2, traffic_since: 2026-11-29T21:00:00Z}
stable:
  where: revision=\"v1\",pod=~\"api-.*\"
decides: both
alpha: 0.5%
limit: off
min_requests: 500
must_clear: true
phi: 2.5
every: 30s
look_back: 20m
fresh: 90s
memory_limit: 256MiB
metrics: {requests: api_requests_total, errors: [api_errors_total], status: outcome}
literal: {error_rate: {over: 2%, window: 1m}}
alerts: [rules.yml]
scrape_config: prometheus.yml
bounded:
  - {name: misses, query: 'avg(miss_ratio)', at_most: 0.3}
  - {name: queue, query: 'max(rate(queue[30s]))', at_most: 60, scale: 200}
job: api
limits: {bytes: 1MiB, series: 500}
";

#[test]
fn every_key_is_meant() {
    let gate = read("gate.yaml", WHOLE.as_bytes()).expect("legal");
    assert_eq!((gate.setup.service.as_str(), gate.setup.decides), ("api", Decides::Both));
    assert_eq!(
        (gate.canary.written.as_str(), gate.canary.revision.as_deref()),
        ("revision=\"v2\"", Some("v2"))
    );
    assert_eq!(gate.canary.traffic_ms, Some(1_795_986_000_000));
    assert_eq!(gate.stable.expect("stable").choose.len(), 2);
    let plan = &gate.setup.plan;
    assert_eq!((plan.limit, plan.min_requests, gate.setup.must_clear), (None, 500, true));
    assert!(matches!(plan.dispersion, Dispersion::Tempered(phi) if (phi.value() - 2.5).abs() < 1e-9));
    assert_eq!((gate.every_ms, gate.look_back_ms, gate.fresh_ms), (30_000, 1_200_000, 90_000));
    assert_eq!(gate.names.requests, ["api_requests_total"]);
    let rules = gate.setup.rules;
    assert_eq!(rules.error_rate.map(|rule| (rule.over_ppm, rule.window_ms)), Some((20_000, 60_000)));
    assert_eq!(rules.server_errors, None, "only those that are written");
    let bounded = &gate.setup.bounded;
    assert_eq!(
        (bounded.len(), bounded[0].name.as_str(), bounded[1].scale.value().to_bits()),
        (2, "misses", 200_f64.to_bits())
    );
    assert_eq!((gate.limits.bytes, gate.limits.series), (1 << 20, 500));
}

#[test]
fn the_likeliest_mistakes_have_a_place_and_a_mend() {
    let with = |from: &str, to: &str| WHOLE.replace(from, to);
    for (text, line, message, mend) in [
        (with("min_requests", "min_request"), 9, "min_request", "names that are listed"),
        (with("alpha: 0.5%", "alpha: 0.5"), 7, "\"0.5\"", "percentage"),
        (with("every: 30s", "every: 30"), 12, "\"30\"", "15s"),
        (with("decides: both", "decides: guess"), 6, "guess", "sequential"),
        (with("{where: 'revision=\"v2\"',", "{where: 'revision=v2',"), 3, "selector", "revision=\"v2\""),
        (with("{where: 'revision=\"v2\"', revision", "{revision"), 3, "nothing chooses", "where"),
        (with("prometheus: http://127.0.0.1:9090\n", ""), 2, "nowhere to look", "from"),
        (with("2026-11-29T21:00:00Z", "yesterday"), 3, "yesterday", "2026"),
        (with("service: api\n", ""), 23, "service", "add it"),
        (format!("{WHOLE}service: b\n"), 25, "duplicate", "keep one"),
        (with("decides: both", "\tdecides: both"), 5, "tab", "tabs"),
        (with("decides: both", "decides: planned"), 6, "without a plan", "planned: {requests: N}"),
        (with("decides: both", "planned: {requests: 5000}"), 6, "sequential rules decide", "decides: planned"),
        (with("decides: both", "decides: planned\nplanned: {requests: 5}"), 7, "5 looks at 5 requests", "100 requests"),
        (with("decides: both", "decides: planned\nplanned: {requests: 5000, spending: all}"), 7, "all", "obrien_fleming"),
        (with("at_most: 0.3", "at_most: 1.0"), 21, "1 is not between 0 and the maximum, 1", "scale"),
        (with("at_most: 60, scale: 200", "at_most: 60"), 22, "not between", "scale"),
        (with("scale: 200", "scale: -1"), 22, "no maximum", "above 0"),
        (with("name: queue", "name: misses"), 22, "taken", "of its own"),
        (with("query: 'avg(miss_ratio)'", "pointer: /misses"), 21, "another source", "query"),
        (with("query: 'avg(miss_ratio)', ", ""), 21, "nowhere to read misses", "query"),
        (with("rate(queue[30s])", "rate(queue[5m])"), 22, "5m is longer than the 30 s", "every: 5m"),
        (with("at_most: 0.3", "most: 0.3"), 21, "most", "names that are listed"),
        ("service: a\nweb: {url: 'http://h/', canary: {requests: /a, server_errors: /b}}\nbounded:\n  - {name: q, pointer: a, at_most: 0.3}\n".to_owned(), 4, "no pointer", "pointer: /"),
        ("service: a\nbounded:\n  - {name: q, pointer: /a, at_most: 0.3}\ncanary: {from: [x]}\nstable: {from: [y]}\n".to_owned(), 3, "comes from a Prometheus or", "web:"),
        ("service: a\ncanary: &x {from: [*x]}\n".to_owned(), 2, "", ""),
        ("service: a\n".to_owned(), 1, "no canary", "from"),
        ("service: a\ncanary: {from: [x]}\n".to_owned(), 1, "no stable", "decides: literal"),
        ("service: a\nphi: .nan\ncanary: {from: [x]}\nstable: {from: [y]}\n".to_owned(), 2, "NaN", "audit"),
    ] {
        let problems = read("gate.yaml", text.as_bytes()).expect_err(&text).0;
        let first = &problems[0];
        assert_eq!(first.line, line, "{first}\n{text}");
        assert!(first.message.contains(message) && first.mend.contains(mend), "{first}");
    }
}

#[test]
fn malicious_input_is_refused_and_never_a_panic() {
    let deep = format!("service: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nservice: *b\n".to_owned();
    let long = format!("service: {}", "x".repeat(300_000));
    for text in [deep, bomb, long, "!!binary x".into(), "\u{202e}".into(), "{".into(), String::new()] {
        assert!(read("gate.yaml", text.as_bytes()).is_err());
    }
    assert!(read("gate.yaml", &[0xff, 0xfe, 0]).is_err());
}
