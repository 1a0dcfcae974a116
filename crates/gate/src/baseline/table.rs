//! The baselines of a file as rows, and as a table for a person.

use std::fmt::Write as _;

use health::Finite;
use health::baseline::{Baseline, HourOfWeek};
use health::sequential::Counts;
use health::sequential::numerics::clopper_pearson;
use serde::Serialize;

use super::BaselineFile;
use super::basis::state;
use crate::units::{clock, percent, span};

/// One hour of the week of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The service.
    pub service: String,
    /// The hour, in words.
    pub hour: String,
    /// It is the hour that was asked for.
    pub now: bool,
    /// Requests and bad ones.
    pub counts: Counts,
    /// Where the rate lies with 95 %: lower end.
    pub low: Finite,
    /// Upper end.
    pub high: Finite,
    /// How long ago the newest part was recorded; negative: it lies ahead.
    pub age_ms: i64,
    /// Weeks that are in it.
    pub weeks: u32,
    /// `known`, `stale`, `thin` or `ahead`.
    pub state: &'static str,
}

/// All rows of a file, of one service or of all, as they are known at a wall time.
pub fn rows(file: &BaselineFile, service: Option<&str>, now_ms: u64) -> Vec<Row> {
    let services = file.baselines().services().filter(|it| service.is_none_or(|service| service == *it));
    let of = |service: &str| -> Vec<Row> {
        let hours = file.baselines().hours(service);
        hours.map(|(hour, counts, weeks)| row(file, service, hour, counts, weeks, now_ms)).collect()
    };
    services.flat_map(of).collect()
}

fn row(file: &BaselineFile, service: &str, hour: HourOfWeek, counts: Counts, weeks: u32, now_ms: u64) -> Row {
    let found = file.baselines().at(service, hour, now_ms);
    let age_ms = match found {
        Baseline::Known { age_ms, .. } | Baseline::Stale { age_ms } | Baseline::Thin { age_ms, .. } => {
            age_ms.cast_signed()
        }
        Baseline::Ahead { by_ms } => -by_ms.cast_signed(),
        Baseline::Unknown => 0,
    };
    let (low, high) = clopper_pearson(counts.bad, counts.requests, 0.025);
    let finite = |value| Finite::new(value).unwrap_or_default();
    Row {
        service: service.to_owned(),
        hour: hour.to_string(),
        now: hour == HourOfWeek::of(now_ms),
        counts,
        low: finite(low),
        high: finite(high),
        age_ms,
        weeks,
        state: state(&found),
    }
}

/// The rows as a table; `>` marks the hour that it is.
pub fn table(rows: &[Row], now_ms: u64) -> String {
    let (now, hour) = (clock(now_ms.cast_signed()), HourOfWeek::of(now_ms));
    let mut out = format!("at {now}: {hour}\n");
    let mut service = None;
    for row in rows {
        if service != Some(&row.service) {
            service = Some(&row.service);
            let hours = rows.iter().filter(|it| it.service == row.service).count();
            let _ = writeln!(out, "\n{}: {hours} of 168 hours", crate::render::plain(&row.service));
            let _ = writeln!(
                out,
                "  {:<14}{:>10}{:>8}{:>9}  {:<19}{:>9}{:>6}  state",
                "hour of week", "requests", "bad", "rate", "95 % interval", "age", "weeks"
            );
        }
        let Row { hour, counts: Counts { requests, bad }, weeks, state, .. } = row;
        let rate = percent(row.counts.rate());
        let ends = format!("{} to {}", percent(row.low.value()), percent(row.high.value()));
        let age = if row.age_ms < 0 { "ahead".to_owned() } else { span(row.age_ms.unsigned_abs()) };
        let mark = if row.now { '>' } else { ' ' };
        let _ = writeln!(
            out,
            "{mark} {hour:<14}{requests:>10}{bad:>8}{rate:>9}  {ends:<19}{age:>9}{weeks:>6}  {state}"
        );
    }
    if !rows.iter().any(|row| row.now) {
        let _ = writeln!(out, "\nnothing is recorded of {hour}: unknown");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Count, Minutes};

    const HOUR_MS: u64 = 3_600_000;

    #[test]
    fn the_table_has_a_line_for_each_hour_and_marks_the_one_that_it_is() {
        let mut file = BaselineFile::default();
        // A Thursday at midnight.
        let began = 3_000 * 168 * HOUR_MS;
        for (from, requests) in [(0, 50_000), (1, 900)] {
            let mut minutes = Minutes::default();
            for n in 0..2 {
                let counts = Counts { requests: requests * n, bad: n };
                minutes.add(Count { instance: 0, at_ms: n * 60_000, counts, started_ms: None });
            }
            file.take("api", began + from * HOUR_MS, &minutes, began + 9 * HOUR_MS).unwrap();
        }
        let now = began + 61 * 60_000;
        let found = rows(&file, Some("api"), now);
        let text = table(&found, now);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("Thu 01:00 UTC"), "{text}");
        assert_eq!(lines[2], "api: 2 of 168 hours");
        assert!(
            lines[4].starts_with("  Thu 00:00 UTC      50000       1") && lines[4].ends_with("1  known"),
            "{text}"
        );
        assert!(
            lines[5].starts_with("> Thu 01:00 UTC        900       1") && lines[5].ends_with("1  thin"),
            "{text}"
        );
        assert!(lines.iter().all(|line| line.chars().count() <= 90), "{text}");
        assert!(table(&rows(&file, Some("api"), now + 2 * HOUR_MS), now + 2 * HOUR_MS).contains("unknown"));
        assert_eq!(rows(&file, Some("web"), now), []);
        assert!(table(&rows(&file, None, now - 24 * HOUR_MS), now).contains("ahead"));
    }
}
