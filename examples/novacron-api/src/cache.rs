//! A small cache in the process, bounded, with a check of itself.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Most entries; the oldest goes first.
const MAX_ENTRIES: usize = 1024;
/// Key of the self-check.
const CHECK_KEY: &str = "\0health";

#[derive(Debug, Default)]
struct Entries {
    values: BTreeMap<String, String>,
    order: VecDeque<String>,
    checks: u64,
}

/// Text by key.
#[derive(Debug, Default)]
pub struct Cache {
    entries: Mutex<Entries>,
}

impl Cache {
    /// Keeps a value.
    pub fn set(&self, key: &str, value: &str) {
        self.with(|entries| set(entries, key, value));
    }

    /// The value kept.
    pub fn value(&self, key: &str) -> Option<String> {
        self.with(|entries| entries.values.get(key).cloned())
    }

    /// Writes a value that was never written before and reads it again.
    pub fn works(&self) -> bool {
        self.with(|entries| {
            entries.checks += 1;
            let expected = entries.checks.to_string();
            set(entries, CHECK_KEY, &expected);
            entries.values.get(CHECK_KEY) == Some(&expected)
        })
    }

    fn with<T>(&self, action: impl FnOnce(&mut Entries) -> T) -> T {
        action(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn set(entries: &mut Entries, key: &str, value: &str) {
    if entries.values.insert(key.to_owned(), value.to_owned()).is_none() {
        entries.order.push_back(key.to_owned());
    }
    if entries.order.len() > MAX_ENTRIES
        && let Some(oldest) = entries.order.pop_front()
    {
        entries.values.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_there_and_the_oldest_goes_first() {
        let cache = Cache::default();
        for number in 0..=MAX_ENTRIES {
            cache.set(&number.to_string(), "v");
        }
        assert_eq!(cache.value("0"), None);
        assert_eq!(cache.value("1").as_deref(), Some("v"));
        assert!(cache.works() && cache.works());
    }
}
