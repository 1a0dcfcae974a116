//! AMST-001, 003, 004, 005, 017: bytes out are bytes in.

use serde_json::json;

use super::scatter::{Scatter, chunks, w1_of, w1c_of, w2_of};
use super::{case, same};
use crate::bench::Bench;
use crate::fields::Fields;
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::rng::Rng;
use crate::stop::{CallError, Stop, ensure};

pub(super) const CASES: &[Case] = &[
    case(
        "AMST-001",
        Level::Must,
        "Bytes out = bytes in (SHA-256), sizes 1, chunk-1, chunk, chunk+1, 1 MiB+123, 64 MiB x streams 1, 4, 16",
        "dwcp/transport/multi_stream_tcp_test.go",
        sizes,
    ),
    case(
        "AMST-003",
        Level::Must,
        "Any chunk arrival order reassembles; 100 seeded permutations",
        "RFC 9000 sec. 2.2 (offset ordering)",
        orders,
    ),
    case(
        "AMST-004",
        Level::Must,
        "Duplicated chunks change nothing: len and digest equal, counters count payload once",
        "RFC 9000 sec. 2.2",
        duplicates,
    ),
    case(
        "AMST-005",
        Level::Must,
        "Any single bit flip in header or data: error or repaired; 0 silent of 1000",
        "SPEC 3.2 checksum; end-to-end argument (Saltzer et al. 1984)",
        flips,
    ),
    case(
        "AMST-017",
        Level::Must,
        "8 parallel transfers on one connection set: all digests right",
        "dwcp/transport ConcurrentOperations test",
        parallel,
    ),
];

const CHUNK: u64 = 16 << 10;

fn sizes(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("amst", "in-process")?;
    let sizes = [1, CHUNK - 1, CHUNK, CHUNK + 1, (1 << 20) + 123, 64 << 20];
    let streams = [1, 4, 16];
    for round in bench.rounds(18, 18) {
        let mut rng = bench.begin_round(round);
        let (size, streams) = (sizes[round as usize / 3], streams[round as usize % 3]);
        if size == 64 << 20 && bench.quick() && streams != 4 {
            continue;
        }
        let payload = Payload::of(Gen::Random, rng.next_u64(), size);
        let chunk = if size == 64 << 20 { 256 << 10 } else { CHUNK };
        let params =
            json!({"payload": payload.recipe(), "streams": streams, "chunk": chunk, "within_ms": 30_000});
        let answer = bench.call_within("amst.transfer", params, 40_000)?;
        same(&answer, &payload, "what is received is what was sent")?;
    }
    Ok(())
}

/// A content whose last chunk is shorter, its chunks in another order.
fn shuffled(rng: &mut Rng) -> (Payload, Vec<super::scatter::Chunk>) {
    let (count, chunk) = (2 + rng.below(40), 200 + rng.below(1_500));
    let len = count * chunk + 1 + rng.below(chunk - 1);
    let mut order = chunks(len as usize, chunk as usize);
    rng.shuffle(&mut order);
    (Payload::of(Gen::Random, rng.next_u64(), len), order)
}

fn orders(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let w2 = bench.hello().declares("amst", "w2");
    for round in bench.rounds(100, 100) {
        let mut rng = bench.begin_round(round);
        let (payload, mut order) = shuffled(&mut rng);
        if round.is_multiple_of(10) {
            // The short last chunk comes first.
            order.sort_by_key(|chunk| std::cmp::Reverse(chunk.id));
        }
        let framing = if w2 && round % 4 == 3 { "w2" } else { "w1" };
        let scatter = Scatter::open(bench, framing, 1 + rng.index(6))?;
        let content = payload.bytes();
        for chunk in order {
            let frame = if framing == "w2" { w2_of(&content, chunk) } else { w1_of(&content, chunk) };
            scatter.write(bench, rng.index(6), &frame)?;
        }
        scatter.end(bench);
        let answer = bench.call("amst.receive", json!({"handle": scatter.handle, "within_ms": 3_000}))?;
        same(&answer, &payload, "chunks in another order are the same content")?;
        scatter.close(bench)?;
    }
    Ok(())
}

fn duplicates(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(30, 10) {
        let mut rng = bench.begin_round(round);
        let (payload, mut order) = shuffled(&mut rng);
        let scatter = Scatter::open(bench, "w1", 1 + rng.index(4))?;
        let content = payload.bytes();
        // The last one comes once, so that all duplicates are there before the whole is.
        let last = order.pop();
        let twice = order.clone();
        order.extend(twice.into_iter().filter(|_| rng.chance(0.4)));
        rng.shuffle(&mut order);
        for chunk in &order {
            // All over one stream, so that none is overtaken by the last one.
            scatter.write(bench, 0, &w1_of(&content, *chunk))?;
        }
        if let Some(chunk) = last {
            scatter.write(bench, 0, &w1_of(&content, chunk))?;
        }
        let answer = bench.call("amst.receive", json!({"handle": scatter.handle, "within_ms": 3_000}))?;
        same(&answer, &payload, "a duplicated chunk changes nothing")?;
        ensure(answer["payload_bytes"] == payload.len(), "duplicates are not counted as payload", || {
            format!("{} bytes counted of {}", answer["payload_bytes"], payload.len())
        })?;
        scatter.close(bench)?;
    }
    Ok(())
}

/// Bytes of a content in which bits are flipped, and of its chunks.
const FLIPPED_LEN: u64 = 2_000;
const FLIPPED_CHUNK: u64 = 512;

/// Which byte of so many on the wire: two of five times in the first header, one of five times the first or last data
/// byte of a chunk (when all frames have headers of one length), where sums and loops begin and end; else anywhere.
fn flipped(rng: &mut Rng, wire_bytes: u64) -> u64 {
    let count = FLIPPED_LEN.div_ceil(FLIPPED_CHUNK);
    let header = wire_bytes.saturating_sub(FLIPPED_LEN) / count;
    match rng.below(5) {
        0 | 1 => rng.below(header.max(1)),
        2 => {
            let from = rng.below(count) * FLIPPED_CHUNK;
            let len = FLIPPED_CHUNK.min(FLIPPED_LEN - from);
            let edge = if rng.chance(0.5) { 0 } else { len - 1 };
            (from / FLIPPED_CHUNK + 1) * header + from + edge
        }
        _ => rng.below(wire_bytes),
    }
}

/// In the process with `link.corrupt`; on the wire too where a framing with a checksum is declared.
fn flips(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("amst", "in-process")?;
    let wire = bench.hello().declares("amst", "w1c");
    let what = "no flipped bit goes unseen";
    let params = |payload: &Payload| json!({"payload": payload.recipe(), "streams": 1, "chunk": FLIPPED_CHUNK, "within_ms": 2_000});
    let plain = Payload::of(Gen::Random, 1, FLIPPED_LEN);
    let clean = bench.call("amst.transfer", params(&plain))?;
    let wire_bytes = clean.whole("wire_bytes")?;
    let (mut seen, mut repaired) = (0, 0);
    for round in bench.rounds(1_000, 1_000) {
        let mut rng = bench.begin_round(round);
        let payload = Payload::of(Gen::Random, rng.next_u64(), FLIPPED_LEN);
        let outcome = if wire && round % 2 == 1 {
            flip_on_the_wire(bench, &mut rng, &payload)
        } else {
            let mut asked = params(&payload);
            let at = flipped(&mut rng, wire_bytes);
            asked["link"] = json!({"corrupt": [{"stream": 0, "at_byte": at, "bit": rng.below(8)}]});
            bench.call("amst.transfer", asked).map_err(Stop::from)
        };
        match outcome {
            Ok(answer) => {
                same(&answer, &payload, what)?;
                repaired += 1;
            }
            Err(Stop::Fail { .. }) => seen += 1,
            Err(other) => return Err(other),
        }
    }
    bench.note(format!("flips that were an error: {seen}; after which the content was right: {repaired}"));
    Ok(())
}

fn flip_on_the_wire(
    bench: &mut Bench<'_>,
    rng: &mut Rng,
    payload: &Payload,
) -> Result<serde_json::Value, Stop> {
    let scatter = Scatter::open(bench, "w1c", 1)?;
    let content = payload.bytes();
    let mut bytes: Vec<u8> = chunks(content.len(), FLIPPED_CHUNK as usize)
        .iter()
        .flat_map(|chunk| w1c_of(&content, *chunk))
        .collect();
    let at = flipped(rng, bytes.len() as u64) as usize;
    bytes[at] ^= 1 << rng.below(8);
    // A side that has seen the flip may be gone before all is written.
    scatter.write(bench, 0, &bytes)?;
    scatter.end(bench);
    let answer = bench.call("amst.receive", json!({"handle": scatter.handle, "within_ms": 20}));
    scatter.close(bench)?;
    Ok(answer?)
}

fn parallel(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("amst", "in-process")?;
    for round in bench.rounds(6, 3) {
        let mut rng = bench.begin_round(round);
        let payloads: Vec<Payload> =
            (0..8).map(|_| Payload::of(Gen::Random, rng.next_u64(), 1 + rng.below(400_000))).collect();
        let recipes: Vec<_> = payloads.iter().map(Payload::recipe).collect();
        let asked = json!({"payloads": recipes, "streams": 4, "chunk": CHUNK, "within_ms": 5_000});
        let answer = match bench.call("amst.parallel", asked) {
            Err(CallError::Refused { op, code, message }) if code != crate::protocol::Code::Unsupported => {
                let seen = format!("{op}: {code}: {message}");
                return Err(crate::stop::fail("eight transfers at once all arrive", seen));
            }
            other => other?,
        };
        for (at, payload) in payloads.iter().enumerate() {
            same(&answer["results"][at], payload, "eight transfers at once are each what was sent")?;
        }
    }
    Ok(())
}
