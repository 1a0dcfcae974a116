//! One sealed line: compact JSON whose last member is the hash of the rest.

use std::io::{self, BufRead, Read};

use machine::sha256_hex;

/// Longest line of a journal, its line break included. The first record holds the whole definition of a run: a
/// pipeline file of the size that is taken, with ten thousand jobs, becomes some megabytes.
pub const MAX_LINE: usize = 32 << 20;

/// Largest journal.
pub const MAX_JOURNAL: u64 = 2 << 30;

const MEMBER: &[u8] = b",\"hash\":\"";
const HASH: usize = 64;
const SEAL: usize = MEMBER.len() + HASH + 2;

/// Why a line carries no valid seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsealed {
    /// There is no hash where it should be.
    NoSeal,
    /// There is one, of something else.
    Mismatch,
}

/// Puts the hash of `body`, a JSON object, in as its last member. Gives the line without break, and the hash.
pub(crate) fn seal(mut body: String) -> (String, String) {
    let hash = sha256_hex(body.as_bytes());
    body.pop();
    body.push_str(",\"hash\":\"");
    body.push_str(&hash);
    body.push_str("\"}");
    (body, hash)
}

/// Checks the seal of a line without break. Gives the body as it was before it was sealed, and the hash.
pub(crate) fn unseal(line: &[u8]) -> Result<(Vec<u8>, String), Unsealed> {
    let at = line.len().checked_sub(SEAL).ok_or(Unsealed::NoSeal)?;
    let (body, seal) = line.split_at(at);
    let stated = seal
        .strip_prefix(MEMBER)
        .and_then(|rest| rest.strip_suffix(b"\"}"))
        .and_then(|hash| std::str::from_utf8(hash).ok())
        .ok_or(Unsealed::NoSeal)?;
    let mut body = body.to_vec();
    body.push(b'}');
    if sha256_hex(&body) == stated { Ok((body, stated.to_owned())) } else { Err(Unsealed::Mismatch) }
}

/// What was found at the place of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A line with its break, which is cut off.
    Whole,
    /// The file ends without a break.
    Torn,
    /// More than `MAX_LINE` bytes without a break.
    TooLong,
    /// The file ends here.
    End,
}

/// Reads one line into `buffer`.
pub(crate) fn next(reader: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<Found> {
    buffer.clear();
    let read = reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', buffer)?;
    Ok(match buffer.last() {
        None => Found::End,
        Some(b'\n') => {
            buffer.pop();
            Found::Whole
        }
        Some(_) if read == MAX_LINE => Found::TooLong,
        Some(_) => Found::Torn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_gives_back_its_body_and_any_other_byte_is_seen() {
        let (line, hash) = seal(r#"{"a":1}"#.to_owned());
        assert_eq!(unseal(line.as_bytes()), Ok((br#"{"a":1}"#.to_vec(), hash)));
        for at in 0..line.len() {
            let mut bytes = line.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(unseal(&bytes).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_named_and_not_read_whole() {
        let long = vec![b'x'; MAX_LINE * 2];
        let mut buffer = Vec::new();
        assert_eq!(next(&mut long.as_slice(), &mut buffer).unwrap(), Found::TooLong);
        assert_eq!(buffer.len(), MAX_LINE);
    }
}
