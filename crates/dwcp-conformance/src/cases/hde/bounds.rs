//! HDE-018: what a decoder takes at most.

use serde_json::json;

use super::{How, W4, case, decode_params, exchanged, open, pair};
use crate::bench::{Bench, Better};
use crate::fields::Fields;
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::stop::{CallError, Stop, ensure, fail};

pub(super) const CASES: &[Case] = &[case(
    "HDE-018",
    Level::Must,
    "Decoder refuses output beyond declared size/limit; baselines stay under the cap",
    "decompression bomb",
    bounds,
)];

/// What a bomb unpacks to, and how much more memory refusing it may take.
const BOMB: usize = 192 << 20;
const EXTRA_KIB: u64 = 64 << 10;
/// Bytes of each state that goes into the baselines.
const EACH: u64 = 512 << 10;

fn bounds(bench: &mut Bench<'_>) -> Result<(), Stop> {
    capped(bench)?;
    bench.needs("hde", "w4")?;
    let receiver = open(bench, "receiver", json!({}))?;
    let bomb = zstd::bulk::compress(&vec![0; BOMB], 3)
        .map_err(|error| fail("the harness can make a bomb", error.to_string()))?;
    let before = bench.peak_kib();
    for original in [1_000, BOMB as u32 / 2, BOMB as u32, u32::MAX] {
        let header =
            W4 { version: 3, delta: 0, algorithm: 2, mode: 1, original, compressed: bomb.len() as u32 };
        let params = decode_params(receiver, &header.serialise(&bomb));
        match bench.call("hde.decode", params) {
            Err(CallError::Refused { .. }) => {}
            Err(broken) => return Err(broken.into()),
            Ok(_) => {
                return Err(fail(
                    "a frame that unpacks to more than it announces is refused",
                    format!("{original} announced"),
                ));
            }
        }
    }
    if let (Some(before), Some(after)) = (before, bench.peak_kib()) {
        bench.measure("memory to refuse a bomb", (after - before) as f64 / 1_024.0, "MiB", Better::Lower);
        ensure(after - before <= EXTRA_KIB, "refusing a bomb takes at most 64 MiB of memory", || {
            format!("{} MiB for one of {} MiB", (after - before) >> 10, BOMB >> 20)
        })?;
    }
    Ok(())
}

/// Many keys; the baselines of both sides stay under the declared cap.
fn capped(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let Some(cap) = bench.hello().number("hde.baseline_cap") else {
        return Err(fail("limits.hde.baseline_cap is declared", "it is not"));
    };
    let contexts = pair(bench)?;
    let keys = (cap / EACH as f64) as u64 + 4;
    for n in 0..keys.min(200) {
        let payload = Payload::of(Gen::VmPage, n, EACH);
        exchanged(bench, contexts, &n.to_string(), How::Tier(1), &payload, "a first frame decodes")?;
    }
    for ctx in [contexts.0, contexts.1] {
        let stats = bench.call("hde.stats", json!({"ctx": ctx}))?;
        let held = stats.real("baseline_bytes")?;
        ensure(held <= cap, "baselines stay under the declared cap", || format!("{held} bytes over {cap}"))?;
    }
    Ok(())
}
