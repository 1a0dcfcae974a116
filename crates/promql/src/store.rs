//! Series as they are given: labels and samples by time.

use std::collections::BTreeMap;
use std::fmt;

use crate::Matcher;

/// Says that a series has ended: a NaN of this bit pattern, as Prometheus marks it.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether a value is the mark of an ended series.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE.to_bits()
}

/// Labels of a series, the name (`__name__`) among them. None has an empty value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// From pairs; a later one of the same name counts.
    pub fn new<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut labels = Self::default();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }

    /// Value of a label, empty when it is absent.
    pub fn value(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Sets a label. An empty value takes it away.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        if value.is_empty() {
            self.0.remove(&name);
        } else {
            self.0.insert(name, value);
        }
    }

    /// Takes a label away.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The same without its name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        let mut labels = self.clone();
        labels.remove("__name__");
        labels
    }

    /// Only these.
    #[must_use]
    pub fn only(&self, names: &[String]) -> Self {
        let kept = names.iter().filter_map(|name| self.0.get_key_value(name));
        Self(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Without these and the name.
    #[must_use]
    pub fn without(&self, names: &[String]) -> Self {
        let mut labels = self.without_name();
        for name in names {
            labels.remove(name);
        }
        labels
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self
            .iter()
            .filter(|(name, _)| *name != "__name__")
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        write!(f, "{}{{{}}}", self.value("__name__"), pairs.join(", "))
    }
}

/// Samples of a series: milliseconds and value, times rising.
pub(crate) type Samples = Vec<(i64, f64)>;

/// Series with their samples.
#[derive(Clone, Debug, Default)]
pub struct Store {
    series: BTreeMap<Labels, Samples>,
}

impl Store {
    /// Adds a sample. Returns false, and keeps the store as it is, when the series has one at or after that time:
    /// what is out of order is never evidence.
    pub fn append(&mut self, labels: &Labels, ms: i64, value: f64) -> bool {
        if !self.series.contains_key(labels) {
            self.series.insert(labels.clone(), Vec::new());
        }
        let Some(samples) = self.series.get_mut(labels) else { return false };
        if samples.last().is_some_and(|(last, _)| *last >= ms) {
            return false;
        }
        samples.push((ms, value));
        true
    }

    /// Forgets samples before that time, and series without any.
    pub fn forget_before(&mut self, ms: i64) {
        self.series.retain(|_, samples| {
            let old = samples.partition_point(|(at, _)| *at < ms);
            samples.drain(..old);
            !samples.is_empty()
        });
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Series that fit, with their samples.
    pub(crate) fn select<'s>(
        &'s self,
        matchers: &'s [Matcher],
    ) -> impl Iterator<Item = (&'s Labels, &'s [(i64, f64)])> + 's {
        self.series
            .iter()
            .filter(|(labels, _)| matchers.iter().all(|matcher| matcher.fits_series(labels)))
            .map(|(labels, samples)| (labels, samples.as_slice()))
    }
}
