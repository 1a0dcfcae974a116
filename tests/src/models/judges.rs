//! Two judges for the composed model: one that may answer anything, and the literal rules over two samples.
//!
//! A sample of the model carries a code instead of counters; each judge knows what it means.

use health::{
    Arm, Breach, ErrorRate, Finite, Instance, Judge, Latency, Literal, RuleName, Rules, Sample, Shown,
    Verdict,
};
use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

/// What a look at the counters says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Enough requests, no errors.
    Good,
    /// Too few requests.
    Few,
    /// A rule holds that leads back at once.
    Bad,
    /// A rule holds about which a person is asked.
    Slow,
    /// The counters could not be read.
    None,
}

const CODES: [Code; 4] = [Code::Good, Code::Few, Code::Bad, Code::Slow];

/// The sample that says this.
pub fn sample(code: Code, taken: Timestamp) -> Option<Sample> {
    let slot = CODES.iter().position(|of| *of == code)? as u32;
    let new = Arm { instances: vec![Instance { slot, ..Instance::default() }], ..Arm::default() };
    Some(Sample { taken, new, stable: None })
}

/// What a sample says.
pub fn code_of(sample: Option<&Sample>) -> Code {
    let slot = sample.and_then(|sample| sample.new.instances.first()).map(|instance| instance.slot);
    slot.and_then(|slot| CODES.get(slot as usize).copied()).unwrap_or(Code::None)
}

/// Says whatever the sample's code says, and remembers nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AnyJudge;

impl Judge for AnyJudge {
    fn weighed(&mut self, _at: Timestamp, _percent: u8) {}

    fn judge(&mut self, _now: Timestamp, sample: Option<&Sample>) -> Verdict {
        let breach = |rule| {
            let (observed, limit) = (Finite::default(), Finite::default());
            let since = sample.map_or(Timestamp::ZERO, |sample| sample.taken);
            Verdict::Regressed(vec![Breach {
                rule,
                observed,
                limit,
                since,
                slot: None,
                text: "seen".to_owned(),
            }])
        };
        match code_of(sample) {
            Code::Good => Verdict::Healthy,
            Code::Few => Verdict::Undecided,
            Code::Bad => breach(RuleName::ErrorRate),
            Code::Slow => breach(RuleName::ResponseTime),
            Code::None => Verdict::NoData,
        }
    }

    fn shown(&self) -> Shown {
        Shown::default()
    }

    fn visit(&mut self, _v: &mut dyn Visit) {}
}

/// The literal rules over the newest two samples: the one before is where counting begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TwoSamples {
    before: Option<Timestamp>,
}

fn rules() -> Rules {
    let error_rate = ErrorRate { over_ppm: 10_000, window_ms: 1_000, min_requests: 200, min_errors: 4 };
    Rules { error_rate: Some(error_rate), min_requests: 1, ..Rules::none() }
}

/// Counters after the span that the code stands for.
fn counted(code: Code) -> Arm {
    let (requests, server_errors) = match code {
        Code::Good => (300, 3),
        Code::Bad => (300, 4),
        Code::Few | Code::Slow | Code::None => (0, 0),
    };
    Arm { requests, server_errors, failures: 0, latency: Latency::default(), instances: vec![] }
}

impl Judge for TwoSamples {
    fn weighed(&mut self, _at: Timestamp, _percent: u8) {}

    fn judge(&mut self, now: Timestamp, sample: Option<&Sample>) -> Verdict {
        let mut literal = Literal::new(rules());
        let Some(newest) = sample else { return literal.judge(now, None) };
        if let Some(taken) = self.before {
            literal.judge(now, Some(&Sample { taken, new: Arm::default(), stable: None }));
        }
        self.before = Some(newest.taken);
        let new = counted(code_of(sample));
        literal.judge(now, Some(&Sample { taken: newest.taken, new, stable: None }))
    }

    fn shown(&self) -> Shown {
        Shown::default()
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        self.before.iter_mut().for_each(|at| v.time(at));
    }
}
