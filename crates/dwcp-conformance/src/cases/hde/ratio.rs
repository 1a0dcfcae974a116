//! HDE-019: the ratio that is reported.

use serde_json::json;

use super::{EVERY, case, encode, open};
use crate::bench::Bench;
use crate::fields::Fields;
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::stop::{Stop, ensure};

pub(super) const CASES: &[Case] = &[case(
    "HDE-019",
    Level::Must,
    "Ratio = original/compressed, \u{2265} 0; equals harness's own count \u{b1}0.1 %",
    "design l.700",
    counted,
)];

fn counted(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(8, 4) {
        let mut rng = bench.begin_round(round);
        let sender = open(bench, "sender", json!({}))?;
        let (mut original, mut compressed) = (0, 0);
        for n in 0..30 {
            let len = 1 + rng.below(3_000);
            let payload = Payload::of(Gen::ALL[rng.index(6)], rng.next_u64(), len);
            let frame = encode(bench, sender, &(n % 7).to_string(), EVERY[rng.index(6)], &payload)?;
            original += len;
            compressed += frame.len;
        }
        let stats = bench.call("hde.stats", json!({"ctx": sender}))?;
        let (told, counted) = (stats.real("ratio")?, original as f64 / compressed as f64);
        ensure(told >= 0.0, "the ratio is a number that is not negative", || stats["ratio"].to_string())?;
        ensure(
            (told / counted - 1.0).abs() <= 0.001,
            "the ratio is what the harness counts, within 0.1 %",
            || format!("{told} for {counted}: {original} bytes in {compressed}"),
        )?;
    }
    Ok(())
}
