//! Secret values leave no trace in what a job writes, however it writes them.
//!
//! Masked as `***`: the value as it is; in base64 at each of its three alignments, both alphabets; URL-encoded;
//! JSON-escaped; in hexadecimal; and each line of a value of several lines. Chunk borders do not matter: what could
//! still become a value is held back, and nothing else is. Bits that a value shares with its neighbours in one
//! base64 digit, base64 that was broken into lines at an odd place, and encodings of encodings are not seen.

mod forms;

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// Shorter values are refused: masking them would destroy the log and hide nothing.
pub const MIN_SECRET: usize = 4;
/// Longer values are refused.
pub const MAX_SECRET: usize = 64 * 1024;
/// More values than this are refused.
pub const MAX_SECRETS: usize = 256;
/// What stands in place of a value.
pub const MASK: &[u8] = b"***";

/// Why values cannot be masked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// Give the secret a longer value.
    #[error("a secret value is shorter than {MIN_SECRET} bytes and cannot be masked")]
    TooShort,
    /// Put it in a file, and give the job its path.
    #[error("a secret value is longer than {MAX_SECRET} bytes")]
    TooLong,
    /// Give the job fewer.
    #[error("more than {MAX_SECRETS} secret values")]
    TooMany,
    /// The values together are too large to look for.
    #[error("the secret values cannot be looked for: {0}")]
    Unsearchable(String),
}

/// What to look for. Shared by all streams with the same secrets.
#[derive(Debug)]
pub struct Masker {
    automaton: Option<AhoCorasick>,
    /// Sorted, so that "could this become one" is a binary search.
    forms: Vec<Vec<u8>>,
    starts: [bool; 256],
    longest: usize,
}

impl Masker {
    /// Prepares to mask `secrets`. None at all is fine and costs nothing.
    ///
    /// # Errors
    /// A value is too short or too long, or there are too many.
    pub fn new(secrets: &[String]) -> Result<Self, MaskError> {
        if secrets.len() > MAX_SECRETS {
            return Err(MaskError::TooMany);
        }
        let mut forms = Vec::new();
        for secret in secrets {
            match secret.len() {
                0..MIN_SECRET => return Err(MaskError::TooShort),
                length if length > MAX_SECRET => return Err(MaskError::TooLong),
                _ => forms.extend(forms::of(secret)),
            }
        }
        forms.retain(|form| form.len() >= MIN_SECRET);
        forms.sort();
        forms.dedup();
        let mut starts = [false; 256];
        for form in &forms {
            starts[usize::from(form[0])] = true;
        }
        // Dense tables would be half as fast again, and take a hundred times the memory and the time to build.
        let kind = AhoCorasickKind::ContiguousNFA;
        let built = (!forms.is_empty())
            .then(|| AhoCorasick::builder().kind(Some(kind)).match_kind(MatchKind::Standard).build(&forms));
        let automaton = built.transpose().map_err(|why| MaskError::Unsearchable(why.to_string()))?;
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        Ok(Self { automaton, forms, starts, longest })
    }

    /// A stream of output.
    pub fn stream(self: &Arc<Self>) -> MaskStream {
        MaskStream { masker: Arc::clone(self), carry: Vec::new(), covered: 0 }
    }

    /// A whole text at once.
    pub fn mask(self: &Arc<Self>, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut stream = self.stream();
        stream.push(text, &mut out);
        stream.finish(&mut out);
        out
    }

    /// From where on `bytes` could be the beginning of something that is to be masked.
    fn hold(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (from..bytes.len())
            .find(|at| {
                let tail = &bytes[*at..];
                self.starts[usize::from(tail[0])] && {
                    // What begins with `tail` and is longer sorts right after it.
                    let next = self.forms.partition_point(|form| form.as_slice() <= tail);
                    self.forms.get(next).is_some_and(|form| form.starts_with(tail))
                }
            })
            .unwrap_or(bytes.len())
    }

    /// What is to be masked in `bytes`: ascending spans that neither touch nor overlap, `first` among them.
    fn spans(&self, bytes: &[u8], first: usize) -> Vec<(usize, usize)> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        if first > 0 {
            spans.push((0, first));
        }
        let Some(automaton) = &self.automaton else { return spans };
        for found in automaton.find_overlapping_iter(bytes) {
            let (mut start, mut end) = (found.start(), found.end());
            while let Some((a, b)) = spans.pop_if(|(_, b)| *b >= start) {
                (start, end) = (start.min(a), end.max(b));
            }
            spans.push((start, end));
        }
        spans
    }
}

/// Masks one stream, chunk by chunk. Holds back less than the longest thing it looks for.
#[derive(Debug)]
pub struct MaskStream {
    masker: Arc<Masker>,
    carry: Vec<u8>,
    /// So many bytes of `carry` belong to something whose mask was given out.
    covered: usize,
}

impl MaskStream {
    /// Takes a chunk and adds to `out` what can be told by now.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.masker.automaton.is_none() {
            out.extend_from_slice(chunk);
            return;
        }
        self.carry.extend_from_slice(chunk);
        let limit = self.masker.hold(&self.carry);
        self.give(limit, out);
    }

    /// The stream ends: what was held back is given out.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.give(self.carry.len(), out);
    }

    fn give(&mut self, limit: usize, out: &mut Vec<u8>) {
        let spans = self.masker.spans(&self.carry, self.covered);
        let mut at = 0;
        let mut begun = self.covered > 0;
        for (start, end) in spans.into_iter().take_while(|(start, _)| *start < limit) {
            out.extend_from_slice(&self.carry[at..start]);
            if !std::mem::take(&mut begun) {
                out.extend_from_slice(MASK);
            }
            at = end;
        }
        if at < limit {
            out.extend_from_slice(&self.carry[at..limit]);
        }
        // Spans may reach into what is held back; one that began before the limit is out already.
        self.covered = at.max(self.covered).saturating_sub(limit);
        self.carry.drain(..limit);
    }
}

#[cfg(test)]
mod tests;
