//! A state against an earlier one: which blocks are the same, and the others.
//!
//! eight bytes digest of the baseline, length of the state u32, one bit a block (1: as in the baseline), then the other
//! blocks.

use super::frame::{corrupt, digest};
use crate::refusal::Refusal;

/// Bytes of a block.
pub(super) const BLOCK: usize = 4096;

/// How a baseline is named.
pub(super) type Id = [u8; 8];

/// The name of a content.
pub(super) fn id(content: &[u8]) -> Id {
    digest(&[content])
}

/// The delta of `state` against `baseline`, which has the name `id`.
pub(super) fn diff(id: Id, baseline: &[u8], state: &[u8], block: usize) -> Vec<u8> {
    let blocks = state.chunks(block);
    let mut same = vec![0_u8; blocks.len().div_ceil(8)];
    let mut rest = Vec::new();
    for (at, part) in blocks.enumerate() {
        if baseline.get(at * block..).is_some_and(|from| from.starts_with(part)) {
            same[at / 8] |= 1 << (at % 8);
        } else {
            rest.extend(part);
        }
    }
    let len = (state.len() as u32).to_be_bytes();
    [&id[..], &len[..], &same, &rest].concat()
}

/// The name of the baseline of a delta.
pub(super) fn baseline_of(delta: &[u8]) -> Result<Id, Refusal> {
    delta.first_chunk().copied().ok_or_else(|| corrupt("a delta without a baseline"))
}

/// The state that a delta makes of its baseline.
pub(super) fn apply(baseline: &[u8], delta: &[u8], block: usize) -> Result<Vec<u8>, Refusal> {
    let cut = || corrupt("a delta that is cut");
    let (len, rest) = delta.get(8..).and_then(<[u8]>::split_first_chunk::<4>).ok_or_else(cut)?;
    let len = u32::from_be_bytes(*len) as usize;
    let count = len.div_ceil(block);
    let (same, mut rest) = rest.split_at_checked(count.div_ceil(8)).ok_or_else(cut)?;
    let mut state = Vec::new();
    for at in 0..count {
        let size = block.min(len - at * block);
        if same[at / 8] >> (at % 8) & 1 == 1 {
            let part = baseline
                .get(at * block..at * block + size)
                .ok_or_else(|| corrupt("a block beyond the baseline"))?;
            state.extend(part);
        } else {
            let (part, others) = rest.split_at_checked(size).ok_or_else(cut)?;
            state.extend(part);
            rest = others;
        }
    }
    if rest.is_empty() { Ok(state) } else { Err(corrupt("a delta with something behind it")) }
}
