//! Every null of the corpus: how often the release is falsely sent back, with its upper limit.
//!
//! The limit holds at 95 % for all nulls together: Holm's step-down over the nulls, the clearest first, so that the k-th
//! of K is taken at 5 % / (K - k + 1).

use health::sequential::numerics::{beta_regular, clopper_pearson};

use crate::bench::{Nulls, in_parallel, nulls, seeds};
use crate::ours::{Bunches, Looks, Ours};
use crate::rule::Rule;
use crate::scenario::{Scenario, count_nulls, latency_nulls};

/// Allowed rate of false rollbacks.
const ALLOWED: f64 = 0.01;
const JOINT_MISS: f64 = 0.05;

/// How much is played.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Seeds of a null on counts.
    pub counts: u64,
    /// Seeds of a null on durations.
    pub durations: u64,
}

impl Effort {
    /// What the specification asks for.
    pub const WHOLE: Self = Self { counts: 10_000, durations: 2_000 };
    /// Enough to see that it works.
    pub const QUICK: Self = Self { counts: 500, durations: 200 };
}

/// Of one null.
pub struct Row {
    /// The scenario.
    pub scenario: Scenario,
    /// What the engine did.
    pub found: Nulls,
    /// Upper limit of the rate, jointly at 95 %.
    pub upper: f64,
}

fn ours() -> Vec<Box<dyn Rule>> {
    vec![Box::new(Ours::new(Looks::All, Bunches::Urn))]
}

/// Plays all nulls with every metric of the engine together; `tuning` leaves out the held-out seeds.
pub fn play(effort: Effort, tuning: bool) -> Vec<Row> {
    let counts = count_nulls().into_iter().map(|s| (s, effort.counts));
    let all: Vec<(Scenario, u64)> =
        counts.chain(latency_nulls().into_iter().map(|s| (s, effort.durations))).collect();
    let found = in_parallel(&all, |(scenario, count)| nulls(scenario, &seeds(*count, tuning), &ours));
    let found = found.into_iter().flatten();
    let mut rows: Vec<Row> = all
        .into_iter()
        .zip(found)
        .map(|((scenario, _), found)| Row { scenario, found, upper: 1.0 })
        .collect();
    holm(&mut rows);
    rows
}

/// The probability of at most so many at the allowed rate: small when the rate is clearly below it.
fn p_value(found: &Nulls) -> f64 {
    let (x, n) = (found.rolled_back as f64, found.runs as f64);
    1.0 - beta_regular(ALLOWED, x + 1.0, n - x)
}

fn holm(rows: &mut [Row]) {
    let mut order: Vec<(usize, f64)> =
        rows.iter().enumerate().map(|(at, row)| (at, p_value(&row.found))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let all = rows.len();
    for (rank, (at, _)) in order.into_iter().enumerate() {
        if let Some(row) = rows.get_mut(at) {
            let miss = JOINT_MISS / (all - rank) as f64;
            row.upper = clopper_pearson(row.found.rolled_back, row.found.runs, miss).1;
        }
    }
}

/// The table, and whether every upper limit is within what is allowed.
pub fn table(rows: &[Row]) -> (Vec<String>, bool) {
    let mut lines = vec![format!(
        "{:<28} {:>7} {:>5} {:>9} {:>9}  {:>11} {:>13}",
        "null", "seeds", "back", "rate", "upper", "held-out", "held/ejected"
    )];
    for row in rows {
        let f = &row.found;
        lines.push(format!(
            "{:<28} {:>7} {:>5} {:>8.3}% {:>8.3}%  {:>4} of {:<5} {:>12.2}%{}",
            row.scenario.name,
            f.runs,
            f.rolled_back,
            100.0 * f.rolled_back as f64 / f.runs.max(1) as f64,
            100.0 * row.upper,
            f.held_rolled_back,
            f.held_runs,
            100.0 * f.held_or_ejected as f64 / f.runs.max(1) as f64,
            if row.upper <= ALLOWED { "" } else { "  over" }
        ));
    }
    let worst = rows.iter().map(|row| row.upper).fold(0.0, f64::max);
    (lines, worst <= ALLOWED)
}
