//! What is absent or stale is unknown, and unknown is no pass.

use serde_json::{Value, json};

use super::scrape::{name, reserve, text, traffic};
use crate::bench::Bench;
use crate::cases::entry::must;
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure};

pub(super) const UNKNOWN: Case =
    must("MET-009", Profile::Metrics, "absent or stale series be \"unknown\", and unknown fail the gate")
        .check(unknown);

/// Milliseconds of some day.
const NOW: u64 = 1_800_000_000_000;

fn unknown(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("met", "gate")?;
    traffic(bench, 100, 1_000, 20)?;
    reserve(bench, 100.0)?;
    let whole = text(bench)?;
    let ask = |bench: &mut Bench<'_>, text: &str, scraped: u64| {
        bench.call("metrics.gate", json!({"text": text, "now_ms": NOW, "scraped_ms": scraped}))
    };
    let healthy = ask(bench, &whole, NOW)?;
    ensure(healthy["pass"] == true, "a healthy, fresh scrape passes", || format!("{healthy}"))?;
    for design in ["dwcp_latency_milliseconds", "dwcp_packet_loss_rate"] {
        let here = name(bench, design);
        let is_sample = |line: &&str| line.split([' ', '{']).next() == Some(here.as_str());
        let absent: Vec<&str> = whole.lines().filter(|line| !is_sample(line)).collect();
        let nan: Vec<String> = whole
            .lines()
            .map(|line| if is_sample(&line) { format!("{here} NaN") } else { line.to_owned() })
            .collect();
        for (how, text) in [("absent", absent.join("\n") + "\n"), ("no number", nan.join("\n") + "\n")] {
            let told = ask(bench, &text, NOW)?;
            let series = told["series"].get(design).or_else(|| told["series"].get(&here)).cloned();
            let held = told["pass"] == false && series == Some(Value::from("unknown"));
            ensure(held, "a series that is absent is unknown and fails the gate", || {
                format!("{design} {how}: {told}")
            })?;
        }
    }
    let stale = ask(bench, &whole, NOW - 3_600_000)?;
    ensure(stale["pass"] == false, "a stale scrape fails the gate", || format!("an hour old: {stale}"))?;
    let nothing = ask(bench, "", NOW)?;
    ensure(nothing["pass"] == false, "an empty scrape fails the gate", || format!("{nothing}"))
}
