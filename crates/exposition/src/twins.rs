//! Finds a series that stands twice in one family, without a copy of every series.
//!
//! Each series gets a fingerprint that does not depend on the order of its labels. Only those with an equal one are
//! compared in full, and sorted first, so that a text made to have many equal fingerprints costs no more than a sort.

use crate::Sample;

/// Fingerprint, place in the family, line in the text.
#[derive(Default)]
pub(crate) struct Twins {
    seen: Vec<(u64, usize, usize)>,
}

impl Twins {
    pub(crate) fn note(&mut self, sample: &Sample<'_>, place: usize, line: usize) {
        self.seen.push((fingerprint(sample), place, line));
    }

    /// The first series that stands there for the second time, and its line. Forgets all.
    pub(crate) fn first<'s, 'a>(&mut self, samples: &'s [Sample<'a>]) -> Option<(&'s Sample<'a>, usize)> {
        let mut seen = std::mem::take(&mut self.seen);
        seen.sort_unstable();
        let mut first: Option<(usize, usize)> = None;
        for group in seen.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
            let mut full: Vec<_> = group
                .iter()
                .filter_map(|(_, place, line)| Some((key(samples.get(*place)?), *place, *line)))
                .collect();
            full.sort_unstable();
            for pair in full.windows(2) {
                if let [(a, ..), (b, place, line)] = pair
                    && a == b
                    && first.is_none_or(|(_, known)| known > *line)
                {
                    first = Some((*place, *line));
                }
            }
        }
        // The room is kept for the next family.
        seen.clear();
        self.seen = seen;
        first.and_then(|(place, line)| Some((samples.get(place)?, line)))
    }
}

type Key<'s> = (&'s str, Vec<(&'s str, &'s str)>);

fn key<'s>(sample: &'s Sample<'_>) -> Key<'s> {
    let mut labels: Vec<_> = sample.labels.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
    labels.sort_unstable();
    (&sample.name, labels)
}

fn fingerprint(sample: &Sample<'_>) -> u64 {
    let labels = sample.labels.iter().map(|(name, value)| mixed(mixed(1, name.as_bytes()), value.as_bytes()));
    labels.fold(mixed(0, sample.name.as_bytes()), u64::wrapping_add)
}

/// Eight bytes at a time, each multiplied and folded.
fn mixed(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for word in words {
        hash = fold(hash ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    fold(hash ^ u64::from_le_bytes(last))
}

fn fold(word: u64) -> u64 {
    let wide =
        u128::from(word ^ 0x2d35_8dcc_aa6c_78a5).wrapping_mul(0x8bb8_4b93_962e_acc9_a076_1d64_78bd_642f);
    (wide as u64) ^ ((wide >> 64) as u64)
}
