//! Names and keys: who an effect belongs to, so that a repetition is recognised as one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One segment of a key's path: the name of a job, an attempt, a part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// Wraps a name as it is; whoever parses names from a file has checked them.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identity of one intent. A retry repeats its key; only a new intent takes a new number.
///
/// Relative: a parent puts its own segment in front, the shell puts the run's id in front of all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// From the outermost part to the innermost.
    pub path: Vec<Name>,
    /// Counted by the machine that wants the effect; never drawn.
    pub n: u32,
}

impl Key {
    /// The key number `n` of the machine itself.
    pub const fn new(n: u32) -> Self {
        Self { path: Vec::new(), n }
    }

    /// The same key seen from the parent that calls the part `segment`.
    #[must_use]
    pub fn under(mut self, segment: &Name) -> Self {
        self.path.insert(0, segment.clone());
        self
    }

    /// Splits off the outermost segment: the part that the key belongs to, and the key as it knows it.
    pub fn split(&self) -> Option<(&Name, Self)> {
        let (first, rest) = self.path.split_first()?;
        Some((first, Self { path: rest.to_vec(), n: self.n }))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.path {
            write!(f, "{segment}/")?;
        }
        write!(f, "{}", self.n)
    }
}

/// An effect and the key under which it is idempotent. An effect without a key is a notice: it may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Keyed<E> {
    /// `None` for a notice.
    pub key: Option<Key>,
    /// What the shell should do.
    pub effect: E,
}

impl<E> Keyed<E> {
    /// An effect that is carried out at least once and changes nothing when repeated.
    pub const fn new(key: Key, effect: E) -> Self {
        Self { key: Some(key), effect }
    }

    /// An effect that may be lost and changes nothing outside.
    pub const fn notice(effect: E) -> Self {
        Self { key: None, effect }
    }

    /// The effect of a part as its parent sees it: key under `segment`, effect wrapped.
    pub fn lift<F>(self, segment: &Name, wrap: impl FnOnce(E) -> F) -> Keyed<F> {
        Keyed { key: self.key.map(|key| key.under(segment)), effect: wrap(self.effect) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_puts_its_segment_in_front_and_takes_it_off_again() {
        let key = Key::new(3).under(&"release".into()).under(&"deploy#1".into());
        assert_eq!(key.to_string(), "deploy#1/release/3");
        let (first, rest) = key.split().unwrap();
        assert_eq!(first.as_str(), "deploy#1");
        assert_eq!(rest.to_string(), "release/3");
    }
}
