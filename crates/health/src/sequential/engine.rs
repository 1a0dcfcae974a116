//! The engine: readings of two arms in, a finding out. Holds every test of one rollout; pure, serialisable, equal.

use std::collections::BTreeMap;

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::combine::combined;
use super::reading::{Added, Reading, Refused, Sampler, WHOLE};
use super::trail::Trail;
use super::{
    Blame, ClearTest, Counts, Dispersion, EdgeTest, Edges, HistoryTest, LogE, Metric, Pair, Plan, Presence,
    Recorded, Sight, SloTest, SplitTest, blame,
};

/// From this share on, in percent, a request of the canary tells more against the record than against stable.
const ASKS_RECORD: u8 = 20;
/// What does not compare with stable may send a release back when the concurrent evidence is at least this: 100 to 1.
const NOT_CONTRADICTED: f64 = 4.605_170_185_988_092;
/// Parts by which blame is told; more are not followed.
const MOST_PARTS: usize = 64;

/// The test against what stable did before; `None` when it did nothing.
fn history(plan: &Plan, recorded: Recorded) -> Option<HistoryTest> {
    let miss = plan.alpha.value() * Plan::RECORD_MISS;
    (recorded.counts.requests > 0)
        .then(|| HistoryTest::new(recorded.counts, miss, recorded.drift.value(), plan.horizon, plan.power()))
        .flatten()
}

/// What the evidence says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Enough evidence for going on. `cleared`: the excluded ratio is excluded, so the step may end before its time.
    Healthy {
        /// The excluded ratio is excluded.
        cleared: bool,
    },
    /// The canary is worse.
    Regressed(Blame),
    /// The record or the limit says so alone, and nothing that serves at the same time confirms it: hold.
    Suspected,
    /// Data, but too little.
    Undecided,
    /// Nothing was heard.
    NoData(Sight),
}

/// All tests of one rollout.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Engine {
    plan: Plan,
    percent: u8,
    sampler: Sampler,
    presence: Presence,
    errors: SplitTest,
    history: Option<HistoryTest>,
    latency: Option<EdgeTest>,
    scrapes: SplitTest,
    /// Of the canary and of stable, against the absolute limit.
    limits: Option<(SloTest, SloTest)>,
    clear: ClearTest,
    instances: BTreeMap<u32, Counts>,
    endpoints: BTreeMap<u32, Pair>,
    trail: Trail,
}

impl Engine {
    /// An engine for one rollout.
    pub fn new(plan: Plan) -> Self {
        let (horizon, power) = (plan.horizon, plan.power());
        let history = plan.recorded.and_then(|recorded| history(&plan, recorded));
        let limit = |limit: crate::Finite| SloTest::new(limit.value(), horizon, power);
        let split = |metric, dispersion| {
            let test = SplitTest::new(plan.tolerance.value(), horizon, dispersion);
            match plan.ln_enough(metric) {
                Some(enough) => test.enough_at(enough),
                None => test,
            }
        };
        Self {
            percent: 0,
            sampler: Sampler::default(),
            presence: Presence::default(),
            errors: split(Metric::Errors, plan.dispersion),
            history,
            latency: plan.edges.clone().map(|edges| EdgeTest::new(edges, plan.margin.value(), horizon)),
            scrapes: split(Metric::Scrapes, Dispersion::Poisson),
            limits: plan.limit.map(|l| (limit(l), limit(l))),
            clear: ClearTest::new(plan.excluded.value()),
            instances: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            trail: Trail::default(),
            plan,
        }
    }

    /// The same tests from the beginning, at the present share. What was found before is dealt with. The promise stays:
    /// evidence that begins at a moment which only the past decides reaches the threshold as seldom as the first.
    pub fn renewed(&self) -> Self {
        let mut fresh = Self::new(self.plan.clone());
        fresh.weighed(self.percent);
        fresh
    }

    /// The canary has this share of the traffic. The first call begins the evidence.
    pub fn weighed(&mut self, percent: u8) {
        if self.percent == 0 {
            self.sampler.forget_canary();
        }
        if percent >= ASKS_RECORD && self.history.is_none() {
            let of = |drift| Recorded { counts: self.errors.totals().stable, drift };
            self.history = self.plan.own_record.and_then(|drift| history(&self.plan, of(drift)));
        }
        if self.percent != percent {
            self.errors.step();
            self.scrapes.step();
            self.clear.step();
            if let Some(history) = &mut self.history {
                history.step();
            }
            if let Some(latency) = &mut self.latency {
                latency.step();
            }
            if let Some((canary, stable)) = &mut self.limits {
                canary.step();
                stable.step();
            }
        }
        self.percent = percent;
    }

    /// Takes a reading. A refused one leaves the evidence as it was.
    pub fn observe(&mut self, reading: &Reading) -> Result<Added, Refused> {
        self.choose_edges(reading);
        let edges = self.latency.as_ref().map(|test| test.edges().clone());
        let added = self.sampler.added(reading, edges.as_ref(), self.plan.grace_ms)?;
        let heard = added.canary.scrapes.bad < added.canary.scrapes.requests;
        self.presence.scraped(reading.taken, heard);
        if self.percent > 0 && added.from < added.to {
            self.weigh(&added);
        }
        Ok(added)
    }

    /// The scrape brought nothing at all.
    pub fn silent(&mut self, now: Timestamp) {
        self.presence.scraped(now, false);
    }

    fn weigh(&mut self, added: &Added) {
        let (from, to, pair) = (added.from, added.to, added.counts());
        self.errors.observe(from, to, &pair);
        if let Some(history) = &mut self.history {
            history.observe(from, to, &pair, self.percent >= ASKS_RECORD);
        }
        if let Some(latency) = &mut self.latency {
            latency.observe(from, &added.slower());
        }
        if let Some((canary, stable)) = &mut self.limits {
            canary.observe(from, pair.canary);
            stable.observe(from, pair.stable);
        }
        self.scrapes.observe(from, to, &added.scrapes());
        self.clear.observe(&pair, self.plan.power());
        for (id, counts) in added.canary.by_instance.iter().filter(|(id, _)| *id != WHOLE) {
            if self.instances.len() < MOST_PARTS || self.instances.contains_key(id) {
                let sum = self.instances.entry(*id).or_default();
                *sum = sum.plus(*counts);
            }
        }
        self.trail.push(to, &pair, self.evidence());
    }

    /// What was added by endpoint, for blame only. Ids are the caller's; the first 64 are followed.
    pub fn endpoints(&mut self, added: &[(u32, Pair)]) {
        for (id, pair) in added {
            if self.endpoints.len() < MOST_PARTS || self.endpoints.contains_key(id) {
                let sum = self.endpoints.entry(*id).or_default();
                *sum = sum.plus(pair);
            }
        }
    }

    /// Before the canary is looked at: edges from stable's first histogram.
    fn choose_edges(&mut self, reading: &Reading) {
        if self.latency.is_some() || self.weight(Metric::Latency) <= 0.0 {
            return;
        }
        let floor = self.plan.floor_us;
        let histograms = reading.stable.iter().filter_map(|seen| seen.counters.as_ref());
        let edges = histograms.map(|counters| &counters.latency).find_map(|stable| Edges::of(stable, floor));
        self.latency = edges.map(|edges| EdgeTest::new(edges, self.plan.margin.value(), self.plan.horizon));
    }

    fn weight(&self, metric: Metric) -> f64 {
        let all = Metric::ALL.iter().zip(self.plan.weights);
        all.filter(|(one, _)| **one == metric).map(|(_, weight)| weight.value()).sum()
    }

    /// Evidence of errors: against stable, and from a quarter of the traffic on against the record. The record alone counts as a gain
    /// only when the concurrent evidence does not contradict it.
    fn error_evidence(&self, concurrent: LogE, confirmed_only: bool) -> LogE {
        let Some(history) = &self.history else {
            // What is kept for the record until there is one counts as it is.
            let kept = if self.plan.records() { Plan::RECORD_WEIGHT } else { 0.0 };
            return combined(&[(1.0 - kept, concurrent), (kept, LogE::ONE)]);
        };
        let recorded = history.evidence();
        let confirmed = self.errors.evidence().ln() >= NOT_CONTRADICTED || history.confirmed();
        let unconfirmed = confirmed_only && recorded > LogE::ONE && !confirmed;
        let recorded = if unconfirmed { LogE::ONE } else { recorded };
        combined(&[(1.0 - Plan::RECORD_WEIGHT, concurrent), (Plan::RECORD_WEIGHT, recorded)])
    }

    /// The absolute limit alone does not say whose fault it is: only what is confirmed at the same time counts.
    fn with_errors(&self, errors: LogE, scrapes: LogE, confirmed_only: bool) -> LogE {
        let latency = self.latency.as_ref().map(EdgeTest::evidence);
        let unconfirmed = confirmed_only && self.errors.evidence().ln() < NOT_CONTRADICTED;
        let limit = self.limits.as_ref().map(|(canary, _)| canary.evidence());
        let limit = limit.map(|e| if unconfirmed && e > LogE::ONE { LogE::ONE } else { e });
        let parts = [Some(errors), latency, limit, Some(scrapes)];
        let parts = parts.into_iter().zip(self.plan.weights);
        let present: Vec<(f64, LogE)> = parts.filter_map(|(e, weight)| Some((weight.value(), e?))).collect();
        combined(&present)
    }

    /// All metrics together.
    pub fn evidence(&self) -> LogE {
        self.with_errors(self.error_evidence(self.errors.deciding(), false), self.scrapes.deciding(), false)
    }

    /// All metrics together, without what was paid back of wins beyond what decides: evidence also above the threshold.
    pub(crate) fn plain(&self) -> LogE {
        self.with_errors(self.error_evidence(self.errors.evidence(), false), self.scrapes.evidence(), false)
    }

    /// All metrics together, without what only the record says.
    pub fn confirmed(&self) -> LogE {
        self.with_errors(self.error_evidence(self.errors.deciding(), true), self.scrapes.deciding(), true)
    }

    /// What is known at `now`.
    pub fn finding(&self, now: Timestamp) -> Finding {
        let sight = self.presence.sight(now, self.plan.patience);
        let threshold = self.plan.ln_threshold();
        if self.confirmed().ln() >= threshold {
            return Finding::Regressed(self.blame());
        }
        if self.evidence().ln() >= threshold {
            let incident =
                self.limits.as_ref().is_some_and(|(_, stable)| stable.evidence().ln() >= threshold);
            return if incident { Finding::Regressed(Blame::Incident) } else { Finding::Suspected };
        }
        let cleared = self.clear.evidence().ln() >= -libm::log(self.plan.beta.value());
        let enough = self.clear.totals().canary.requests >= self.plan.min_requests;
        match sight {
            Sight::Seen if cleared || enough => Finding::Healthy { cleared },
            Sight::Seen => Finding::Undecided,
            silent => Finding::NoData(silent),
        }
    }

    fn blame(&self) -> Blame {
        let (tolerance, alpha) = (self.plan.tolerance.value(), self.plan.alpha.value());
        // Blame by parts is about bad requests; when another metric leads, it is the release's.
        if !matches!(self.leading(), Some(Metric::Errors | Metric::Limit)) {
            return Blame::Release;
        }
        let instances: Vec<(u32, Counts)> = self.instances.iter().map(|(id, c)| (*id, *c)).collect();
        let stable = self.errors.totals().stable;
        if let Some(id) = blame::instance(&instances, stable, tolerance, alpha) {
            return Blame::Instance(id);
        }
        let endpoints: Vec<(u32, Pair)> = self.endpoints.iter().map(|(id, pair)| (*id, *pair)).collect();
        blame::endpoint(&endpoints, tolerance, alpha).map_or(Blame::Release, Blame::Endpoint)
    }

    /// The metric with the most weighed evidence.
    pub fn leading(&self) -> Option<Metric> {
        let weighed = Metric::ALL.iter().filter_map(|metric| {
            let weight = LogE::from_amount(self.weight(*metric));
            Some((*metric, weight.times(self.metric_evidence(*metric)?.ln())))
        });
        weighed.max_by(|a, b| a.1.ln().total_cmp(&b.1.ln())).map(|(metric, _)| metric)
    }

    /// The evidence of one metric; `None` when it is not measured.
    pub fn metric_evidence(&self, metric: Metric) -> Option<LogE> {
        match metric {
            Metric::Errors => Some(self.error_evidence(self.errors.deciding(), false)),
            Metric::Latency => self.latency.as_ref().map(EdgeTest::evidence),
            Metric::Limit => self.limits.as_ref().map(|(canary, _)| canary.evidence()),
            Metric::Scrapes => Some(self.scrapes.deciding()),
        }
    }

    /// As [`Engine::metric_evidence`], but evidence also beyond what decides: for p-values and for which metric it was.
    pub(crate) fn plain_evidence(&self, metric: Metric) -> Option<LogE> {
        match metric {
            Metric::Errors => Some(self.error_evidence(self.errors.evidence(), false)),
            Metric::Scrapes => Some(self.scrapes.evidence()),
            Metric::Latency | Metric::Limit => self.metric_evidence(metric),
        }
    }

    /// The plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The test against the record, when there is one.
    pub const fn record(&self) -> Option<&HistoryTest> {
        self.history.as_ref()
    }

    pub(crate) const fn errors(&self) -> &SplitTest {
        &self.errors
    }

    pub(crate) const fn scrapes(&self) -> &SplitTest {
        &self.scrapes
    }

    pub(crate) const fn edge_test(&self) -> Option<&EdgeTest> {
        self.latency.as_ref()
    }

    pub(crate) const fn limits(&self) -> Option<&(SloTest, SloTest)> {
        self.limits.as_ref()
    }

    pub(crate) const fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Requests of the canary in this step.
    pub const fn step_totals(&self) -> &Pair {
        self.clear.totals()
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        self.sampler.visit(v);
        self.presence.visit(v);
        self.errors.visit(v);
        self.scrapes.visit(v);
        self.trail.visit(v);
        if let Some(history) = &mut self.history {
            history.visit(v);
        }
        if let Some(latency) = &mut self.latency {
            latency.visit(v);
        }
        if let Some((canary, stable)) = &mut self.limits {
            canary.visit(v);
            stable.visit(v);
        }
    }
}
