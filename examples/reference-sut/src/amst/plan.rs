//! How many streams, how large chunks, and which settings make no sense (SPEC 3.1).

use serde_json::{Value, json};

use crate::dispatch::Setup;
use crate::refusal::{Answer, Refusal, invalid, number, text, whole, whole_or};

/// `k` of the stream formula.
pub(super) const K: f64 = 0.1;
/// Bounds of a chunk, in bytes.
pub(super) const CHUNK: (u64, u64) = (16 << 10, 256 << 10);
/// Streams of one connection set at most.
pub(super) const MAX_STREAMS: u64 = 256;

/// Least and most streams of a mode.
pub(super) fn bounds(mode: &str) -> Result<(u64, u64), Refusal> {
    match mode {
        "datacenter" => Ok((16, 256)),
        "internet" => Ok((4, 16)),
        "hybrid" => Ok((4, 64)),
        _ => Err(invalid(format!("mode {mode} is none of datacenter, internet, hybrid"))),
    }
}

/// `amst.target`: streams, chunk in bytes and pacing in Mbit/s a stream, for a path.
pub(super) fn target(setup: Setup, params: &Value) -> Answer {
    let (bandwidth, latency) = (number(params, "bandwidth_mbps")?, number(params, "latency_ms")?);
    if bandwidth <= 0.0 || latency <= 0.0 {
        return Err(invalid("bandwidth_mbps and latency_ms are above 0"));
    }
    let (min, max) = match &params["mode"] {
        Value::Null => (whole(params, "min_streams")?, whole(params, "max_streams")?),
        _ => bounds(text(params, "mode")?)?,
    };
    let k = if setup.is("amst-round-trip-twice") { 2.0 * K } else { K };
    let wanted = bandwidth / (latency * k);
    let streams = if setup.is("amst-bound-then-round") {
        (wanted.clamp(min as f64, max as f64) + 0.5).ceil() as u64
    } else {
        (wanted.round() as u64).clamp(min, max)
    };
    let in_flight = latency / 1_000.0 * bandwidth * 125_000.0;
    let chunk = ((in_flight * 0.5) as u64).clamp(CHUNK.0, CHUNK.1);
    Ok(json!({"streams": streams, "chunk": chunk, "pacing_mbps": 0.95 * bandwidth / streams as f64}))
}

/// The next chunk after a share of loss: halved above 5 %, doubled below 1 %.
pub(super) fn chunk_after(setup: Setup, chunk: u64, loss: f64) -> u64 {
    if loss > 0.05 {
        if setup.is("amst-halves-past-the-bound") && chunk >= CHUNK.0 {
            chunk / 2
        } else {
            (chunk / 2).max(CHUNK.0)
        }
    } else if loss < 0.01 {
        (chunk * 2).min(CHUNK.1)
    } else {
        chunk
    }
}

/// `config.validate`.
pub(super) fn validate(setup: Setup, config: &Value) -> Answer {
    let (min, max) = (whole_or(config, "min_streams", 1)?, whole_or(config, "max_streams", MAX_STREAMS)?);
    let initial = whole_or(config, "initial_streams", min)?;
    let (chunk, burst) = (whole_or(config, "chunk", CHUNK.1)?, whole_or(config, "burst", CHUNK.1)?);
    let over = if setup.is("amst-initial-above-max") { false } else { initial > max };
    if min == 0 || max < min || max > MAX_STREAMS {
        return Err(invalid("1 <= min_streams <= max_streams <= 256 does not hold"));
    }
    if initial < min || over {
        return Err(invalid("initial_streams is outside of min_streams and max_streams"));
    }
    if chunk == 0 || burst < chunk {
        return Err(invalid("burst is under chunk, so that no chunk would ever go"));
    }
    Ok(json!({}))
}

/// The stream count one step towards a target: at most twice, at least half.
pub(super) fn step(setup: Setup, now: u64, target: u64) -> u64 {
    let most = if setup.is("amst-triples") { 3 * now } else { 2 * now };
    target.clamp(now.div_ceil(2), most)
}
