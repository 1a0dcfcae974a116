//! From a scenario and a seed to scrapes, one after the other.
//!
//! Durations are log-normal with a median of 50 ms and a standard deviation of 0.5 of the logarithm; the load shakes
//! both arms by 10 % (shared, correlated), and instances differ by 3 %.

use health::sequential::Counts;

use crate::random::Random;
use crate::scenario::{LENGTH_S, Scenario, Scraping, Slow};
use crate::trace::{Answer, Endpoint, Header, Pod, Scrape, Trace};

const MEDIAN_US: f64 = 50_000.0;
const SIGMA: f64 = 0.5;
const LOAD_NOISE: f64 = 0.1;
const POD_NOISE: f64 = 0.03;
const RECORD_S: f64 = 6.0 * 3_600.0;
const BOUNDS: usize = 20;

/// Upper bounds in microseconds: from 5 ms, each 1.4 times the one before.
pub fn bounds_us() -> Vec<u64> {
    let mut bound = 5_000.0;
    (0..BOUNDS)
        .map(|_| {
            let at = bound as u64;
            bound *= 1.4;
            at
        })
        .collect()
}

/// Makes the scrapes of one rollout.
pub struct Generator<'a> {
    scenario: &'a Scenario,
    random: Random,
    header: Header,
    pods: Vec<Pod>,
    /// Of each pod: its error rate as a multiple, and its pace.
    nature: Vec<(f64, f64)>,
    /// Of each pod, the minute's rate as a multiple.
    minute: Vec<f64>,
    endpoints: Vec<Endpoint>,
    load: f64,
    phase: f64,
    second: u64,
}

impl<'a> Generator<'a> {
    /// The rollout of a seed.
    pub fn new(scenario: &'a Scenario, seed: u64) -> Self {
        let purpose =
            scenario.name.bytes().fold(0, |sum: u64, b| sum.wrapping_mul(131).wrapping_add(b.into()));
        let mut random = Random::new(seed, purpose);
        let phase = random.unit();
        let pods: Vec<Pod> = [true, false]
            .into_iter()
            .flat_map(|canary| (0..scenario.pods).map(move |pod| (canary, pod)))
            .map(|(canary, pod)| Pod {
                canary,
                pod,
                started_ms: if canary && scenario.cold { 0 } else { -3_600_000 },
                buckets: if scenario.latency.is_some() { vec![0; BOUNDS + 1] } else { vec![] },
                ..Pod::default()
            })
            .collect();
        let nature = pods
            .iter()
            .map(|_| (libm::exp(scenario.uneven * random.normal()), libm::exp(POD_NOISE * random.normal())))
            .collect();
        let endpoints = scenario.endpoints.map_or(0, |(_, all)| all);
        let endpoint = |endpoint| Endpoint { endpoint, canary: Counts::default(), stable: Counts::default() };
        let mut generator = Self {
            scenario,
            header: Header {
                seed,
                scenario: scenario.name.clone(),
                change_ms: scenario.onset_s * 1_000,
                canary_rate: scenario.base * scenario.factor,
                stable_rate: scenario.base,
                truth: scenario.truth,
                scrapes: (LENGTH_S / scenario.scrape_s) as u32,
                scrape_ms: scenario.scrape_s * 1_000,
                recorded: Counts::default(),
                minutes: vec![],
                bounds_us: if scenario.latency.is_some() { bounds_us() } else { vec![] },
                recorded_buckets: vec![],
            },
            minute: vec![1.0; pods.len()],
            nature,
            pods,
            endpoints: (0..endpoints).map(endpoint).collect(),
            load: 0.0,
            phase,
            second: 0,
            random,
        };
        generator.record();
        generator
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What stable did before.
    fn record(&mut self) {
        let s = self.scenario;
        let requests = self.random.poisson(s.traffic * RECORD_S);
        // Six hours of a day: the mean of the swing over them.
        let mean = (1..=24).map(|n| self.swing(-RECORD_S * f64::from(n) / 24.0)).sum::<f64>() / 24.0;
        let bad = self.random.poisson(requests as f64 * s.base * mean);
        self.header.recorded = Counts { requests, bad: bad.min(requests) };
        if s.pods > 1 {
            let per_pod = s.traffic * 60.0 / f64::from(s.pods);
            for _ in 0..360 {
                let minute: Vec<Counts> = (0..s.pods as usize)
                    .map(|pod| {
                        let mean = per_pod * s.base;
                        let drawn = self.drawn(mean);
                        let uneven = self.nature.get(s.pods as usize + pod).map_or(1.0, |n| n.0);
                        let requests = self.random.poisson(per_pod);
                        let bad = self.random.poisson(mean * drawn * uneven).min(requests);
                        Counts { requests, bad }
                    })
                    .collect();
                self.header.minutes.push(minute);
            }
        }
        if s.latency.is_some() {
            let mut pod = vec![0; BOUNDS + 1];
            self.time(&mut pod, 100_000, 1.0, None);
            self.header.recorded_buckets = pod;
        }
    }

    /// The rate of a minute as a multiple of its mean, when the mean is this many errors.
    fn drawn(&mut self, mean: f64) -> f64 {
        if self.scenario.phi <= 1.0 || mean <= 0.0 {
            return 1.0;
        }
        let shape = mean / (self.scenario.phi - 1.0);
        self.random.gamma(shape) / shape
    }

    fn swing(&self, second: f64) -> f64 {
        if self.scenario.swing <= 1.0 {
            return 1.0;
        }
        let wave = libm::sin(std::f64::consts::TAU * (self.phase + second / 86_400.0));
        libm::exp(0.5 * libm::log(self.scenario.swing) * wave)
    }

    fn error_rate(&self, canary: bool, pod: usize, number: u32) -> f64 {
        let s = self.scenario;
        let changed = self.second >= s.onset_s;
        let on = !s.flapping || (self.second.saturating_sub(s.onset_s) / 60).is_multiple_of(2);
        let mine =
            canary && changed && on && s.endpoints.is_none() && s.bad_pod.is_none_or(|bad| bad == number);
        let own = if mine { s.factor } else { 1.0 };
        let shared = if changed { s.incident } else { 1.0 };
        let nature = self.nature.get(pod).map_or(1.0, |n| n.0) * self.minute.get(pod).copied().unwrap_or(1.0);
        (s.base * own * shared * nature * self.swing(self.second as f64)).min(0.95)
    }

    /// Adds the durations of `requests` to cumulative buckets.
    fn time(&mut self, buckets: &mut [u64], requests: u64, pace: f64, slow: Option<Slow>) {
        let (mut left, mut below, mut counted) = (requests, 0.0, 0);
        let mut bound = 5_000.0;
        for bucket in buckets.iter_mut().take(BOUNDS) {
            let share = share_below(f64::floor(bound) / pace, slow);
            let part = if below < 1.0 { ((share - below) / (1.0 - below)).clamp(0.0, 1.0) } else { 0.0 };
            let here = self.random.binomial(left, part);
            (left, counted, below) = (left - here, counted + here, share);
            *bucket += counted;
            bound *= 1.4;
        }
        if let Some(last) = buckets.last_mut() {
            *last += requests;
        }
    }

    fn advance(&mut self) {
        let s = self.scenario;
        let canary_share = f64::from(Scenario::percent(self.second)) / 100.0;
        let seconds = s.scrape_s as f64;
        self.load = 0.8 * self.load + 0.6 * self.random.normal() * LOAD_NOISE;
        if self.second.is_multiple_of(60) && s.phi > 1.0 {
            for at in 0..self.pods.len() {
                let share = if self.pods[at].canary { canary_share } else { 1.0 - canary_share };
                let mean = s.traffic * share * 60.0 / f64::from(s.pods) * s.base;
                self.minute[at] = self.drawn(mean);
            }
        }
        for at in 0..self.pods.len() {
            let (canary, number) = (self.pods[at].canary, self.pods[at].pod);
            let share = if canary { canary_share } else { 1.0 - canary_share };
            let requests = self.random.poisson(s.traffic * share * seconds / f64::from(s.pods));
            let errors = self.random.binomial(requests, self.error_rate(canary, at, number));
            self.pods[at].requests += requests;
            self.pods[at].errors += errors;
            if s.latency.is_some() {
                let cold = if s.cold && canary && self.second < 60 { 2.0 } else { 1.0 };
                let pace = libm::exp(self.load) * self.nature[at].1 * cold;
                let slow = s.latency.filter(|_| canary && self.second >= s.onset_s);
                let mut buckets = std::mem::take(&mut self.pods[at].buckets);
                self.time(&mut buckets, requests, pace, slow);
                self.pods[at].buckets = buckets;
            }
            self.spread(canary, requests);
        }
        self.second += s.scrape_s;
    }

    /// Shares the requests among the endpoints; only there do errors depend on the endpoint.
    fn spread(&mut self, canary: bool, requests: u64) {
        let Some((bad_one, all)) = self.scenario.endpoints else { return };
        let changed = self.second >= self.scenario.onset_s;
        let mut left = requests;
        let mut more = 0;
        for at in 0..self.endpoints.len() {
            let here = self.random.binomial(left, 1.0 / f64::from(all - at as u32));
            left -= here;
            let bad_here = canary && changed && at as u32 == bad_one;
            let rate = (self.scenario.base * if bad_here { self.scenario.factor } else { 1.0 }).min(0.95);
            let bad = self.random.binomial(here, rate);
            if bad_here {
                more += bad;
            }
            let endpoint = &mut self.endpoints[at];
            let arm = if canary { &mut endpoint.canary } else { &mut endpoint.stable };
            *arm = arm.plus(Counts { requests: here, bad });
        }
        if let Some(pod) = self.pods.iter_mut().find(|pod| pod.canary == canary) {
            pod.errors = (pod.errors + more).min(pod.requests);
        }
    }

    /// What the scraper sees of it.
    fn seen(&mut self) -> Scrape {
        let mut at_ms = self.second * 1_000;
        let mut pods = self.pods.clone();
        match self.scenario.scraping {
            Scraping::Lost => self.spoil(&mut pods, 0.2, Answer::Lost),
            Scraping::Nan => self.spoil(&mut pods, 0.1, Answer::Nan),
            Scraping::Skewed if self.random.unit() < 0.1 => at_ms = at_ms.saturating_sub(40_000),
            Scraping::Clean | Scraping::Skewed => {}
            Scraping::Resets => self.reset(),
        }
        Scrape { at_ms, percent: Scenario::percent(self.second), pods, endpoints: self.endpoints.clone() }
    }

    fn spoil(&mut self, pods: &mut [Pod], share: f64, answer: Answer) {
        for pod in pods {
            if self.random.unit() < share {
                *pod = Pod { canary: pod.canary, pod: pod.pod, answer, ..Pod::default() };
            }
        }
    }

    /// After this scrape some instances start again.
    fn reset(&mut self) {
        let chance = self.scenario.scrape_s as f64 / 600.0;
        let now = (self.second * 1_000).cast_signed();
        for pod in &mut self.pods {
            if self.random.unit() < chance {
                (pod.requests, pod.errors, pod.started_ms) = (0, 0, now);
                pod.buckets.iter_mut().for_each(|bucket| *bucket = 0);
            }
        }
    }

    /// The whole rollout.
    pub fn trace(scenario: &'a Scenario, seed: u64) -> Trace {
        let mut generator = Self::new(scenario, seed);
        let header = generator.header().clone();
        Trace { scrapes: generator.by_ref().collect(), header }
    }
}

impl Iterator for Generator<'_> {
    type Item = Scrape;

    /// The first scrape is at second 0, before any request; the others each after one interval.
    fn next(&mut self) -> Option<Scrape> {
        if self.second == 0 && self.load == 0.0 {
            self.load = LOAD_NOISE * self.random.normal();
            return Some(self.seen());
        }
        if self.second >= LENGTH_S {
            return None;
        }
        self.advance();
        Some(self.seen())
    }
}

/// The share of requests faster than `us`.
fn share_below(us: f64, slow: Option<Slow>) -> f64 {
    let plain = |us: f64| 0.5 * libm::erfc(-(libm::log(us / MEDIAN_US) / SIGMA) / std::f64::consts::SQRT_2);
    match slow {
        Some(Slow::Shift(factor)) => plain(us / factor),
        // The slowest tenth begins at 1.28 deviations; it is stretched from there on.
        Some(Slow::Tail(factor)) => {
            let start = MEDIAN_US * libm::exp(1.281_551_565_5 * SIGMA);
            if us <= start { plain(us) } else { plain((us / factor).max(start)) }
        }
        Some(Slow::Bimodal(factor)) if factor > 1.0 => 0.95 * plain(us) + 0.05 * plain(us / (4.0 * factor)),
        None | Some(Slow::Bimodal(_)) => plain(us),
    }
}
