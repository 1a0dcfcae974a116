//! `metrics.gate`: whether a scraped text lets a rollout go on. What is absent or stale is unknown, and that is no yes.

use serde_json::{Value, json};

use crate::dispatch::Setup;
use crate::refusal::{Answer, text, whole, whole_or};

/// Older samples are stale, in milliseconds.
const FRESH_MS: u64 = 30_000;

/// The bounds of the design's alert rules: name and largest value.
const RULES: [(&str, f64); 2] = [("dwcp_latency_milliseconds", 100.0), ("dwcp_packet_loss_rate", 0.01)];

/// The value of a series without labels, when it is there and fresh.
fn value(text: &str, name: &str, now: u64) -> Option<f64> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
    let mut words = line.split_whitespace().skip(1);
    let value: f64 = words.next()?.parse().ok()?;
    let at = words.next().map_or(Some(now), |at| at.parse().ok())?;
    (!value.is_nan() && now.saturating_sub(at) <= FRESH_MS).then_some(value)
}

/// `{text, now_ms}` gives `{verdict: pass, fail or unknown, series: {name: known or unknown}}`.
pub(super) fn gate(setup: Setup, params: &Value) -> Answer {
    let (scraped, now) = (text(params, "text")?, whole(params, "now_ms")?);
    let scraped_at = whole_or(params, "scraped_ms", now)?;
    let old = now.saturating_sub(scraped_at) > FRESH_MS;
    let (mut series, mut unknown, mut over) = (serde_json::Map::new(), false, false);
    for (name, most) in RULES {
        let mut seen = value(scraped, name, now).filter(|_| !old);
        if setup.is("met-absent-is-zero") {
            seen = seen.or(Some(0.0));
        }
        unknown |= seen.is_none();
        over |= seen.is_some_and(|seen| seen > most);
        series.insert(name.to_owned(), Value::from(if seen.is_some() { "known" } else { "unknown" }));
    }
    let verdict = if over {
        "fail"
    } else if unknown {
        "unknown"
    } else {
        "pass"
    };
    Ok(json!({"verdict": verdict, "pass": verdict == "pass", "series": series}))
}
