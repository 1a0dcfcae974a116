//! The port over a Prometheus server: counters of requests by revision and status, out of raw samples.
//!
//! Raw samples are asked for, not rates, because only they have the times at which they were taken, and one answer has
//! the whole family: a status that is absent there is zero, not unknown.

use std::collections::BTreeMap;

use ports::{Arm, Metrics, PortError, Scrape};
use supervise::RevisionId;

use crate::answer::{Answer, Series};
use crate::outcome::Freshness;
use crate::query::QueryClient;
use crate::whole::whole;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Counter of requests, e.g. `http_requests_total`.
    pub name: String,
    /// Label that carries the revision.
    pub revision_label: String,
    /// Label that carries the status.
    pub status_label: String,
    /// Revisions that are asked for. A sample of another one is an error.
    pub revisions: Vec<RevisionId>,
    /// How fresh samples must be.
    pub freshness: Freshness,
}

impl Family {
    /// These revisions of a family, by the labels `revision` and `status`.
    pub fn new(name: &str, revisions: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            revision_label: "revision".to_owned(),
            status_label: "status".to_owned(),
            revisions: revisions.iter().map(|id| RevisionId::new(*id)).collect(),
            freshness: Freshness::default(),
        }
    }
}

/// Reads counters from a server.
#[derive(Clone, Debug)]
pub struct ServerMetrics<C> {
    client: QueryClient,
    family: Family,
    now_ms: C,
}

impl<C: Fn() -> i64 + Send + Sync> ServerMetrics<C> {
    /// Asks that server. `now_ms` is the wall clock, in milliseconds since 1970.
    pub fn new(client: QueryClient, family: Family, now_ms: C) -> Self {
        Self { client, family, now_ms }
    }

    fn query(&self) -> String {
        let Family { name, revision_label, revisions, freshness, .. } = &self.family;
        let names: Vec<String> = revisions.iter().map(|id| escaped(id.as_str())).collect();
        // A series whose samples are all too old shall be seen as such, not as absent.
        let seconds = (freshness.age_max_ms / 1000).max(1) * 4;
        format!("{name}{{{revision_label}=~\"{}\"}}[{seconds}s]", names.join("|"))
    }
}

impl<C: Fn() -> i64 + Send + Sync> Metrics for ServerMetrics<C> {
    async fn scrape(&self) -> Result<Scrape, PortError> {
        let answer = self.client.instant(&self.query(), None).await?;
        arms(&answer, &self.family, (self.now_ms)())
    }
}

/// A name as a part of a regular expression in a text of PromQL.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        match c {
            _ if c.is_alphanumeric() || matches!(c, '-' | '_') => text.push(c),
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\\\\\"),
            _ => {
                text.push_str("\\\\");
                text.push(c);
            }
        }
    }
    text
}

/// Puts the series of an answer into arms.
///
/// # Errors
/// Whatever is not a fresh whole number of a revision that was asked for.
pub fn arms(answer: &Answer, family: &Family, now_ms: i64) -> Result<Scrape, PortError> {
    if !answer.warnings.is_empty() {
        return Err(PortError::Malformed(format!(
            "the answer may be partial: {}",
            answer.warnings.join("; ")
        )));
    }
    let mut found: BTreeMap<&RevisionId, Arm> = BTreeMap::new();
    let mut oldest = 0;
    for series in &answer.series {
        let wrong = |why: String| PortError::Malformed(format!("{}: {why}", series.labels));
        let named = series.labels.value(&family.revision_label);
        let revision = family.revisions.iter().find(|id| id.as_str() == named);
        let revision = revision.ok_or_else(|| wrong(format!("revision {named:?} was not asked for")))?;
        let status = series.labels.value(&family.status_label);
        let code = status.parse::<u16>().ok().filter(|code| (100..600).contains(code));
        let code = code.ok_or_else(|| wrong(format!("{}={status:?} is no status", family.status_label)))?;
        let (count, age_ms) = counted(series, family, now_ms).map_err(wrong)?;
        oldest = oldest.max(age_ms);
        let arm = found.entry(revision).or_insert_with(|| Arm {
            revision: revision.clone(),
            requests: 0,
            server_errors: 0,
            failures: 0,
            latency_us: Vec::new(),
            instances: Vec::new(),
        });
        arm.requests = arm.requests.saturating_add(count);
        arm.server_errors = arm.server_errors.saturating_add(if code >= 500 { count } else { 0 });
    }
    Ok(Scrape { age_ms: oldest, arms: found.into_values().collect() })
}

/// The last sample of a series, as a count and its age.
fn counted(series: &Series, family: &Family, now_ms: i64) -> Result<(u64, u64), String> {
    if !series.native.is_empty() {
        return Err("a native histogram, not a counter".to_owned());
    }
    let (at_ms, value) = series.samples.last().copied().ok_or("no sample")?;
    let age_ms = now_ms.saturating_sub(at_ms);
    if age_ms > family.freshness.age_max_ms {
        return Err(format!("{age_ms} ms old"));
    }
    if age_ms < -family.freshness.ahead_max_ms {
        return Err(format!("{} ms ahead of our clock", -age_ms));
    }
    let count = whole(value).map_err(|why| format!("{value} is {why}"))?;
    Ok((count, u64::try_from(age_ms).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use promql::Labels;

    use super::*;

    const NOW: i64 = 1_000_000;

    fn family() -> Family {
        Family::new("http_requests_total", &["r-a", "r-b"])
    }

    fn series(revision: &str, status: &str, at: i64, value: f64) -> Series {
        let labels = Labels::new([("revision", revision), ("status", status)]);
        Series { labels, samples: vec![(at - 1_000, 0.0), (at, value)], native: Vec::new() }
    }

    fn of(series: Vec<Series>) -> Result<Scrape, PortError> {
        arms(&Answer { series, warnings: vec![] }, &family(), NOW)
    }

    #[test]
    fn counts_are_summed_by_revision_and_status() {
        let mut other = series("r-b", "500", NOW - 3_000, 2.0);
        other.labels.set("instance", "2");
        let all = vec![
            series("r-a", "200", NOW, 7.0),
            series("r-b", "200", NOW, 5.0),
            series("r-b", "503", NOW, 1.0),
            other,
        ];
        let scrape = of(all).expect("good");
        let arms: Vec<_> =
            scrape.arms.iter().map(|arm| (arm.revision.as_str(), arm.requests, arm.server_errors)).collect();
        assert_eq!(arms, [("r-a", 7, 0), ("r-b", 8, 3)]);
        assert_eq!(scrape.age_ms, 3_000);
        assert_eq!(of(vec![]).expect("nothing yet").arms, []);
    }

    #[test]
    fn i28_what_is_no_fresh_count_of_a_known_revision_is_an_error_by_name() {
        let histogram = serde_json::json!({"count": "0", "sum": "0"});
        let histogram = crate::native::Native::read(&histogram).expect("the shape");
        let native = Series { native: vec![(NOW, histogram)], ..series("r-a", "200", NOW, 1.0) };
        let empty = Series { samples: vec![], ..series("r-a", "200", NOW, 1.0) };
        for (bad, message) in [
            (series("r-z", "200", NOW, 1.0), "\"r-z\" was not asked for"),
            (series("", "200", NOW, 1.0), "\"\" was not asked for"),
            (series("r-a", "ok", NOW, 1.0), "is no status"),
            (series("r-a", "200", NOW, f64::NAN), "is NaN"),
            (series("r-a", "200", NOW, f64::INFINITY), "is infinite"),
            (series("r-a", "200", NOW, -1.0), "is negative"),
            (series("r-a", "200", NOW, 0.5), "is fractional"),
            (series("r-a", "200", NOW - 30_001, 1.0), "30001 ms old"),
            (series("r-a", "200", NOW + 5_001, 1.0), "5001 ms ahead"),
            (native, "native histogram"),
            (empty, "no sample"),
        ] {
            let error = of(vec![series("r-b", "200", NOW, 1.0), bad]).expect_err(message).to_string();
            assert!(error.contains(message), "{message}: {error}");
        }
        let warned = Answer { series: vec![series("r-a", "200", NOW, 1.0)], warnings: vec!["half".into()] };
        let error = arms(&warned, &family(), NOW).expect_err("partial").to_string();
        assert!(error.contains("may be partial: half"), "{error}");
    }

    #[test]
    fn a_name_matches_itself_and_nothing_else() {
        for name in ["r-a", "v1.2", "a\"b", "a\\b", "a|b", "a(b+"] {
            let text = format!("{{x=~\"{}\"}}", escaped(name));
            let promql::Expr::Latest(selector) = promql::parse(&text).expect("legal") else {
                panic!("{text}")
            };
            assert!(selector.matchers[0].fits(name) && !selector.matchers[0].fits("a"), "{text}");
        }
    }

    #[test]
    fn the_query_asks_for_the_whole_family_of_the_revisions() {
        let client = QueryClient::new(crate::Source::Tcp("127.0.0.1:1".into()));
        let metrics = ServerMetrics::new(client, family(), || NOW);
        assert_eq!(metrics.query(), "http_requests_total{revision=~\"r-a|r-b\"}[120s]");
    }
}
