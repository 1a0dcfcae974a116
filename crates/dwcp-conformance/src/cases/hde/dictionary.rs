//! HDE-017: a trained dictionary.

use serde_json::json;

use super::{How, case, decode_params, encode, exchanged, open};
use crate::bench::{Bench, Better};
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::stop::{CallError, Stop, ensure, fail};

pub(super) const CASES: &[Case] = &[case(
    "HDE-017",
    Level::Must,
    "Dictionary: lossless, \u{2265} 10 % smaller on 1 KiB records, unknown id -> error",
    "RFC 8878 dictionaries",
    dictionary,
)];

fn dictionary(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut rng = bench.rng("records");
    let mut record = || Payload::of(Gen::Json, rng.next_u64(), 1_024);
    let samples: Vec<_> = (0..200).map(|_| record().recipe()).collect();
    let fresh: Vec<Payload> = (0..bench.amount(100, 40)).map(|_| record()).collect();
    let trained = bench.call("hde.train", json!({"samples": samples}))?;
    let dictionaries = json!({"dictionaries": [trained["b64"]]});
    let with = (open(bench, "sender", dictionaries.clone())?, open(bench, "receiver", dictionaries)?);
    let without = open(bench, "sender", json!({}))?;
    let stranger = open(bench, "receiver", json!({}))?;
    let (mut longer, mut shorter, mut used) = (0, 0, 0_u32);
    for (at, payload) in fresh.iter().enumerate() {
        // Under keys of their own, so that no delta helps.
        let key = at.to_string();
        longer += encode(bench, without, &key, How::Tier(2), payload)?.len;
        let what = "a record under a dictionary decodes to what was sent";
        let frame = exchanged(bench, with, &key, How::Tier(2), payload, what)?;
        shorter += frame.len;
        match bench.call("hde.decode", decode_params(stranger, &frame.bytes)) {
            Err(CallError::Refused { .. }) => used += 1,
            Err(broken) => return Err(broken.into()),
            // A record for which the dictionary was of no use.
            Ok(answer) if answer["sha256"] == payload.sha256() => {}
            Ok(_) => return Err(fail("a frame under an unknown dictionary is an error", "other bytes")),
        }
    }
    let saved = 1.0 - shorter as f64 / longer.max(1) as f64;
    bench.measure("saved by a dictionary on 1 KiB records", 100.0 * saved, "%", Better::Higher);
    ensure(saved >= 0.1, "a dictionary makes 1 KiB records at least 10 % smaller", || {
        format!("{shorter} bytes with, {longer} without")
    })?;
    ensure(used > 0, "a frame under an unknown dictionary is an error", || {
        "no frame needs the dictionary".to_owned()
    })
}
