//! Cases of the Hierarchical Data Exchange. Sender and receiver are contexts that share nothing.

use serde_json::{Value, json};

use crate::b64;
use crate::bench::Bench;
use crate::fields::Fields;
use crate::payload::Payload;
use crate::requirement::{Case, Check, Level, Profile, Requirement};
use crate::stop::{Stop, ensure, fail};

mod baselines;
mod bounds;
mod choice;
mod dictionary;
mod frames;
mod lossless;
mod ratio;
mod sizes;

/// All of them.
pub fn cases() -> Vec<Case> {
    [
        lossless::CASES,
        baselines::CASES,
        frames::CASES,
        sizes::CASES,
        choice::CASES,
        dictionary::CASES,
        bounds::CASES,
        ratio::CASES,
    ]
    .concat()
}

/// A requirement of this part: nothing in it is left to chance, and no clock is read.
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
        profile: Profile::Hde,
        sentence,
        source,
        error_probability: 0.0,
        attempts: 1,
    };
    Case { requirement, check }
}

/// How a frame is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Tier(u8),
    Mode(&'static str),
    Default,
}

const MODES: [&str; 3] = ["datacenter", "internet", "hybrid"];
const EVERY: [How; 6] = [
    How::Tier(1),
    How::Tier(2),
    How::Tier(3),
    How::Mode("datacenter"),
    How::Mode("internet"),
    How::Mode("hybrid"),
];

/// A frame as it came from the sender, with what it claims.
#[derive(Clone, Debug)]
struct Frame {
    /// As text; empty when it was too long for a line.
    coded: String,
    bytes: Vec<u8>,
    len: u64,
    algorithm: String,
    delta: bool,
    lossy: bool,
}

fn open(bench: &mut Bench<'_>, role: &str, config: Value) -> Result<u64, Stop> {
    let opened = bench.call("hde.open", json!({"role": role, "config": config}))?;
    opened.whole("ctx")
}

/// A sender and a receiver in the default configuration.
fn pair(bench: &mut Bench<'_>) -> Result<(u64, u64), Stop> {
    Ok((open(bench, "sender", json!({}))?, open(bench, "receiver", json!({}))?))
}

fn encode(bench: &mut Bench<'_>, ctx: u64, key: &str, how: How, payload: &Payload) -> Result<Frame, Stop> {
    let mut params = json!({"ctx": ctx, "key": key, "payload": payload.recipe()});
    match how {
        How::Tier(tier) => params["tier"] = json!(tier),
        How::Mode(mode) => params["mode"] = json!(mode),
        How::Default => {}
    }
    frame(&bench.call("hde.encode", params)?)
}

fn frame(answer: &Value) -> Result<Frame, Stop> {
    let len = answer.whole("len")?;
    // A frame that does not fit into a line, as base64, is told by its length alone.
    ensure(!answer["frame"].is_null() || len > FITS, "a frame that fits into a line is given", || {
        format!("null for {len} bytes")
    })?;
    let coded = if answer["frame"].is_null() { "" } else { answer.text("frame")? }.to_owned();
    let bytes = b64::decode(&coded).ok_or_else(|| fail("a frame is base64", "it is not"))?;
    ensure(coded.is_empty() || len == bytes.len() as u64, "len is the length of the frame", || {
        format!("{len} for {} bytes", bytes.len())
    })?;
    Ok(Frame {
        len,
        algorithm: answer.text("algorithm")?.to_owned(),
        delta: answer["delta"] == true,
        lossy: answer["lossy"] == true,
        coded,
        bytes,
    })
}

fn decode_params(ctx: u64, frame: &[u8]) -> Value {
    json!({"ctx": ctx, "frame": b64::encode(frame)})
}

fn decode(bench: &mut Bench<'_>, ctx: u64, frame: &Frame) -> Result<Value, Stop> {
    ensure(!frame.coded.is_empty(), "a frame of compressible content fits into a line", || {
        format!("{} bytes", frame.len)
    })?;
    Ok(bench.call("hde.decode", json!({"ctx": ctx, "frame": frame.coded}))?)
}

/// The answer of a decoder is this content.
fn same(answer: &Value, payload: &Payload, what: &str) -> Result<(), Stop> {
    let (len, digest) = (payload.len(), payload.sha256());
    ensure(answer["len"] == len && answer["sha256"] == digest.as_str(), what, || {
        format!("{} bytes with {} for {len} bytes with {digest}", answer["len"], answer["sha256"])
    })
}

/// A frame that can be shown decodes to what was given: its length is no empty claim.
fn real(bench: &mut Bench<'_>, receiver: u64, frame: &Frame, payload: &Payload) -> Result<(), Stop> {
    if frame.coded.is_empty() && frame.len > FITS {
        return Ok(());
    }
    same(&decode(bench, receiver, frame)?, payload, "a frame decodes to what was given")
}

/// One frame from the sender to the receiver, which must be what was given.
fn exchanged(
    bench: &mut Bench<'_>,
    (sender, receiver): (u64, u64),
    key: &str,
    how: How,
    payload: &Payload,
    what: &str,
) -> Result<Frame, Stop> {
    let frame = encode(bench, sender, key, how, payload)?;
    let answer = decode(bench, receiver, &frame)?;
    same(&answer, payload, what)?;
    Ok(frame)
}

/// Bytes of a frame that surely fit into a line.
const FITS: u64 = 700_000;
/// Bytes of a W4 header.
const HEADER: usize = 12;

/// The fields of a W4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct W4 {
    version: u8,
    delta: u8,
    algorithm: u8,
    mode: u8,
    original: u32,
    compressed: u32,
}

impl W4 {
    fn parse(frame: &[u8]) -> Option<(Self, &[u8])> {
        let (head, body) = frame.split_first_chunk::<HEADER>()?;
        let [version, delta, algorithm, mode, o0, o1, o2, o3, c0, c1, c2, c3] = *head;
        let original = u32::from_be_bytes([o0, o1, o2, o3]);
        let compressed = u32::from_be_bytes([c0, c1, c2, c3]);
        Some((Self { version, delta, algorithm, mode, original, compressed }, body))
    }

    fn serialise(&self, body: &[u8]) -> Vec<u8> {
        let mut frame = vec![self.version, self.delta, self.algorithm, self.mode];
        frame.extend(self.original.to_be_bytes());
        frame.extend(self.compressed.to_be_bytes());
        frame.extend(body);
        frame
    }
}
