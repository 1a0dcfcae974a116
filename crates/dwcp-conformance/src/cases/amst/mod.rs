//! Cases of the Adaptive Multi-Stream Transport: in one process, and on the wire with the harness as the TCP peer.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::fields::Fields;
use crate::payload::Payload;
use crate::requirement::{Case, Check, Level, Profile, Requirement};
use crate::stop::{Stop, ensure};

mod adaptation;
mod completion;
mod faults;
mod gather;
mod hostile;
mod integrity;
mod performance;
mod planning;
mod scatter;

/// All of them.
pub fn cases() -> Vec<Case> {
    [
        integrity::CASES,
        completion::CASES,
        faults::CASES,
        adaptation::CASES,
        planning::CASES,
        hostile::CASES,
        performance::CASES,
    ]
    .concat()
}

/// A requirement that no clock decides.
const fn case(
    id: &'static str,
    level: Level,
    sentence: &'static str,
    source: &'static str,
    check: Check,
) -> Case {
    let requirement = Requirement {
        id,
        level,
        when: "",
        profile: Profile::Amst,
        sentence,
        source,
        error_probability: 0.0,
        attempts: 1,
    };
    Case { requirement, check }
}

/// A requirement on real time: a busy machine can only make it worse, so the best of three counts.
const fn timed(
    id: &'static str,
    level: Level,
    sentence: &'static str,
    source: &'static str,
    check: Check,
) -> Case {
    let mut case = case(id, level, sentence, source, check);
    case.requirement.attempts = 3;
    case
}

/// The answer says this content.
fn same(answer: &Value, payload: &Payload, what: &str) -> Result<(), Stop> {
    let (len, digest) = (payload.len(), payload.sha256());
    ensure(answer["len"] == len && answer["sha256"] == digest.as_str(), what, || {
        format!("{} bytes with {} for {len} bytes with {digest}", answer["len"], answer["sha256"])
    })
}

/// A connection set to the harness, which listens; gives its handle.
fn dial(bench: &mut Bench<'_>, mut params: Value) -> Result<u64, Stop> {
    bench.needs("amst", "wire")?;
    bench.needs("amst", "w1")?;
    let address = bench.wire().listen()?;
    params["addr"] = json!(address);
    params["framing"] = json!("w1");
    let dialled = bench.call("amst.dial", params)?;
    dialled.whole("handle")
}
