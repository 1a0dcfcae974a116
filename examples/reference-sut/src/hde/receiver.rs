//! The receiving context: baselines by digest, contents of frames.

use serde_json::{Value, json};

use super::baselines::Baselines;
use super::codec::{Algorithm, decompress, decompress_unbounded};
use super::delta;
use super::frame::{Header, SEAL, corrupt};
use super::{BASELINE_CAP, Config};
use crate::dispatch::Setup;
use crate::refusal::{Refusal, refuse};

/// A delta may be so much longer than its state.
const DELTA_EXTRA: usize = 64 << 10;

pub(super) struct Receiver {
    setup: Setup,
    dictionaries: Vec<Vec<u8>>,
    max_output: u64,
    baselines: Baselines,
    frames: u64,
    /// Frames that a fault takes for old ones.
    skips: u64,
}

impl Receiver {
    pub(super) fn new(setup: Setup, config: &Config, skips: u64) -> Self {
        let cap = if setup.is("hde-keeps-all-baselines") { u64::MAX } else { BASELINE_CAP };
        Self {
            setup,
            dictionaries: config.dictionaries.clone(),
            max_output: config.max_output,
            baselines: Baselines::new(cap),
            frames: 0,
            skips,
        }
    }

    pub(super) fn import(&mut self, content: Vec<u8>) {
        self.baselines.keep(content);
    }

    pub(super) fn decode(&mut self, frame: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (header, body) = Header::parse(frame)?;
        if self.frames < self.skips {
            self.frames += 1;
            return Err(corrupt("a frame from before this receiver"));
        }
        let (body, seal) = self.opened(&header, body)?;
        if u64::from(header.original) > self.max_output {
            return Err(corrupt("longer than is taken"));
        }
        let original = header.original as usize;
        let most = if header.delta { original + DELTA_EXTRA } else { original };
        let unpacked = self.unpack(&header, body, most)?;
        let content = if header.delta { self.undelta(&unpacked)? } else { unpacked };
        let sealed = seal.is_none_or(|seal| *seal == header.seal(&content));
        let trusted =
            self.setup.is("hde-unsealed-none") && header.algorithm == Algorithm::None && !header.delta
                || self.setup.is("hde-any-baseline") && header.delta;
        if (!sealed || content.len() != original) && !trusted {
            return Err(corrupt("the content is not what was sealed"));
        }
        self.frames += 1;
        self.baselines.keep(content.clone());
        Ok(content)
    }

    /// Body and seal, apart.
    fn opened<'f>(
        &self,
        header: &Header,
        body: &'f [u8],
    ) -> Result<(&'f [u8], Option<&'f [u8; SEAL]>), Refusal> {
        let said = header.compressed as usize;
        if self.setup.is("hde-seal-may-lack") && body.len() + SEAL == said {
            return Ok((body, None));
        }
        let own = if self.setup.is("hde-length-without-seal") { SEAL } else { 0 };
        if body.len() != said.saturating_add(own) {
            return Err(corrupt("not as long as the header says"));
        }
        let (body, seal) = body.split_last_chunk::<SEAL>().ok_or_else(|| corrupt("a body without a seal"))?;
        Ok((body, Some(seal)))
    }

    fn unpack(&self, header: &Header, body: &[u8], most: usize) -> Result<Vec<u8>, Refusal> {
        let is_zstd = matches!(header.algorithm, Algorithm::Zstd | Algorithm::ZstdMax);
        if self.setup.is("hde-unpacks-first") && is_zstd && self.dictionaries.is_empty() {
            let all = decompress_unbounded(body)?;
            return if all.len() > most { Err(corrupt("more than was announced")) } else { Ok(all) };
        }
        let body = if self.setup.is("hde-private-byte") && is_zstd {
            body.get(1..).unwrap_or_default()
        } else {
            body
        };
        if self.setup.is("hde-escapes") && header.algorithm == Algorithm::None {
            return Ok(body.chunks(513).flat_map(|part| part.iter().skip(1).copied()).collect());
        }
        decompress(header.algorithm, &self.dictionaries, body, most)
    }

    fn undelta(&self, unpacked: &[u8]) -> Result<Vec<u8>, Refusal> {
        let id = delta::baseline_of(unpacked)?;
        let mut found = self.baselines.find(id);
        if found.is_none() && self.setup.is("hde-any-baseline") {
            found = self.baselines.newest();
        }
        let baseline =
            found.ok_or_else(|| refuse("baseline_missing", "the baseline of this delta is not here"))?;
        let block = if self.setup.is("hde-coarse-delta") { 16 * delta::BLOCK } else { delta::BLOCK };
        if self.setup.is("hde-shrink-keeps-tail") {
            let mut state = delta::apply(baseline, unpacked, block)?;
            state.extend(baseline.get(state.len()..).unwrap_or_default());
            return Ok(state);
        }
        delta::apply(baseline, unpacked, block)
    }

    pub(super) fn stats(&self) -> Value {
        json!({"frames": self.frames, "baseline_bytes": self.baselines.bytes()})
    }
}
