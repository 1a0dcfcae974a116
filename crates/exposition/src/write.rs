//! Writes an exposition in a dialect, so that [`crate::parse_as`] reads the same one.

use std::fmt;

use crate::number::spell;
use crate::{Dialect, Exposition, Family, Kind, Labels, Sample};

/// An exposition as it is spelled in one dialect.
#[derive(Clone, Copy, Debug)]
pub struct Spelled<'s, 'a> {
    exposition: &'s Exposition<'a>,
    dialect: Dialect,
}

impl<'a> Exposition<'a> {
    /// To be written in a dialect. What the dialect cannot say (units and exemplars in text, a type that only
    /// OpenMetrics has) is left out, or becomes `untyped`.
    pub fn spelled(&self, dialect: Dialect) -> Spelled<'_, 'a> {
        Spelled { exposition: self, dialect }
    }
}

impl fmt::Display for Exposition<'_> {
    /// As Prometheus text: 0.0.4, with names in quotes where one needs them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spelled(Dialect::PrometheusText).fmt(f)
    }
}

impl fmt::Display for Spelled<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exposition.families.iter().try_for_each(|it| family(f, it, self.dialect))?;
        if self.dialect.is_rigid() { writeln!(f, "# EOF") } else { Ok(()) }
    }
}

impl fmt::Display for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        sample(f, self, Dialect::PrometheusText)
    }
}

fn family(f: &mut fmt::Formatter<'_>, family: &Family<'_>, dialect: Dialect) -> fmt::Result {
    let name = if is_plain(&family.name, true) { family.name.to_string() } else { quoted(&family.name) };
    if let Some(help) = &family.help {
        let text = help.replace('\\', "\\\\").replace('\n', "\\n");
        writeln!(f, "# HELP {name} {}", if dialect.is_rigid() { text.replace('"', "\\\"") } else { text })?;
    }
    if family.kind != Kind::Untyped || (family.help.is_none() && family.samples.is_empty()) {
        writeln!(f, "# TYPE {name} {}", spelled(family.kind, dialect))?;
    }
    if let Some(unit) = family.unit.as_ref().filter(|_| dialect.is_rigid()) {
        writeln!(f, "# UNIT {name} {unit}")?;
    }
    for it in &family.samples {
        sample(f, it, dialect)?;
        writeln!(f)?;
    }
    Ok(())
}

fn spelled(kind: Kind, dialect: Dialect) -> &'static str {
    match kind {
        Kind::Untyped if dialect.is_rigid() => "unknown",
        Kind::GaugeHistogram | Kind::Info | Kind::StateSet if !dialect.is_rigid() => "untyped",
        kind => kind.as_str(),
    }
}

fn sample(f: &mut fmt::Formatter<'_>, sample: &Sample<'_>, dialect: Dialect) -> fmt::Result {
    let stamp = |ms: i64| if dialect.is_rigid() { spell(ms as f64 / 1000.0) } else { ms.to_string() };
    write!(f, "{} {}", series(sample), spell(sample.value))?;
    sample.timestamp_ms.map_or(Ok(()), |ms| write!(f, " {}", stamp(ms)))?;
    match sample.exemplar.as_ref().filter(|_| dialect.is_rigid()) {
        None => Ok(()),
        Some(it) => {
            write!(f, " # {{{}}} {}", labels(&it.labels), spell(it.value))?;
            it.timestamp_ms.map_or(Ok(()), |ms| write!(f, " {}", stamp(ms)))
        }
    }
}

/// Name and labels of a sample.
pub(crate) fn series(sample: &Sample<'_>) -> String {
    if !is_plain(&sample.name, true) {
        let comma = if sample.labels.is_empty() { "" } else { "," };
        return format!("{{{}{comma}{}}}", quoted(&sample.name), labels(&sample.labels));
    }
    if sample.labels.is_empty() {
        return sample.name.to_string();
    }
    format!("{}{{{}}}", sample.name, labels(&sample.labels))
}

fn labels(labels: &Labels<'_>) -> String {
    let label = |name: &str| if is_plain(name, false) { name.to_owned() } else { quoted(name) };
    let labels: Vec<String> =
        labels.iter().map(|(name, value)| format!("{}={}", label(name), quoted(value))).collect();
    labels.join(",")
}

fn is_plain(name: &str, colons: bool) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || (colons && b == b':'))
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
