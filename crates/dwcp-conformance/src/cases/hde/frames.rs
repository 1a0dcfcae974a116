//! HDE-005, 008, 009, 020: the frame itself.

use serde_json::{Value, json};

use super::{EVERY, Frame, HEADER, How, W4, case, decode_params, encode, exchanged, open, pair, same};
use crate::bench::Bench;
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::stop::{CallError, Stop, ensure, fail};

pub(super) const CASES: &[Case] = &[
    case(
        "HDE-005",
        Level::Must,
        "decode(parse(serialise(f))) = decode(f), including deltas",
        "W4",
        serialised,
    ),
    case("HDE-008", Level::Must, "Truncation at every length: error", "RFC 8878", truncated),
    case(
        "HDE-009",
        Level::Must,
        "1000 single-bit flips, all algorithms incl. \"none\": 0 silent",
        "RFC 8878 content checksum",
        flipped,
    ),
    case(
        "HDE-020",
        Level::Should,
        "Body marked zstd decodes with an independent zstd",
        "RFC 8878",
        independent,
    ),
];

/// Frames of every algorithm that the implementation takes, and a delta: frame, content, receiver that can decode it.
fn samples(bench: &mut Bench<'_>, len: u64) -> Result<Vec<(Frame, Payload, u64)>, Stop> {
    let mut all = Vec::new();
    let seed = bench.seed();
    let contents = [(Gen::Text, len), (Gen::VmPage, 4 * len), (Gen::Random, len), (Gen::Json, 900)];
    for (at, (content, len)) in contents.into_iter().enumerate() {
        for how in [How::Mode("datacenter"), How::Tier(1), How::Tier(3)] {
            let contexts = pair(bench)?;
            let payload = Payload::of(content, seed.wrapping_add(at as u64), len);
            let frame = encode(bench, contexts.0, "k", how, &payload)?;
            all.push((frame, payload, contexts.1));
        }
    }
    let contexts = pair(bench)?;
    let first = Payload::of(Gen::Mixed, seed, 20_000);
    exchanged(bench, contexts, "k", How::Default, &first, "a first frame decodes")?;
    let mut bytes = first.bytes();
    bytes[5_000..5_064].fill(7);
    let second = Payload::Bytes(bytes);
    let frame = encode(bench, contexts.0, "k", How::Default, &second)?;
    all.push((frame, second, contexts.1));
    Ok(all)
}

fn number(algorithm: &str) -> Option<u8> {
    ["none", "lz4", "zstd", "zstd-max", "brotli"]
        .iter()
        .position(|name| *name == algorithm)
        .map(|at| at as u8)
}

fn serialised(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("hde", "w4")?;
    let mut deltas = 0;
    for (frame, payload, receiver) in samples(bench, 3_000)? {
        let (header, body) = W4::parse(&frame.bytes)
            .ok_or_else(|| fail("a frame has a W4 header", "it is shorter than 12 bytes"))?;
        deltas += u32::from(frame.delta);
        let told = W4 {
            version: 3,
            delta: u8::from(frame.delta),
            algorithm: number(&frame.algorithm).unwrap_or(u8::MAX),
            mode: header.mode,
            original: payload.len() as u32,
            compressed: body.len() as u32,
        };
        ensure(header == told && header.mode <= 2, "the W4 header says what the frame is", || {
            format!("{header:?} for {told:?}")
        })?;
        let again = header.serialise(body);
        let answer = bench.call("hde.decode", decode_params(receiver, &again))?;
        same(&answer, &payload, "a frame that was parsed and serialised again decodes to the same")?;
    }
    bench.note(format!("{deltas} delta among the frames"));
    Ok(())
}

fn truncated(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for (frame, payload, receiver) in samples(bench, if bench.quick() { 1_100 } else { 3_000 })? {
        // Every length of a short frame; of a long one those near both ends, and each 7th.
        let cuts: Vec<usize> = (0..frame.bytes.len())
            .filter(|cut| {
                *cut < 64 || frame.bytes.len() - cut < 64 || cut.is_multiple_of(bench.amount(7, 61))
            })
            .collect();
        let ask = |cut: &usize| ("hde.decode", decode_params(receiver, &frame.bytes[..*cut]));
        for (cut, answer) in cuts.iter().zip(bench.call_all(cuts.iter().map(ask).collect())?) {
            ensure(answer.is_err(), "a frame that is cut is an error", || {
                let (algorithm, len) = (&frame.algorithm, frame.bytes.len());
                format!("{algorithm}: {cut} of {len} bytes of a frame of {} bytes", payload.len())
            })?;
        }
    }
    Ok(())
}

fn flipped(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let samples = samples(bench, 2_000)?;
    let (mut found, mut harmless) = (0, 0);
    for round in bench.rounds(1_000, 1_000) {
        let mut rng = bench.begin_round(round);
        // Each sample takes its turn, so that every algorithm and the delta are among them.
        let (frame, payload, receiver) = &samples[round as usize % samples.len()];
        let mut bytes = frame.bytes.clone();
        // Half of the flips near the header, where a byte decides much.
        let bits = if rng.chance(0.3) { 8 * (HEADER + 8) } else { 8 * bytes.len() };
        let bit = rng.index(bits.min(8 * bytes.len()));
        bytes[bit / 8] ^= 1 << (bit % 8);
        match bench.call("hde.decode", decode_params(*receiver, &bytes)) {
            Err(CallError::Refused { .. }) => found += 1,
            Err(broken) => return Err(broken.into()),
            Ok(answer) => {
                let what = "no flipped bit goes unseen";
                same(&answer, payload, what).map_err(|_| silent(what, frame, bit, &answer))?;
                harmless += 1;
            }
        }
    }
    bench.note(format!("flips that were seen: {found}; that changed nothing: {harmless}"));
    Ok(())
}

fn silent(what: &str, frame: &Frame, bit: usize, answer: &Value) -> Stop {
    let (algorithm, len) = (&frame.algorithm, frame.bytes.len());
    fail(what, format!("{algorithm}, delta {}: bit {bit} of {len} bytes gives {answer}", frame.delta))
}

fn independent(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("hde", "w4")?;
    let sender = open(bench, "sender", json!({}))?;
    let mut zstd = 0;
    for (at, how) in EVERY.into_iter().enumerate() {
        for content in [Gen::Text, Gen::Json, Gen::VmPage, Gen::Mixed] {
            let payload = Payload::of(content, bench.seed(), 150_000);
            let frame = encode(bench, sender, &format!("{at} {}", content.name()), how, &payload)?;
            let Some((header, body)) = W4::parse(&frame.bytes) else { continue };
            if !matches!(header.algorithm, 2 | 3) || frame.delta {
                continue;
            }
            zstd += 1;
            let what = "a body marked zstd decodes with an independent zstd";
            let plain = zstd::bulk::decompress(body, payload.len() as usize)
                .map_err(|error| fail(what, format!("{} {how:?}: {error}", content.name())))?;
            ensure(plain == payload.bytes(), what, || format!("{} {how:?}: other bytes", content.name()))?;
        }
    }
    if zstd == 0 {
        return Err(Stop::Skip("no body is marked zstd".to_owned()));
    }
    bench.note(format!("{zstd} bodies decoded by libzstd"));
    Ok(())
}
