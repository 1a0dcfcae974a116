//! The bars of the specification: what was found, how much it may be, and what it cannot be less than.

use health::sequential::numerics::kl;
use health::sequential::promote::concurrent_bound;

use crate::bench::Faults;
use crate::decisions::{Cell, Row};
use crate::scenario::{LENGTH_S, Scenario};

/// Ratio of rates up to which a release is as good as stable, by default.
const TOLERANCE: f64 = 1.25;
const ALPHA: f64 = 0.01;

/// One bar.
pub struct Bar {
    text: String,
    found: f64,
    most: f64,
    /// No test that compares with stable alone can be below this on average.
    least: Option<f64>,
}

impl Bar {
    /// A bar: `found` should be at most `most`.
    pub fn new(text: impl Into<String>, found: f64, most: f64) -> Self {
        Self { text: text.into(), found, most, least: None }
    }

    /// Whether it was reached.
    pub fn reached(&self) -> bool {
        self.found <= self.most
    }

    /// In words.
    pub fn line(&self) -> String {
        let word = match self.least {
            _ if self.reached() => "reached",
            Some(least) if least > self.most => "short, as any comparison with stable alone",
            _ => "short",
        };
        let least = match self.least {
            Some(least) if least.is_finite() => format!("least {least:.2}"),
            Some(_) => "least > all".to_owned(),
            None => String::new(),
        };
        format!("{:<70} {:>7.2} (at most {:>6.2}) {least:>11}  {word}", self.text, self.found, self.most)
    }
}

/// Mean canary requests below which no comparison with stable alone finds the cell's fault at the promise, along the
/// steps of the rollout: the evidence of each request is what the split of the bad events tells at the share of its step.
/// Infinite when the rollout is too short for it.
fn least_requests(cell: &Cell, tolerance: f64) -> f64 {
    let ratio = cell.factor;
    let mut left = -libm::log(ALPHA);
    let mut requests = 0.0;
    for second in 0..LENGTH_S {
        let share = f64::from(Scenario::percent(second)) / 100.0;
        let split = |ratio: f64| ratio * share / (ratio * share + 1.0 - share);
        let bad = cell.traffic * cell.base * (share * ratio + 1.0 - share);
        let gain = bad * kl(split(ratio), split(tolerance));
        let here = cell.traffic * share;
        if gain >= left {
            return requests + here * left / gain;
        }
        (left, requests) = (left - gain, requests + here);
    }
    f64::INFINITY
}

/// Bars of one cell on counts.
pub fn of_counts(row: &Row) -> Vec<Bar> {
    let cell = &row.cell;
    let what = format!(
        "{}/s 0.1 -> {} % at {}, {} s scrapes",
        cell.traffic,
        cell.base * cell.factor * 100.0,
        cell.onset.0,
        cell.scrape_s
    );
    let (equal, own) = row.ratios();
    // Where it is often not found by the end, the end cuts the mean short and a ratio says nothing good.
    let mostly = |found: Option<&crate::bench::Found>| found.is_some_and(|f| f.detected() >= 0.95);
    let (own_found, equal_found) =
        (mostly(row.ours().map(|f| &f.own)), mostly(row.ours().map(Faults::at_equal)));
    let equal = if equal_found { equal } else { f64::INFINITY };
    let own = if own_found { own } else { f64::INFINITY };
    let mean = row.ours().filter(|_| own_found).map_or([f64::INFINITY; 3], |f| f.own.mean());
    let slow = cell.traffic <= 10.0;
    let mut all = Vec::new();
    let mut bar = |name: &str, found, most, least| {
        all.push(Bar { least, ..Bar::new(format!("{what}: {name}"), found, most) });
    };
    let oracle = row.oracle().map_or(f64::NAN, |f| f.at_equal().mean()[1]);
    let least = |tolerance: f64| Some(least_requests(cell, tolerance) / oracle);
    match cell.onset.0 {
        "start" if cell.scrape_s == 15 => {
            bar(
                "requests by the oracle, equal false alarms",
                equal,
                if slow { 2.3 } else { 1.6 },
                least(1.0),
            );
            bar("the same at the guaranteed threshold", own, if slow { 3.0 } else { 2.3 }, least(TOLERANCE));
        }
        "step" | "half" if cell.scrape_s == 15 => {
            let share = if cell.onset.0 == "step" { 0.25 } else { 0.5 };
            let bound = concurrent_bound(cell.base, cell.base * cell.factor, share, 0.01);
            // Below one scrape nothing can be found.
            let least = bound.max(cell.traffic * share * cell.scrape_s as f64);
            bar("requests by the concurrent bound", mean[1] / least, if slow { 3.0 } else { 2.3 }, None);
        }
        _ => {}
    }
    let fast = (cell.traffic - 100.0).abs() < 1.0;
    let seconds = match (cell.onset.0, cell.factor as u64, cell.scrape_s) {
        ("start", 10, 15) => Some(145.0),
        ("start", 50, 15) => Some(27.0),
        ("start", 10, 5) => Some(115.0),
        ("start", 50, 5) => Some(14.0),
        ("bake", 50, 15) => Some(40.0),
        _ => None,
    };
    if let Some(most) = seconds.filter(|_| fast) {
        let least = (cell.onset.0 == "start").then(|| least_requests(cell, TOLERANCE));
        // At a twentieth of the traffic.
        bar("mean seconds", mean[0], most, least.map(|requests| requests / (0.05 * cell.traffic)));
    }
    all
}
