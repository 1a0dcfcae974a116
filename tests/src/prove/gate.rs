//! `prove gate`: the gate against a real Prometheus that scrapes small exporters, good and bad.

use std::fmt::Write as _;
use std::process::{Command, Output};
use std::time::Duration;

use adapter_prometheus::Source;
use adapter_prometheus::query::QueryClient;
use serde_json::Value;

use super::protobuf::{self, Native};
use super::servers::{Scraped, Server, TEXT, exporter, prometheus, runtime};
use crate::door::Verdict;
use crate::programs::{folder, run, until};

/// How long samples may take to arrive.
const WARM: Duration = Duration::from_mins(1);
/// How long one check may take.
const CHECK: Duration = Duration::from_secs(30);
/// Scrapes after which the exporter of the stale series says nothing any more.
const MORTAL: u64 = 8;

/// What an exporter adds with every scrape: requests and failed ones; `until` is its last good scrape. With `native` its
/// durations are a native histogram.
#[derive(Clone, Copy)]
struct Pace {
    requests: u64,
    errors: u64,
    until: u64,
    native: Option<Native>,
}

const GOOD: Pace = Pace { requests: 500, errors: 1, until: u64::MAX, native: None };
/// 68 to 88 ms, in buckets that are 9 % wide.
const FINE: Pace = Pace { native: Some(Native { schema: 3, first: -30, counts: &[300, 0, 200] }), ..GOOD };
/// The same durations in buckets from one power of two to the next, and a third of them above 125 ms.
const COARSE: Pace = Pace { native: Some(Native { schema: 0, first: -3, counts: &[500] }), ..GOOD };
const SLOW: Pace = Pace { native: Some(Native { schema: 0, first: -3, counts: &[335, 165] }), ..GOOD };
const BAD: Pace = Pace { errors: 25, ..GOOD };
const WORST: Pace = Pace { errors: 150, ..GOOD };

/// Scenario, revision, and the pace of each of its instances.
const WORLD: [(&str, &str, &[Pace]); 11] = [
    ("calm", "v1", &[GOOD, GOOD]),
    ("calm", "v2", &[GOOD]),
    ("worse", "v2", &[BAD]),
    ("storm", "v1", &[BAD, BAD]),
    ("storm", "v2", &[BAD]),
    ("one", "v2", &[GOOD, GOOD, WORST, GOOD]),
    ("gone", "v2", &[Pace { until: MORTAL, ..GOOD }]),
    ("tiny", "v2", &[Pace { requests: 1, errors: 0, ..GOOD }]),
    ("native", "v1", &[FINE, FINE]),
    ("native", "v2", &[COARSE]),
    ("slow", "v2", &[SLOW]),
];

/// Status, content type and body of the scrape of that number.
fn answer(n: u64, pace: Pace) -> Scraped {
    match pace.native {
        _ if n > pace.until => (500, TEXT, Vec::new()),
        Some(native) => {
            let requests = [(200, pace.requests - pace.errors), (500, pace.errors)];
            (200, protobuf::KIND, protobuf::exposition(&requests, native, n))
        }
        None => (200, TEXT, exposition(n, pace).into_bytes()),
    }
}

fn exposition(n: u64, pace: Pace) -> String {
    let mut text = "# TYPE http_requests_total counter\n".to_owned();
    for (code, each) in [(200, pace.requests - pace.errors), (500, pace.errors)] {
        let _ = writeln!(text, "http_requests_total{{code=\"{code}\"}} {}", n * each);
    }
    text += "# TYPE http_request_duration_seconds histogram\n";
    for (le, share) in [("0.025", 50), ("0.1", 95), ("+Inf", 100)] {
        let count = n * pace.requests * share / 100;
        let _ = writeln!(text, "http_request_duration_seconds_bucket{{le=\"{le}\"}} {count}");
    }
    let all = n * pace.requests;
    let _ =
        writeln!(text, "http_request_duration_seconds_sum {n}\nhttp_request_duration_seconds_count {all}");
    text
}

fn server() -> Result<Server, String> {
    let mut groups = String::new();
    for (scenario, revision, paces) in WORLD {
        let ports: Result<Vec<u16>, String> =
            paces.iter().copied().map(|pace| exporter(move |n| answer(n, pace))).collect();
        let targets: Vec<String> = ports?.iter().map(|port| format!("'127.0.0.1:{port}'")).collect();
        let targets = targets.join(", ");
        let _ = writeln!(
            groups,
            "  - targets: [{targets}]\n    labels: {{scenario: {scenario}, revision: {revision}}}"
        );
    }
    prometheus(1, &groups)
}

/// Waits until every exporter was scraped often enough.
fn warm(server: &Server) -> Result<(), String> {
    let (client, runtime) = (QueryClient::new(Source::Tcp(server.address.clone())), runtime()?);
    let ask = |query: &str| {
        let answer = runtime.block_on(client.instant(query, None)).ok()?;
        answer.series.first().and_then(|it| it.samples.first()).map(|(_, value)| *value)
    };
    // One scrape a second: the mortal one is silent for 12 s then.
    let enough = "min(count_over_time(http_requests_total{scenario!=\"gone\",code=\"200\"}[1m]))";
    let ready = || ask(enough).is_some_and(|count| count >= (MORTAL + 12) as f64);
    if until(WARM, ready) { Ok(()) } else { Err(format!("not enough samples within {WARM:?}")) }
}

/// A gate that is asked of the server.
struct Bed<'s> {
    server: &'s Server,
    folder: &'s std::path::Path,
}

impl Bed<'_> {
    fn call(&self, arguments: &[&str]) -> Result<Output, String> {
        let program = folder()?.join("nova-gate");
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder).env_remove("GITHUB_STEP_SUMMARY");
        run(&mut command, CHECK)
    }

    /// A check of two scenarios: code and result.
    fn check(&self, canary: &str, stable: &str, more: &[&str]) -> Result<(i32, Value), String> {
        let server = format!("http://{}", self.server.address);
        let of = |scenario: &str, revision: &str| format!("scenario=\"{scenario}\",revision=\"{revision}\"");
        let (canary, stable) = (of(canary, "v2"), of(stable, "v1"));
        let mut arguments = vec!["check", "--prometheus", &server, "--canary", &canary, "--stable", &stable];
        arguments.extend(["--every", "1s", "--fresh", "5s", "--look-back", "15s", "--format", "json"]);
        arguments.extend(more);
        let output = self.call(&arguments)?;
        let value = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("no JSON: {}", String::from_utf8_lossy(&output.stderr)))?;
        Ok((output.status.code().unwrap_or(-1), value))
    }

    /// Fails unless code and these texts of the result are so.
    fn expect(
        &self,
        worlds: (&str, &str),
        more: &[&str],
        code: i32,
        texts: &[(&str, &str)],
    ) -> Result<(), String> {
        let (found, value) = self.check(worlds.0, worlds.1, more)?;
        let text = |key: &str| value[key].as_str().unwrap_or_default();
        let wrong = texts.iter().find(|(key, part)| !text(key).contains(part));
        match (found == code, wrong) {
            (true, None) => Ok(()),
            (_, wrong) => {
                Err(format!("code {found}, {wrong:?} expected: {} {}", text("headline"), value["refused"]))
            }
        }
    }

    fn one_of_many(&self) -> Result<(), String> {
        let (code, value) = self.check("one", "calm", &[])?;
        let named = value["instance"].as_str().unwrap_or_default();
        let known = value["canary"]["instances"]
            .as_array()
            .is_some_and(|all| all.len() == 4 && all.contains(&value["instance"]));
        if code == 12 && known && value["alert"].is_string() {
            Ok(())
        } else {
            Err(format!("code {code}, instance {named}: {}", value["headline"]))
        }
    }

    fn stale(&self) -> Result<(), String> {
        let (code, value) = self.check("gone", "calm", &[])?;
        let refused = value["refused"].as_array().into_iter().flatten();
        let named = refused
            .into_iter()
            .any(|it| it["refusal"]["why"] == "too_old" && it["refusal"]["arm"] == "canary");
        if code == 12 && value["verdict"] == "no_data" && named {
            Ok(())
        } else {
            Err(format!("code {code}: {} {}", value["headline"], value["refused"]))
        }
    }

    fn alert(&self) -> Result<(), String> {
        let write = |expr: &str| {
            let text = format!("groups: [{{name: g, rules: [{{alert: Errors, expr: '{expr}', for: 3s}}]}}]");
            std::fs::write(self.folder.join("rules.yml"), text).map_err(|error| error.to_string())
        };
        let more = ["--alerts", "rules.yml"];
        // `ln` is outside our subset: the real server evaluates it.
        write("ln(sum(rate(http_requests_total{scenario=\"worse\",code=\"500\"}[5s]))) > 0")?;
        self.expect(("calm", "calm"), &more, 10, &[("metric", "alert Errors"), ("headline", "fires")])?;
        write("sum(rate(http_requests_total{scenario=\"worse\",code=\"500\"}[5s])) > 1e9")?;
        self.expect(("calm", "calm"), &more, 0, &[])
    }

    /// A watch is recorded, explained with the same result, and audited with its interval.
    fn recorded(&self) -> Result<(), String> {
        let server = format!("http://{}", self.server.address);
        let (canary, stable) = ("scenario=\"calm\",revision=\"v2\"", "scenario=\"calm\",revision=\"v1\"");
        let watched = self.call(&[
            "watch",
            "--prometheus",
            &server,
            "--canary",
            canary,
            "--stable",
            stable,
            "--every",
            "1s",
            "--fresh",
            "5s",
            "--for",
            "6s",
            "--record",
            "watch.jsonl",
        ])?;
        let told = self.call(&["explain", "watch.jsonl"])?;
        if watched.status.code() != Some(0) || told.stdout != watched.stdout {
            return Err(format!("{:?}: {}", watched.status.code(), String::from_utf8_lossy(&watched.stdout)));
        }
        let history = self.call(&[
            "audit",
            "--prometheus",
            &server,
            "--stable",
            stable,
            "--look-back",
            "3m",
            "--minutes",
            "1",
        ])?;
        let record = self.call(&["audit", "watch.jsonl", "--minutes", "1"])?;
        for audited in [history, record] {
            let text = String::from_utf8_lossy(&audited.stdout).into_owned();
            if audited.status.code() != Some(12)
                || !text.contains("with 95 %")
                || !text.contains("NOT PROVEN")
            {
                return Err(format!(
                    "{:?}: {text}{}",
                    audited.status.code(),
                    String::from_utf8_lossy(&audited.stderr)
                ));
            }
        }
        Ok(())
    }
}

/// Asks the gate about every scenario.
///
/// # Errors
/// `not run` when there is no Prometheus, or it does not start.
pub(super) fn prove() -> Result<Verdict, String> {
    folder()?;
    let server = server()?;
    warm(&server)?;
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let bed = Bed { server: &server, folder: scratch.path() };
    let rows = [
        ("a healthy canary: 0", bed.expect(("calm", "calm"), &[], 0, &[("verdict", "healthy")])),
        (
            "a bad canary: 10, with metric and arm",
            bed.expect(("worse", "calm"), &[], 10, &[("metric", "errors"), ("arm", "canary")]),
        ),
        (
            "both bad: 12 and an alert, the release is not blamed",
            bed.expect(("storm", "storm"), &[], 12, &[("arm", "both"), ("alert", "both revisions")]),
        ),
        ("one bad instance of four: 12, named", bed.one_of_many()),
        (
            "no series: 12",
            bed.expect(("nothing", "calm"), &[], 12, &[("verdict", "no_data"), ("headline", "no series")]),
        ),
        ("a stale series: 12, named", bed.stale()),
        (
            "too few requests: 12",
            bed.expect(("tiny", "calm"), &[], 12, &[("verdict", "undecided"), ("headline", "too few")]),
        ),
        (
            "native histograms of two resolutions, as fast: 0",
            bed.expect(("native", "native"), &[], 0, &[("verdict", "healthy")]),
        ),
        (
            "native histograms, a third slower: 10 by latency",
            bed.expect(("slow", "native"), &[], 10, &[("metric", "latency"), ("headline", "125 ms")]),
        ),
        ("a firing alert: 10, its expression by the server", bed.alert()),
        ("a watch explained again, and audited with interval", bed.recorded()),
    ];
    Ok(super::verdict("a real Prometheus", &rows))
}
