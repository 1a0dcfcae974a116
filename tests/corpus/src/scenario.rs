//! Scenarios: what is the matter in a rollout. Each has a name, its truth and a few numbers.

use crate::trace::Truth;

/// How requests of the canary are slower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slow {
    /// All of them by this factor.
    Shift(f64),
    /// Only the slowest tenth by this factor.
    Tail(f64),
    /// One in twenty by four times this factor.
    Bimodal(f64),
}

/// How scrapes go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scraping {
    /// They do not.
    Clean,
    /// One in five of an instance is lost.
    Lost,
    /// One in ten of an instance is NaN.
    Nan,
    /// The clock jumps: some scrapes carry an old time.
    Skewed,
    /// Instances start again at random, about every ten minutes.
    Resets,
}

/// What is the matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Requests a second of both arms together.
    pub traffic: f64,
    /// Error rate of a healthy instance.
    pub base: f64,
    /// Error rate of the canary after the change, as a multiple.
    pub factor: f64,
    /// When things change, in seconds.
    pub onset_s: u64,
    /// Between two scrapes, in seconds.
    pub scrape_s: u64,
    /// Instances of each arm.
    pub pods: u32,
    /// Variance by mean of errors per instance and minute.
    pub phi: f64,
    /// Highest by lowest error rate of a day.
    pub swing: f64,
    /// Error rate of both arms after the change, as a multiple.
    pub incident: f64,
    /// Standard deviation of the logarithm of an instance's error rate.
    pub uneven: f64,
    /// The only instance of the canary that is bad.
    pub bad_pod: Option<u32>,
    /// The only endpoint of the canary that is bad, of so many.
    pub endpoints: Option<(u32, u32)>,
    /// On and off each minute.
    pub flapping: bool,
    /// Durations are measured, and this is how the canary's are slower.
    pub latency: Option<Slow>,
    /// The first minute of the canary is twice as slow.
    pub cold: bool,
    /// How scrapes go wrong.
    pub scraping: Scraping,
    /// What a rule should end with.
    pub truth: Truth,
}

/// The steps of a rollout: from this second on, this share. Of the last, a twentieth stays on stable.
pub const STEPS: [(u64, u8); 4] = [(0, 5), (300, 25), (600, 50), (900, 95)];
/// Length of a rollout in seconds.
pub const LENGTH_S: u64 = 1_800;

/// When a defect may begin, by name.
pub const ONSETS: [(&str, u64); 4] = [("start", 0), ("step", 300), ("mid-step", 450), ("bake", 1_200)];
/// Requests a second.
pub const TRAFFIC: [f64; 4] = [1.0, 10.0, 100.0, 1_000.0];
/// Healthy error rates.
pub const BASES: [f64; 3] = [0.0001, 0.001, 0.01];
/// Multiples; 1 is the null.
pub const FACTORS: [f64; 7] = [1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 50.0];

impl Scenario {
    /// Nothing is the matter.
    pub fn healthy(traffic: f64, base: f64) -> Self {
        Self {
            name: format!("healthy {traffic}/s {}%", base * 100.0),
            traffic,
            base,
            factor: 1.0,
            onset_s: 0,
            scrape_s: 15,
            pods: 1,
            phi: 1.0,
            swing: 1.0,
            incident: 1.0,
            uneven: 0.0,
            bad_pod: None,
            endpoints: None,
            flapping: false,
            latency: None,
            cold: false,
            scraping: Scraping::Clean,
            truth: Truth::Healthy,
        }
    }

    /// The same under another name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The canary's error rate is multiplied.
    pub fn worse(self, factor: f64, onset_s: u64) -> Self {
        let truth = if factor > 1.0 { Truth::Regressed } else { Truth::Healthy };
        let name = format!("{}/s {}% x{factor} at {onset_s}s", self.traffic, self.base * 100.0);
        Self { factor, onset_s, truth, ..self }.named(name)
    }

    /// The canary is slower.
    pub fn slower(self, slow: Slow, onset_s: u64) -> Self {
        let (Slow::Shift(factor) | Slow::Tail(factor) | Slow::Bimodal(factor)) = slow;
        let truth = if factor > 1.0 { Truth::Regressed } else { Truth::Healthy };
        let name = format!("{}/s latency {slow:?}", self.traffic);
        Self { latency: Some(slow), onset_s, truth, ..self }.named(name)
    }

    /// The canary's share at a second of the rollout.
    pub fn percent(second: u64) -> u8 {
        STEPS.iter().rev().find(|(from, _)| second >= *from).map_or(0, |(_, percent)| *percent)
    }
}

/// Every null of the corpus on counts: none may go back.
pub fn count_nulls() -> Vec<Scenario> {
    let mut all: Vec<Scenario> =
        TRAFFIC.iter().flat_map(|t| BASES.iter().map(|b| Scenario::healthy(*t, *b))).collect();
    let healthy = || Scenario::healthy(100.0, 0.001);
    for phi in [1.0, 2.0, 5.0, 13.0] {
        all.push(Scenario { phi, pods: 10, ..healthy() }.named(format!("bursts phi {phi}")));
    }
    all.push(Scenario { swing: 2.5, ..healthy() }.named("diurnal, swing 2.5"));
    let incident = Scenario { incident: 30.0, truth: Truth::Incident, ..healthy() };
    for (name, onset_s) in [("ramp", 450), ("bake", 1_200)] {
        all.push(Scenario { onset_s, ..incident.clone() }.named(format!("shared incident, {name}")));
    }
    all.push(Scenario { uneven: 0.2, pods: 10, ..healthy() }.named("uneven instances, 20 %"));
    let odd = [
        ("counter resets", Scraping::Resets),
        ("20 % lost scrapes", Scraping::Lost),
        ("NaN", Scraping::Nan),
        ("clock skew", Scraping::Skewed),
    ];
    for (name, scraping) in odd {
        all.push(Scenario { scraping, pods: 5, ..healthy() }.named(name));
    }
    let bad_pod = Scenario { factor: 50.0, bad_pod: Some(7), pods: 20, truth: Truth::Instance, ..healthy() };
    all.push(Scenario { onset_s: 300, ..bad_pod }.named("one bad instance of twenty"));
    all.push(healthy().worse(0.2, 300).named("improvement"));
    all
}

/// Every null of the corpus on durations.
pub fn latency_nulls() -> Vec<Scenario> {
    let healthy =
        |traffic| Scenario { latency: Some(Slow::Shift(1.0)), pods: 8, ..Scenario::healthy(traffic, 0.001) };
    let mut all: Vec<Scenario> = [10.0, 100.0, 1_000.0]
        .into_iter()
        .map(|traffic| healthy(traffic).named(format!("latency noise, {traffic}/s")))
        .collect();
    all.push(Scenario { cold: true, ..healthy(100.0) }.named("cold start"));
    all
}

/// Scenarios beside the grid in which the release is at fault.
pub fn odd_faults() -> Vec<Scenario> {
    let healthy = || Scenario::healthy(100.0, 0.001);
    let worse = |factor| healthy().worse(factor, 150);
    vec![
        Scenario { flapping: true, ..worse(10.0) }.named("flapping x10"),
        Scenario { phi: 5.0, pods: 10, ..worse(10.0) }.named("bursts phi 5, x10"),
        Scenario { phi: 13.0, pods: 10, ..worse(10.0) }.named("bursts phi 13, x10"),
        Scenario { swing: 2.5, ..worse(10.0) }.named("diurnal, x10"),
        Scenario { endpoints: Some((31, 50)), ..worse(500.0) }.named("one endpoint of fifty x500"),
        worse(11.0).named("1 % of the users fail"),
        Scenario { scraping: Scraping::Lost, pods: 5, ..worse(10.0) }.named("20 % lost, x10"),
        Scenario { scraping: Scraping::Resets, pods: 5, ..worse(10.0) }.named("resets, x10"),
    ]
}
