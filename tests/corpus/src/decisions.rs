//! The table of the benchmark: what each rule needs to find a fault, at its own threshold and at equal false alarms.

use crate::bench::{Faults, Found, Nulls, Thresholds, faults, in_parallel, nulls};
use crate::oracle::Oracle;
use crate::ours::{Bunches, Looks, Ours};
use crate::peers::{Peer, SETTINGS};
use crate::rule::Rule;
use crate::scenario::{FACTORS, ONSETS, Scenario};
use health::sequential::Metric;

/// One cell: a fault, beside the null that sets the thresholds.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Requests a second.
    pub traffic: f64,
    /// Healthy error rate.
    pub base: f64,
    /// Multiple of it.
    pub factor: f64,
    /// When it begins, by name and second.
    pub onset: (&'static str, u64),
    /// Between two scrapes, in seconds.
    pub scrape_s: u64,
}

/// Highest by lowest error rate of a day.
const DAY: f64 = 2.5;

impl Cell {
    /// Its null.
    fn healthy(&self) -> Scenario {
        Scenario { scrape_s: self.scrape_s, ..Scenario::healthy(self.traffic, self.base) }
    }
}

/// What was found in a cell: ours, the oracle, then the peers.
pub struct Row {
    /// The cell.
    pub cell: Cell,
    /// One of each rule.
    pub rules: Vec<Faults>,
}

impl Row {
    /// Ours, with one metric.
    pub fn ours(&self) -> Option<&Faults> {
        self.rules.first()
    }

    /// The oracle.
    pub fn oracle(&self) -> Option<&Faults> {
        self.rules.get(1)
    }

    /// The peer with the least harm by `harm`.
    pub fn best_peer(&self, harm: impl Fn(&Faults) -> f64) -> Option<&Faults> {
        self.rules.iter().skip(2).min_by(|a, b| harm(a).total_cmp(&harm(b)))
    }

    /// Whether ours does no more harm than the best peer by `harm`.
    pub fn ahead(&self, harm: impl Fn(&Faults) -> f64 + Copy) -> bool {
        let of = |rule: Option<&Faults>| rule.map_or(f64::NAN, harm);
        of(self.ours()) <= of(self.best_peer(harm))
    }

    /// Canary requests against the oracle's at equal false alarms: at equal false alarms, and at the guaranteed
    /// threshold.
    pub fn ratios(&self) -> (f64, f64) {
        let requests = |found: Option<&Found>| found.map_or(f64::NAN, |f| f.mean()[1]);
        let oracle = requests(self.oracle().map(|f| &f.equal));
        (requests(self.ours().map(|f| &f.equal)) / oracle, requests(self.ours().map(|f| &f.own)) / oracle)
    }
}

fn rules(cell: &Cell) -> Vec<Box<dyn Rule>> {
    let ours = Ours::new(Looks::At(Metric::Errors), Bunches::Urn);
    let mut all: Vec<Box<dyn Rule>> = vec![Box::new(ours), Box::new(Oracle::new(cell.factor, cell.onset.1))];
    all.extend(SETTINGS.into_iter().map(|setting| Box::new(Peer::new(setting)) as Box<dyn Rule>));
    all
}

/// A null with the oracles of all its cells beside ours and the peers.
fn null_rules(cells: &[Cell]) -> Vec<Box<dyn Rule>> {
    let Some(first) = cells.first() else { return vec![] };
    let mut all = rules(first);
    all.extend(cells.iter().map(|cell| Box::new(Oracle::new(cell.factor, cell.onset.1)) as Box<dyn Rule>));
    all
}

/// Both nulls of cells that share traffic, base and scrape interval: quiet, and with the swing of a day.
fn healthy(cells: &[Cell], seeds: &[u64]) -> [Vec<Nulls>; 2] {
    let Some(first) = cells.first() else { return [vec![], vec![]] };
    let quiet = first.healthy();
    let name = format!("{}, swing {DAY}", quiet.name);
    let daily = Scenario { swing: DAY, ..quiet.clone() }.named(name);
    [quiet, daily].map(|null| nulls(&null, seeds, &|| null_rules(cells)))
}

/// The thresholds of the cell at this place of its group. Its oracle comes after the shared rules.
fn thresholds(at: usize, [quiet, daily]: &[Vec<Nulls>; 2]) -> Vec<Thresholds> {
    let both = quiet.iter().zip(daily).map(|(quiet, daily)| {
        let quiet = quiet.calibrated();
        [quiet, quiet.max(daily.calibrated())]
    });
    let all: Vec<Thresholds> = both.collect();
    let shared = 2 + SETTINGS.len();
    let mut thresholds: Vec<Thresholds> = all.iter().take(shared).copied().collect();
    if let (Some(own), Some(oracle)) = (thresholds.get_mut(1), all.get(shared + at)) {
        // The oracle is told the rate; a day that it is not told of would be no yardstick.
        *own = [oracle[0]; 2];
    }
    thresholds
}

/// Plays groups of cells, each after its nulls.
pub fn play(groups: &[Vec<Cell>], null_seeds: &[u64], seeds: &[u64]) -> Vec<(Vec<Row>, Nulls)> {
    let nulls = in_parallel(groups, |cells| healthy(cells, null_seeds));
    let cells = groups.iter().zip(&nulls).flat_map(|(cells, nulls)| {
        cells.iter().enumerate().map(|(at, cell)| (cell.clone(), thresholds(at, nulls)))
    });
    let cells: Vec<(Cell, Vec<Thresholds>)> = cells.collect();
    let mut rows = in_parallel(&cells, |(cell, thresholds)| {
        let scenario = cell.healthy().worse(cell.factor, cell.onset.1);
        Row { cell: cell.clone(), rules: faults(&scenario, seeds, &|| rules(cell), thresholds) }
    })
    .into_iter();
    let group = |(cells, [quiet, _]): (&Vec<Cell>, [Vec<Nulls>; 2])| {
        (rows.by_ref().take(cells.len()).collect(), quiet.into_iter().next().unwrap_or_default())
    };
    groups.iter().zip(nulls).map(group).collect()
}

/// The grid of the specification.
pub fn grid(traffic: &[f64], bases: &[f64], onsets: &[(&'static str, u64)]) -> Vec<Vec<Cell>> {
    let cells = |traffic: f64, base: f64| {
        let by_factor = |factor: f64| {
            onsets.iter().map(move |onset| Cell { traffic, base, factor, onset: *onset, scrape_s: 15 })
        };
        let possible = FACTORS.into_iter().filter(move |factor| base * factor <= 0.5);
        possible.flat_map(by_factor).collect::<Vec<_>>()
    };
    traffic.iter().flat_map(|t| bases.iter().map(move |b| cells(*t, *b))).collect()
}

/// The cells of the bars: 0.1 % at 10, 100 and 1 000 requests a second, 15 and 5 s between scrapes.
pub fn bars() -> Vec<Vec<Cell>> {
    let group = |traffic: f64, scrape_s: u64| {
        let cell = |factor, onset| Cell { traffic, base: 0.001, factor, onset, scrape_s };
        let first = [2.0, 3.0, 5.0, 10.0, 50.0].map(|factor| cell(factor, ONSETS[0]));
        let later = [ONSETS[1], ("half", 600), ONSETS[3]];
        let later = later.into_iter().flat_map(|onset| [10.0, 50.0].map(|factor| cell(factor, onset)));
        first.into_iter().chain(later).collect::<Vec<_>>()
    };
    vec![group(10.0, 15), group(100.0, 15), group(1_000.0, 15), group(100.0, 5)]
}

/// The head of the table.
pub fn head() -> String {
    format!(
        "{:>6} {:>6} {:>5} {:<8} {:>3} | {:>6} {:>6} {:>6} {:>6} {:>7} {:>8} | {:>6} {:>6} {:>6} {:>5} {:>5} | {:>6} {:>6} {:<18} {:>6} {:>6} best peer",
        "req/s",
        "base",
        "x",
        "onset",
        "s",
        "found",
        "mean s",
        "p50 s",
        "p95 s",
        "harm",
        "requests",
        "found=",
        "mean=",
        "harm=",
        "r=",
        "r own",
        "orc s",
        "harm=",
        "best peer",
        "harm~",
        "harm~"
    )
}

/// What the signs in the head mean.
pub const LEGEND: &str = "own threshold first; =: at equal false alarms (1 in 100 of the quiet null); ~: at 1 in 100 of the quiet null and of one whose rate swings 2.5 times by the day; r: requests by those of the oracle";

/// One line of the table: ours at its own threshold, ours at equal false alarms with the ratios to the oracle, and the
/// best peers.
pub fn line(row: &Row) -> String {
    let cell = &row.cell;
    let empty = Faults::default();
    let ours = row.ours().unwrap_or(&empty);
    let oracle = row.oracle().unwrap_or(&empty);
    let peer = row.best_peer(equal_harm).unwrap_or(&empty);
    let daily = row.best_peer(daily_harm).unwrap_or(&empty);
    let (own, equal) = (ours.own.mean(), ours.equal.mean());
    let (ratio, ratio_own) = row.ratios();
    let behind = |ahead: bool| if ahead { "" } else { "<" };
    format!(
        "{:>6} {:>5}% {:>5} {:<8} {:>3} | {:>5.1}% {:>6.0} {:>6.0} {:>6.0} {:>7.1} {:>8.0} | {:>5.1}% {:>6.0} {:>6.1} {:>5.2} {:>5.2} | {:>6.0} {:>6.1}{:<1}{:<18} {:>6.1} {:>6.1}{:<1}{}",
        cell.traffic,
        cell.base * 100.0,
        cell.factor,
        cell.onset.0,
        cell.scrape_s,
        100.0 * ours.own.detected(),
        own[0],
        ours.own.quantile(0, 0.5),
        ours.own.quantile(0, 0.95),
        own[2],
        own[1],
        100.0 * ours.equal.detected(),
        equal[0],
        equal[2],
        ratio,
        ratio_own,
        oracle.equal.mean()[0],
        equal_harm(peer),
        behind(row.ahead(equal_harm)),
        peer.name,
        daily_harm(ours),
        daily_harm(daily),
        behind(row.ahead(daily_harm)),
        daily.name,
    )
}

/// Failed requests at equal false alarms on the quiet null.
pub fn equal_harm(rule: &Faults) -> f64 {
    rule.equal.mean()[2]
}

/// Failed requests at equal false alarms on both nulls.
pub fn daily_harm(rule: &Faults) -> f64 {
    rule.daily.mean()[2]
}
