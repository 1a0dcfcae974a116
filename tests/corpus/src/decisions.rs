//! The table of the benchmark: what each rule needs to find a fault, at its own threshold and at equal false alarms.

use crate::bench::{Faults, Found, NULLS, Nulls, Thresholds, faults, in_parallel, nulls};
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
/// Error rate of both arms in an incident, as a multiple.
const INCIDENT: f64 = 30.0;

impl Cell {
    /// Its null.
    fn healthy(&self) -> Scenario {
        Scenario { scrape_s: self.scrape_s, ..Scenario::healthy(self.traffic, self.base) }
    }
}

/// What was found in a cell: ours, the oracle, ours without tolerance, then the peers.
pub struct Row {
    /// The cell.
    pub cell: Cell,
    /// One of each rule.
    pub rules: Vec<Faults>,
}

/// Rules before the peers.
const OWN_RULES: usize = 3;

/// Failed requests of the canary at equal false alarms, by the place in [`NULLS`].
fn harm(rule: &Faults, null: usize) -> f64 {
    rule.equal.get(null).map_or(f64::NAN, |found| found.mean()[2])
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

    fn intolerant(&self) -> Option<&Faults> {
        self.rules.get(2)
    }

    /// The peer with the least harm at equal false alarms, by the place in [`NULLS`].
    pub fn best_peer(&self, null: usize) -> Option<&Faults> {
        self.rules.iter().skip(OWN_RULES).min_by(|a, b| harm(a, null).total_cmp(&harm(b, null)))
    }

    /// Whether ours does no more harm than the best peer: as it is by default, and in the better of its two settings.
    pub fn ahead(&self, null: usize) -> [bool; 2] {
        let of = |rule: Option<&Faults>| rule.map_or(f64::NAN, |rule| harm(rule, null));
        let (ours, peer) = (of(self.ours()), of(self.best_peer(null)));
        [ours <= peer, ours.min(of(self.intolerant())) <= peer]
    }

    /// Whether one of ours or of the peers finds it in half of the rollouts at equal false alarms.
    pub fn found(&self, null: usize) -> bool {
        let others = self.rules.iter().enumerate().filter(|(number, _)| *number != 1);
        let mut all = others.filter_map(|(_, rule)| rule.equal.get(null));
        all.any(|found| found.detected() >= 0.5)
    }

    /// Canary requests against the oracle's at equal false alarms: at equal false alarms, and at the guaranteed
    /// threshold.
    pub fn ratios(&self) -> (f64, f64) {
        let requests = |found: Option<&Found>| found.map_or(f64::NAN, |f| f.mean()[1]);
        let oracle = requests(self.oracle().map(Faults::at_equal));
        (requests(self.ours().map(Faults::at_equal)) / oracle, requests(self.ours().map(|f| &f.own)) / oracle)
    }
}

fn rules(cell: &Cell) -> Vec<Box<dyn Rule>> {
    let ours = || Ours::new(Looks::At(Metric::Errors), Bunches::Urn);
    let mut all: Vec<Box<dyn Rule>> = vec![
        Box::new(ours()),
        Box::new(Oracle::new(cell.factor, cell.onset.1)),
        Box::new(ours().tolerating_nothing()),
    ];
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

/// The nulls of cells that share traffic, base and scrape interval, by [`NULLS`]: quiet, with the swing of a day, and with
/// an incident of both arms on the ramp or in the bake.
fn healthy(cells: &[Cell], seeds: &[u64]) -> [Vec<Vec<Nulls>>; NULLS.len()] {
    let Some(first) = cells.first() else { return Default::default() };
    let quiet = first.healthy();
    let daily = Scenario { swing: DAY, ..quiet.clone() };
    let incident = |onset_s| Scenario { incident: INCIDENT, onset_s, ..quiet.clone() };
    let shared = vec![incident(450), incident(1_200)];
    [vec![quiet], vec![daily], shared].map(|scenarios| {
        let play = |(number, null): (usize, Scenario)| {
            let name = format!("{}, {number}", null.name);
            nulls(&null.named(name), seeds, &|| null_rules(cells))
        };
        scenarios.into_iter().enumerate().map(play).collect()
    })
}

/// The thresholds of the cell at this place of its group. Its oracle comes after the shared rules.
fn thresholds(at: usize, played: &[Vec<Vec<Nulls>>; NULLS.len()]) -> Vec<Thresholds> {
    let shared = OWN_RULES + SETTINGS.len();
    let calibrated = |scenarios: &[Vec<Nulls>], rule: usize| {
        let of_rule = scenarios.iter().filter_map(|rules| rules.get(rule));
        of_rule.map(Nulls::calibrated).fold(f64::NEG_INFINITY, f64::max)
    };
    let of_rule = |rule: usize| {
        let mut highest = f64::NEG_INFINITY;
        played.each_ref().map(|scenarios| {
            highest = highest.max(calibrated(scenarios, rule));
            highest
        })
    };
    let mut thresholds: Vec<Thresholds> = (0..shared).map(of_rule).collect();
    if let (Some(own), [quiet, ..]) = (thresholds.get_mut(1), played) {
        // The oracle is told the rate; a day or an incident that it is not told of would be no yardstick.
        *own = [calibrated(quiet, shared + at); NULLS.len()];
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
    let group = |(cells, [quiet, ..]): (&Vec<Cell>, [Vec<Vec<Nulls>>; NULLS.len()])| {
        let ours = quiet.into_iter().flatten().next();
        (rows.by_ref().take(cells.len()).collect(), ours.unwrap_or_default())
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
    let peers: String = ["=", "~", "!"]
        .map(|sign| format!(" {:>6} {:>6} {:<18}", format!("harm{sign}"), "peer", ""))
        .concat();
    format!(
        "{:>6} {:>6} {:>5} {:<8} {:>3} | {:>6} {:>6} {:>6} {:>6} {:>7} {:>8} | {:>6} {:>6} {:>5} {:>5} | {:>6} |{peers}",
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
        "r=",
        "r own",
        "orc s",
    )
}

/// What the signs in the head mean.
pub const LEGEND: &str = "own threshold first. At equal false alarms, 1 in 100 of the nulls: =: quiet; ~: also with a rate that swings 2.5 times by the day; !: also with an incident of both. harm: failed requests of the canary, of ours and of the best of nine peer settings (<: it is ahead of ours; +: it is ahead of the default, and not of ours without tolerance); r: requests by those of the oracle";

/// One line of the table: ours at its own threshold, ours at equal false alarms with the ratios to the oracle, and the
/// best peers.
pub fn line(row: &Row) -> String {
    let cell = &row.cell;
    let empty = Faults::default();
    let ours = row.ours().unwrap_or(&empty);
    let oracle = row.oracle().unwrap_or(&empty);
    let (own, equal) = (ours.own.mean(), ours.at_equal().mean());
    let (ratio, ratio_own) = row.ratios();
    let peers: String = (0..NULLS.len()).map(|null| peer(row, null)).collect();
    format!(
        "{:>6} {:>5}% {:>5} {:<8} {:>3} | {:>5.1}% {:>6.0} {:>6.0} {:>6.0} {:>7.1} {:>8.0} | {:>5.1}% {:>6.0} {:>5.2} {:>5.2} | {:>6.0} |{peers}",
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
        100.0 * ours.at_equal().detected(),
        equal[0],
        ratio,
        ratio_own,
        oracle.at_equal().mean()[0],
    )
}

/// Ours beside the best peer.
fn peer(row: &Row, null: usize) -> String {
    let empty = Faults::default();
    let (ours, best) = (row.ours().unwrap_or(&empty), row.best_peer(null).unwrap_or(&empty));
    let sign = match row.ahead(null) {
        [true, _] => "",
        [false, true] => "+",
        [false, false] => "<",
    };
    format!(" {:>6.1} {:>6.1}{sign:<1}{:<18}", harm(ours, null), harm(best, null), best.name)
}

/// In how many cells ours does no more harm than the best peer, by null: of all, and of those that somebody finds. In the
/// others every rule lets nearly every fault through, and which of them is luckier is chance.
pub fn ahead(rows: &[Row]) -> Vec<String> {
    let head = "harm at equal false alarms: ahead of the best of nine peer settings".to_owned();
    let line = |(null, name): (usize, &&str)| {
        let found: Vec<&Row> = rows.iter().filter(|row| row.found(null)).collect();
        let all: Vec<&Row> = rows.iter().collect();
        let name = if null == 0 { format!("on the null {name}") } else { format!("... and {name}") };
        let [of_all, of_found] = [all, found].map(|rows| {
            let count = |setting: usize| {
                rows.iter().filter(|row| row.ahead(null).get(setting).is_some_and(|ahead| *ahead)).count()
            };
            format!("{:>3} of {:>3}, without tolerance {:>3}", count(0), rows.len(), count(1))
        });
        format!("  {name:<24} {of_all}; of those found in half of the rollouts {of_found}")
    };
    std::iter::once(head).chain(NULLS.iter().enumerate().map(line)).collect()
}
