//! Puts lines into families, and refuses what the format forbids between lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ErrorKind, Exposition, Family, Kind, Sample, number};

/// Families as they grow.
#[derive(Default)]
pub(crate) struct Families {
    list: Vec<Family>,
    typed: BTreeSet<String>,
    places: BTreeMap<String, usize>,
    series: BTreeSet<(String, Vec<(String, String)>)>,
}

impl Families {
    pub(crate) fn help(&mut self, name: String, text: String) -> Result<(), ErrorKind> {
        let place = self.declared(&name)?;
        match self.list.get_mut(place) {
            Some(family) if family.help.is_some() => Err(ErrorKind::DuplicateHelp(name)),
            Some(family) => {
                family.help = Some(text);
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(crate) fn kind(&mut self, name: String, kind: Kind) -> Result<(), ErrorKind> {
        if self.typed.contains(&name) {
            return Err(ErrorKind::DuplicateType(name));
        }
        let place = self.declared(&name)?;
        if let Some(taken) =
            suffixes(kind).iter().find_map(|suffix| self.places.get_key_value(&format!("{name}{suffix}")))
        {
            return Err(ErrorKind::Clash { name: taken.0.clone(), family: name });
        }
        if let Some(family) = self.list.get_mut(place) {
            family.kind = kind;
        }
        self.typed.insert(name);
        Ok(())
    }

    pub(crate) fn sample(&mut self, sample: Sample) -> Result<(), ErrorKind> {
        let family = self.owner(&sample.name).unwrap_or(&sample.name).to_owned();
        let place = self.place(&family)?;
        let mut labels = sample.labels.clone();
        labels.sort_unstable();
        if !self.series.insert((sample.name.clone(), labels)) {
            return Err(ErrorKind::DuplicateSeries(crate::write::series(&sample)));
        }
        if let Some(family) = self.list.get_mut(place) {
            fits(family, &sample)?;
            family.samples.push(sample);
        }
        Ok(())
    }

    pub(crate) fn series(&self) -> usize {
        self.series.len()
    }

    pub(crate) fn finish(self) -> Exposition {
        Exposition { families: self.list }
    }

    /// Place of a family that a HELP or TYPE line names.
    fn declared(&mut self, name: &str) -> Result<usize, ErrorKind> {
        if let Some(family) = self.owner(name) {
            return Err(ErrorKind::Clash { name: name.to_owned(), family: family.to_owned() });
        }
        let place = self.place(name)?;
        match self.list.get(place) {
            Some(family) if !family.samples.is_empty() => Err(ErrorKind::Late(name.to_owned())),
            _ => Ok(place),
        }
    }

    /// Place of the family, which must be the last one or new: all lines of a family stand together.
    fn place(&mut self, name: &str) -> Result<usize, ErrorKind> {
        let last = self.list.len();
        match self.places.get(name) {
            Some(place) if place + 1 == last => Ok(*place),
            // Declarations of all families at the top of the text are common and harmless.
            Some(place) if self.list.get(*place).is_some_and(|family| family.samples.is_empty()) => {
                Ok(*place)
            }
            Some(_) => Err(ErrorKind::Scattered(name.to_owned())),
            None => {
                self.places.insert(name.to_owned(), last);
                self.list.push(Family {
                    name: name.to_owned(),
                    kind: Kind::Untyped,
                    help: None,
                    samples: Vec::new(),
                });
                Ok(last)
            }
        }
    }

    /// The histogram or summary that a name with a suffix belongs to.
    fn owner<'a>(&self, name: &'a str) -> Option<&'a str> {
        ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
            let base = name.strip_suffix(suffix)?;
            let family = self.list.get(*self.places.get(base)?)?;
            suffixes(family.kind).contains(suffix).then_some(base)
        })
    }
}

/// What a family of that type puts behind its name.
fn suffixes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Histogram => &["_bucket", "_sum", "_count"],
        Kind::Summary => &["_sum", "_count"],
        Kind::Counter | Kind::Gauge | Kind::Untyped => &[],
    }
}

fn fits(family: &Family, sample: &Sample) -> Result<(), ErrorKind> {
    let suffix = sample.name.strip_prefix(family.name.as_str()).unwrap_or_default();
    let bound = match (family.kind, suffix) {
        (Kind::Histogram, "_bucket") => Some(("le", "a bucket needs a number in le")),
        (Kind::Summary, "") => Some(("quantile", "a quantile needs a number in quantile")),
        (Kind::Histogram, "") => {
            return Err(misfit(family, sample, "a histogram has only _bucket, _sum and _count"));
        }
        _ => None,
    };
    match bound {
        Some((label, reason)) if sample.label(label).and_then(number::value).is_none_or(f64::is_nan) => {
            Err(misfit(family, sample, reason))
        }
        _ => Ok(()),
    }
}

fn misfit(family: &Family, sample: &Sample, reason: &'static str) -> ErrorKind {
    ErrorKind::Misfit { name: sample.name.clone(), kind: family.kind.as_str(), reason }
}
