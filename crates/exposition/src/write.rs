//! Writes an exposition as Prometheus text 0.0.4, so that [`crate::parse`] reads the same one.

use std::fmt;

use crate::number::spell;
use crate::{Exposition, Family, Kind, Sample};

impl fmt::Display for Exposition {
    /// As Prometheus text 0.0.4.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.families.iter().try_for_each(|family| write!(f, "{family}"))
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(help) = &self.help {
            writeln!(f, "# HELP {} {}", self.name, help.replace('\\', "\\\\").replace('\n', "\\n"))?;
        }
        if self.kind != Kind::Untyped || (self.help.is_none() && self.samples.is_empty()) {
            writeln!(f, "# TYPE {} {}", self.name, self.kind.as_str())?;
        }
        self.samples.iter().try_for_each(|sample| writeln!(f, "{sample}"))
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", series(self), spell(self.value))?;
        self.timestamp_ms.map_or(Ok(()), |timestamp| write!(f, " {timestamp}"))
    }
}

/// Name and labels of a sample.
pub(crate) fn series(sample: &Sample) -> String {
    if sample.labels.is_empty() {
        return sample.name.clone();
    }
    let labels: Vec<String> =
        sample.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{}{{{}}}", sample.name, labels.join(","))
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
