//! HDE-015, 016: which algorithm is chosen.

use serde_json::json;

use super::{How, MODES, case, encode, exchanged, open, pair};
use crate::bench::{Bench, Better};
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::stop::{Stop, ensure};

pub(super) const CASES: &[Case] = &[
    case(
        "HDE-015",
        Level::Should,
        "HDE mode table (above) respected at 1 KiB, 100 KiB, 1 MiB boundaries",
        "dwcp/v3/encoding/ml_compression_selector.go",
        table,
    ),
    case(
        "HDE-016",
        Level::Must,
        "Choice looks at the whole input: 256 random bytes + 1 MiB text must shrink \u{2265} 3x; and a run of incompressible \
         inputs must not switch compression off for good",
        "-",
        whole_input,
    ),
];

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// Any that is zstd.
const ZSTD: &[&str] = &["zstd", "zstd-max"];
const MAX: &[&str] = &["zstd-max"];
const NONE: &[&str] = &["none"];
const SOME: &[&str] = &["lz4", "zstd", "zstd-max", "brotli"];

/// Bytes that are no text and do not repeat, and shrink to about half: each has one of 16 values from 128 up.
fn binary(seed: u64, len: u64) -> Payload {
    let mut bytes = Payload::of(Gen::Random, seed, len).bytes();
    for byte in &mut bytes {
        *byte = 0x80 | (*byte & 0x0f) << 3;
    }
    Payload::Bytes(bytes)
}

fn table(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let seed = bench.seed();
    let of = |content, len| Payload::of(content, seed, len);
    let rows: Vec<(&'static str, Payload, &[&str])> = vec![
        ("datacenter", of(Gen::Text, KIB - 1), NONE),
        ("datacenter", of(Gen::Text, KIB), &["lz4"]),
        ("datacenter", of(Gen::Text, 100 * KIB - 1), &["lz4"]),
        ("datacenter", of(Gen::VmPage, 100 * KIB - 1), &["lz4"]),
        ("datacenter", of(Gen::Text, 100 * KIB), ZSTD),
        ("datacenter", of(Gen::VmPage, 100 * KIB), ZSTD),
        ("datacenter", of(Gen::Text, MIB + 1), ZSTD),
        ("datacenter", of(Gen::Random, 50 * KIB), NONE),
        ("internet", of(Gen::Text, KIB - 1), NONE),
        ("internet", of(Gen::Text, KIB), MAX),
        ("internet", of(Gen::Text, 100 * KIB), MAX),
        ("internet", of(Gen::Zeros, 100 * KIB), MAX),
        ("internet", binary(seed, 90 * KIB), &["zstd"]),
        ("internet", binary(seed, 600 * KIB), &["zstd"]),
        ("internet", of(Gen::VmPage, MIB), ZSTD),
        ("internet", of(Gen::VmPage, MIB + 1), MAX),
        ("internet", of(Gen::Random, MIB + 1), NONE),
        ("hybrid", of(Gen::Text, KIB - 1), NONE),
        ("hybrid", of(Gen::Text, 100 * KIB), SOME),
        ("hybrid", of(Gen::Random, 100 * KIB), NONE),
    ];
    for (at, (mode, payload, allowed)) in rows.into_iter().enumerate() {
        let sender = open(bench, "sender", json!({}))?;
        let frame = encode(bench, sender, &at.to_string(), How::Mode(mode), &payload)?;
        ensure(
            allowed.contains(&frame.algorithm.as_str()),
            "the algorithm is that of the mode table",
            || {
                let (len, algorithm) = (payload.len(), &frame.algorithm);
                format!("row {at}: {mode}, {len} bytes: {algorithm}, not {}", allowed.join(" or "))
            },
        )?;
    }
    Ok(())
}

fn whole_input(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(6, 3) {
        let mut rng = bench.begin_round(round);
        let how = How::Mode(MODES[round as usize % 3]);
        let (sender, _) = pair(bench)?;
        let payload = Payload::Parts(vec![
            Payload::of(Gen::Random, rng.next_u64(), 256),
            Payload::of(Gen::Text, rng.next_u64(), MIB),
        ]);
        let frame = encode(bench, sender, "k", how, &payload)?;
        let ratio = payload.len() as f64 / frame.len.max(1) as f64;
        bench.measure("ratio behind 256 random bytes", ratio, "x", Better::Higher);
        ensure(ratio >= 3.0, "256 random bytes before 1 MiB of text do not hide that it shrinks", || {
            format!("{how:?}: {ratio:.2}x")
        })?;
        let contexts = pair(bench)?;
        for n in 0..20 {
            let noise = Payload::of(Gen::Random, rng.next_u64(), 20_000);
            encode(bench, contexts.0, &format!("noise {n}"), how, &noise)?;
        }
        let text = Payload::of(Gen::Text, rng.next_u64(), 90_000);
        let frame =
            exchanged(bench, contexts, "text", how, &text, "text after noise decodes to what was sent")?;
        ensure(frame.len * 2 <= text.len(), "text after a run of incompressible inputs shrinks", || {
            format!("{how:?}: {} bytes for {}", frame.len, text.len())
        })?;
    }
    Ok(())
}
