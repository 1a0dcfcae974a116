//! What is recorded: fifty rollouts, with and without a fault.

use delivery_corpus::trace::Truth;

/// A fault of the example service: its name, its strength, and the second of the rollout at which it begins.
pub type Fault = (&'static str, f64, u64);

/// One rollout.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with the canary.
    pub canary: Option<Fault>,
    /// What is wrong with stable.
    pub stable: Option<Fault>,
    /// What a rule should end with.
    pub truth: Truth,
}

impl Kind {
    fn new(name: &'static str, canary: Option<Fault>, stable: Option<Fault>, truth: Truth) -> Self {
        Self { name, canary, stable, truth }
    }

    /// When it begins, in seconds of the rollout.
    pub fn onset_s(&self) -> u64 {
        self.canary.or(self.stable).map_or(0, |fault| fault.2)
    }
}

/// All fifty.
pub fn kinds() -> Vec<Kind> {
    let bad = |name, fault| Kind::new(name, Some(fault), None, Truth::Regressed);
    let both = |fault| Kind::new("incident", Some(fault), Some(fault), Truth::Incident);
    let groups = [
        (16, Kind::new("healthy", None, None, Truth::Healthy)),
        (5, bad("errors-20", ("errors", 0.2, 0))),
        (5, bad("errors-5", ("errors", 0.05, 20))),
        (4, bad("errors-2", ("errors", 0.02, 0))),
        (5, bad("latency-300", ("latency", 300.0, 0))),
        (5, bad("latency-50", ("latency", 50.0, 20))),
        (5, bad("crash", ("crash", 1.0, 20))),
        (5, both(("errors", 0.1, 40))),
    ];
    // Spread over the batches, so that a busy minute of the machine does not strike one kind alone.
    let most = groups.iter().map(|(count, _)| *count).max().unwrap_or(0);
    (0..most)
        .flat_map(|n| groups.iter().filter(move |(count, _)| n < *count).map(|(_, kind)| kind.clone()))
        .collect()
}
