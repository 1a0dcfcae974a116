//! Fingerprints of effects: what a journal keeps of them, and what a replay compares.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Key, Keyed};

/// The key of an effect and the SHA-256 of its canonical JSON, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// `None` for a notice.
    pub key: Option<Key>,
    /// 64 hexadecimal digits.
    pub hash: String,
}

/// The fingerprint of one effect. An effect that cannot be written as JSON has the hash `unserialisable`.
pub fn fingerprint<E: Serialize>(keyed: &Keyed<E>) -> Fingerprint {
    let hash = serde_json::to_vec(&keyed.effect)
        .map_or_else(|_| "unserialisable".to_owned(), |bytes| sha256_hex(&bytes));
    Fingerprint { key: keyed.key.clone(), hash }
}

/// The fingerprints of all effects of a step, in their order.
pub fn fingerprints<E: Serialize>(effects: &[Keyed<E>]) -> Vec<Fingerprint> {
    effects.iter().map(fingerprint).collect()
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal, two digits a byte.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_json_text() {
        let print = fingerprint(&Keyed::new(Key::new(1), "abc"));
        // sha256 of the five bytes "abc" with its quotation marks
        assert_eq!(print.hash, "6cc43f858fbb763301637b5af970e2a46b46f461f27e5a0f41e009c59b827b25");
    }
}
