//! Test (b): the share of requests slower than each of four edges, chosen from the stable histogram beforehand.
//!
//! Needs only the buckets of a histogram and no interpolation. The margin is in odds (1.25 by default): without one,
//! harmless differences between instances become significant with enough data.

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::{LogE, Pair, TableTest};
use crate::Latency;

/// Quantiles of the stable revision at which the edges lie, in percent.
const QUANTILES: [u64; 4] = [50, 75, 90, 99];

/// Bounds in microseconds at which the histograms are compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Edges(Vec<u64>);

impl Edges {
    /// The bucket bounds nearest to the quantiles of a stable histogram, each once, none below `floor_us`: what is
    /// faster is fast enough. `None` without requests or without a bounded bucket from there on.
    pub fn of(stable: &Latency, floor_us: u64) -> Option<Self> {
        let total = u128::from(stable.total());
        if total == 0 {
            return None;
        }
        let bounded = || stable.buckets().iter().filter(|(le, _)| *le >= floor_us && *le != u64::MAX);
        let nearest = |percent: u64| {
            let distance = |count: u64| (u128::from(count) * 100).abs_diff(total * u128::from(percent));
            bounded().min_by_key(|(_, count)| distance(*count)).map(|(le, _)| *le)
        };
        let mut edges: Vec<u64> = QUANTILES.into_iter().filter_map(nearest).collect();
        edges.sort_unstable();
        edges.dedup();
        (!edges.is_empty()).then_some(Self(edges))
    }

    /// The edges, rising, in microseconds.
    pub fn bounds(&self) -> &[u64] {
        &self.0
    }

    /// Requests slower than each edge in a cumulative histogram; `None` when it lacks a bound.
    pub fn slower(&self, latency: &Latency) -> Option<Vec<u64>> {
        let total = latency.total();
        let at = |edge: &u64| latency.buckets().binary_search_by_key(edge, |(le, _)| *le).ok();
        let count = |edge: &u64| at(edge).and_then(|at| latency.buckets().get(at)).map(|(_, count)| *count);
        self.0.iter().map(|edge| count(edge).map(|count| total.saturating_sub(count))).collect()
    }
}

/// One exact test at each edge; the evidence is their mean.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EdgeTest {
    edges: Edges,
    tests: Vec<TableTest>,
}

impl EdgeTest {
    /// Compares at these edges; `margin` in odds.
    pub fn new(edges: Edges, margin: f64, horizon: u32) -> Self {
        let tests = edges.bounds().iter().map(|_| TableTest::new(margin, horizon)).collect();
        Self { edges, tests }
    }

    /// The traffic share changes.
    pub fn step(&mut self) {
        self.tests.iter_mut().for_each(TableTest::step);
    }

    /// Takes one stretch: for each edge, requests and how many were slower.
    pub fn observe(&mut self, from: Timestamp, by_edge: &[Pair]) {
        for (test, pair) in self.tests.iter_mut().zip(by_edge) {
            test.observe(from, pair);
        }
    }

    /// The evidence now.
    pub fn evidence(&self) -> LogE {
        let tests = self.tests.iter().map(TableTest::evidence);
        LogE::sum(tests).times(-libm::log(self.tests.len().max(1) as f64))
    }

    /// The edge with the most evidence, in microseconds, and its test.
    pub fn leader(&self) -> Option<(u64, &TableTest)> {
        let all = self.edges.bounds().iter().copied().zip(&self.tests);
        all.max_by(|a, b| a.1.evidence().ln().total_cmp(&b.1.evidence().ln()))
    }

    /// The edges.
    pub const fn edges(&self) -> &Edges {
        &self.edges
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        for test in &mut self.tests {
            test.visit(v);
        }
    }
}
