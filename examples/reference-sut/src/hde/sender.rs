//! The sending context: states by key, frames of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::choose::{self, Choice, Faults, How, Mode};
use super::codec::{Algorithm, compress};
use super::delta;
use super::frame::{Header, SEAL};
use super::{BASELINE_CAP, Config};
use crate::dispatch::Setup;
use crate::refusal::{Refusal, invalid};

/// After so many deltas a whole state is sent.
pub(super) const MAX_CHAIN: u32 = 10;

/// The last state of a key, and how many deltas led to it.
struct State {
    id: delta::Id,
    content: Vec<u8>,
    chain: u32,
}

pub(super) struct Sender {
    setup: Setup,
    config: Config,
    states: BTreeMap<String, State>,
    /// Bytes of all states.
    held: u64,
    frames: u64,
    /// How many frames there were when a whole state was last sent again.
    rotated: u64,
    pub(super) original: u64,
    pub(super) compressed: u64,
}

/// A frame, and what is claimed of it.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    pub(super) algorithm: Algorithm,
    pub(super) delta: bool,
}

impl Sender {
    pub(super) fn new(setup: Setup, config: Config) -> Result<Self, Refusal> {
        if config.dictionaries.len() > 1 {
            return Err(invalid("a sender has at most one dictionary"));
        }
        Ok(Self {
            setup,
            config,
            states: BTreeMap::new(),
            held: 0,
            frames: 0,
            rotated: 0,
            original: 0,
            compressed: 0,
        })
    }

    pub(super) fn baseline(&self, key: &str) -> Option<&[u8]> {
        self.states.get(key).map(|state| state.content.as_slice())
    }

    /// How many frames came before the last whole state.
    pub(super) const fn rotated(&self) -> u64 {
        self.rotated
    }

    /// The fault of a sender that keeps the caller's buffer instead of a copy.
    pub(super) fn alias(&mut self, key: &str, buffer: Vec<u8>) {
        if let Some(state) = self.states.get_mut(key) {
            state.content = buffer;
        }
    }

    pub(super) fn encode(&mut self, key: &str, content: &[u8], how: How) -> Result<Made, Refusal> {
        let how = match (how, self.config.mode) {
            (How::Default, Some(mode)) => How::Mode(mode),
            (How::Default, None) => How::Tier(2),
            (asked, _) => asked,
        };
        let faults = Faults {
            probe_start: self.setup.is("hde-probes-the-start"),
            boundary: self.setup.is("hde-lz4-at-100-kib"),
            tiers: self.setup.is("hde-tiers-swapped"),
        };
        let mut content = content.to_vec();
        let choice = choose::choose(how, &content, faults)?;
        self.spoil(&mut content, how, choice.0);
        let whole = self.frame(&content, &content, false, how, choice)?;
        let earlier_was_full = self.states.get(key).is_some_and(|state| state.chain >= MAX_CHAIN);
        let earlier = self.states.get(key).filter(|_| !earlier_was_full);
        let block = if self.setup.is("hde-coarse-delta") { 16 * delta::BLOCK } else { delta::BLOCK };
        let as_delta = match earlier {
            Some(state) => {
                let delta = delta::diff(state.id, &state.content, &content, block);
                let choice = choose::choose(how, &delta, Faults::default())?;
                Some((self.frame(&content, &delta, true, how, choice)?, state.chain + 1))
            }
            None => None,
        };
        let (made, chain) = match as_delta {
            Some((made, chain)) if made.bytes.len() < whole.bytes.len() => (made, chain),
            _ => (whole, 0),
        };
        if earlier_was_full {
            self.rotated = self.frames;
        }
        self.count(&content, &made);
        self.remember(key, content, chain);
        Ok(made)
    }

    /// What faults do to the content before anything else.
    fn spoil(&self, content: &mut Vec<u8>, how: How, algorithm: Algorithm) {
        if self.setup.is("hde-trims-zeros")
            && how == How::Mode(Mode::Datacenter)
            && algorithm == Algorithm::Lz4
        {
            let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            content.truncate(end);
        }
        if self.setup.is("hde-pads-tiny") && (1..4).contains(&content.len()) {
            content.resize(4, 0);
        }
        if self.config.lossy && content.len() >= choose::SMALLEST {
            for byte in content.iter_mut() {
                *byte &= 0xfe;
            }
        }
    }

    fn frame(
        &self,
        content: &[u8],
        body: &[u8],
        delta: bool,
        how: How,
        choice: Choice,
    ) -> Result<Made, Refusal> {
        let (algorithm, level) = choice;
        let wanted = self.config.dictionaries.first().map(Vec::as_slice);
        let dictionary =
            wanted.filter(|_| !self.setup.is("hde-dictionary-above-1-kib") || body.len() > 1 << 10);
        let mut body = compress(algorithm, level, dictionary, body)?;
        if self.setup.is("hde-small-blocks")
            && matches!(algorithm, Algorithm::Zstd | Algorithm::ZstdMax)
            && !delta
        {
            body.clear();
            for block in content.chunks(2_048) {
                body.extend(compress(algorithm, level, None, block)?);
            }
        }
        if self.setup.is("hde-escapes") && algorithm == Algorithm::None {
            body = body.chunks(512).flat_map(|part| std::iter::once(0).chain(part.iter().copied())).collect();
        }
        if self.setup.is("hde-private-byte") && matches!(algorithm, Algorithm::Zstd | Algorithm::ZstdMax) {
            body.insert(0, level as u8);
        }
        let mode = match how {
            How::Mode(Mode::Datacenter) => 0,
            How::Mode(Mode::Internet) => 1,
            _ => 2,
        };
        let own = if self.setup.is("hde-length-without-seal") { 0 } else { SEAL };
        let too_long = |_| invalid("longer than a frame can say");
        let original = u32::try_from(content.len()).map_err(too_long)?;
        let compressed = u32::try_from(body.len() + own).map_err(too_long)?;
        let header = Header { delta, algorithm, mode, original, compressed };
        let bytes = [&header.bytes()[..], &body, &header.seal(content)].concat();
        Ok(Made { bytes, algorithm, delta })
    }

    fn count(&mut self, content: &[u8], made: &Made) {
        self.frames += 1;
        self.original += content.len() as u64;
        let header = if self.setup.is("hde-ratio-of-bodies") { super::frame::HEADER } else { 0 };
        self.compressed += (made.bytes.len() - header) as u64;
    }

    fn remember(&mut self, key: &str, content: Vec<u8>, chain: u32) {
        self.held += content.len() as u64;
        if let Some(old) =
            self.states.insert(key.to_owned(), State { id: delta::id(&content), content, chain })
        {
            self.held -= old.content.len() as u64;
        }
        while self.held > BASELINE_CAP
            && let Some((_, old)) = self.states.pop_first()
        {
            self.held -= old.content.len() as u64;
        }
    }

    pub(super) fn stats(&self) -> Value {
        let ratio = if self.compressed == 0 { 0.0 } else { self.original as f64 / self.compressed as f64 };
        json!({
            "frames": self.frames,
            "original_bytes": self.original,
            "compressed_bytes": self.compressed,
            "ratio": ratio,
            "baseline_bytes": self.held,
        })
    }
}
