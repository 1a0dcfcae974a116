//! What is exported, and in which form.

use std::collections::BTreeSet;

use super::scrape::{DESIGN, name, read, reserve, text, traffic};
use crate::bench::{Bench, Better};
use crate::cases::entry::must;
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure};

pub(super) const PARSES: Case =
    must("MET-001", Profile::Metrics, "exposition text parse, one TYPE per family")
        .source("OpenMetrics / Prometheus text format")
        .check(parses);

fn parses(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for _ in 0..3 {
        let text = text(bench)?;
        let families = read(&text)?.families.len();
        let mut typed = BTreeSet::new();
        for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
            let family = line.split_whitespace().nth(2).unwrap_or_default();
            ensure(typed.insert(family), "a family has one TYPE", || format!("{family} has two"))?;
        }
        ensure(families > 0, "a scrape has families", || "it is empty".to_owned())?;
        traffic(bench, 20, 10, 20)?;
    }
    Ok(())
}

pub(super) const NAMES: Case =
    must("MET-002", Profile::Metrics, "the six names of the design, or a declared mapping, be present")
        .source("design l.677-703")
        .check(names);

fn names(bench: &mut Bench<'_>) -> Result<(), Stop> {
    reserve(bench, 100.0)?;
    traffic(bench, 20, 10, 20)?;
    let text = text(bench)?;
    let exposition = read(&text)?;
    for design in DESIGN {
        let here = name(bench, design);
        let there = exposition.samples(&here).next().is_some();
        ensure(there, "the names of the design are exported", || format!("{design} as {here} is absent"))?;
    }
    Ok(())
}

pub(super) const ALERTS: Case =
    must("MET-006", Profile::Metrics, "every metric used by an alert rule be exported")
        .source("design l.705-782")
        .check(alerts);

/// What the rules of the design ask for, in the order of the design.
const ASKED: [&str; 9] = [
    "up",
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "db_connections_active",
    "db_connections_max",
    "dwcp_latency_milliseconds",
    "dwcp_packet_loss_rate",
    "dwcp_bandwidth_allocated_bytes",
    "dwcp_bandwidth_available_bytes",
];

fn alerts(bench: &mut Bench<'_>) -> Result<(), Stop> {
    reserve(bench, 100.0)?;
    traffic(bench, 20, 10, 20)?;
    let text = text(bench)?;
    let exposition = read(&text)?;
    // `up` is made by Prometheus itself when it scrapes.
    for asked in ASKED.into_iter().filter(|asked| *asked != "up") {
        let here = name(bench, asked);
        let there =
            exposition.families.iter().any(|family| family.samples.iter().any(|sample| sample.name == here));
        ensure(there, "what an alert rule asks for is exported", || format!("{asked} as {here} is absent"))?;
    }
    Ok(())
}

pub(super) const CARDINALITY: Case =
    must("MET-007", Profile::Metrics, "label cardinality stay bounded").check(cardinality);

fn cardinality(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut series = BTreeSet::new();
    let mut counts = Vec::new();
    let rounds = bench.amount(60, 25);
    for n in 0..rounds {
        // Other work each time: another flow, another reservation.
        traffic(bench, 10, 5, 5 + n)?;
        reserve(bench, 10.0 + n as f64)?;
        let text = text(bench)?;
        for family in &read(&text)?.families {
            for sample in &family.samples {
                series.insert(format!("{} {:?}", sample.name, sample.labels));
            }
        }
        counts.push(series.len());
    }
    let (early, late) = (counts[4], counts[counts.len() - 1]);
    bench.measure("series", late as f64, "", Better::Lower);
    ensure(late <= early + 5 && late <= 1_000, "the number of series stays bounded", || {
        format!("{early} series after 5 scrapes, {late} after {rounds}")
    })
}
