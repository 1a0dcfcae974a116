//! Puts lines into families, and refuses what the format forbids between lines.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::fit::{ENDINGS, endings, fits};
use crate::twins::Twins;
use crate::{Dialect, ErrorKind, Exposition, Family, Kind, ParseError, Sample};

/// Families as they grow.
pub(crate) struct Families<'a> {
    dialect: Dialect,
    list: Vec<Family<'a>>,
    typed: BTreeSet<Cow<'a, str>>,
    places: BTreeMap<Cow<'a, str>, usize>,
    /// Family of the last sample.
    current: usize,
    twins: Twins,
    series: usize,
}

impl<'a> Families<'a> {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            list: Vec::new(),
            typed: BTreeSet::new(),
            places: BTreeMap::new(),
            current: 0,
            twins: Twins::default(),
            series: 0,
        }
    }

    pub(crate) fn help(&mut self, name: Cow<'a, str>, text: Cow<'a, str>) -> Result<(), ErrorKind> {
        let family = self.declared(name.clone())?;
        if family.help.is_some() {
            return Err(ErrorKind::DuplicateHelp(name.into_owned()));
        }
        family.help = Some(text);
        Ok(())
    }

    pub(crate) fn unit(&mut self, name: Cow<'a, str>, unit: Cow<'a, str>) -> Result<(), ErrorKind> {
        let family = self.declared(name.clone())?;
        if family.unit.is_some() {
            return Err(ErrorKind::DuplicateUnit(name.into_owned()));
        }
        if !unit.is_empty() && !name.strip_suffix(unit.as_ref()).is_some_and(|base| base.ends_with('_')) {
            return Err(ErrorKind::Unit { name: name.into_owned(), unit: unit.into_owned() });
        }
        family.unit = Some(unit);
        Ok(())
    }

    pub(crate) fn kind(&mut self, name: Cow<'a, str>, kind: Kind) -> Result<(), ErrorKind> {
        if self.typed.contains(&name) {
            return Err(ErrorKind::DuplicateType(name.into_owned()));
        }
        let taken = endings(kind, self.dialect)
            .iter()
            .map(|ending| format!("{name}{ending}"))
            .find(|taken| self.places.contains_key(taken.as_str()));
        let family = self.declared(name.clone())?;
        if let Some(taken) = taken {
            return Err(ErrorKind::Clash { name: taken, family: name.into_owned() });
        }
        family.kind = kind;
        self.typed.insert(name);
        Ok(())
    }

    /// Takes a sample that stands on that line.
    pub(crate) fn sample(&mut self, sample: Sample<'a>, line: usize) -> Result<(), ParseError> {
        let here = |kind| ParseError { line, column: 1, kind };
        let place = match self.list.get(self.current) {
            Some(family) if belongs(family, &sample.name, self.dialect) => self.current,
            _ => self.move_on(sample.name.clone()).map_err(here)?,
        };
        if place != self.current {
            self.no_twins()?;
            self.current = place;
        }
        let Some(family) = self.list.get_mut(place) else { return Ok(()) };
        fits(family, &sample, self.dialect).map_err(here)?;
        self.twins.note(&sample, family.samples.len(), line);
        family.samples.push(sample);
        self.series += 1;
        Ok(())
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Samples so far.
    pub(crate) fn series(&self) -> usize {
        self.series
    }

    /// Fails when a series of the family of the last sample stands twice.
    pub(crate) fn no_twins(&mut self) -> Result<(), ParseError> {
        let Some(family) = self.list.get(self.current) else { return Ok(()) };
        match self.twins.first(&family.samples) {
            None => Ok(()),
            Some((sample, line)) => {
                let kind = ErrorKind::DuplicateSeries(crate::write::series(sample));
                Err(ParseError { line, column: 1, kind })
            }
        }
    }

    pub(crate) fn finish(self) -> Exposition<'a> {
        Exposition { families: self.list }
    }

    /// The family of a sample that is not of the current one.
    fn move_on(&mut self, name: Cow<'a, str>) -> Result<usize, ErrorKind> {
        let family = self.owner(&name).map(|base| Cow::Owned(base.to_owned())).unwrap_or(name);
        let place = self.place(family.clone());
        match self.list.get(place) {
            // Declarations of all families at the top of the text are common and harmless.
            Some(known) if !known.samples.is_empty() && place != self.current => {
                Err(ErrorKind::Scattered(family.into_owned()))
            }
            _ => Ok(place),
        }
    }

    /// The family that a HELP, TYPE or UNIT line names. Its samples may not have begun.
    fn declared(&mut self, name: Cow<'a, str>) -> Result<&mut Family<'a>, ErrorKind> {
        if let Some(family) = self.owner(&name) {
            return Err(ErrorKind::Clash { family: family.to_owned(), name: name.into_owned() });
        }
        let place = self.place(name.clone());
        match self.list.get_mut(place) {
            Some(family) if family.samples.is_empty() => Ok(family),
            _ => Err(ErrorKind::Late(name.into_owned())),
        }
    }

    fn place(&mut self, name: Cow<'a, str>) -> usize {
        if let Some(place) = self.places.get(&name) {
            return *place;
        }
        self.places.insert(name.clone(), self.list.len());
        let kind = Kind::Untyped;
        self.list.push(Family { name, kind, help: None, unit: None, samples: Vec::new() });
        self.list.len() - 1
    }

    /// The family whose type puts an ending behind its name that makes it this one.
    fn owner<'n>(&self, name: &'n str) -> Option<&'n str> {
        ENDINGS.iter().find_map(|ending| {
            let base = name.strip_suffix(ending)?;
            let family = self.list.get(*self.places.get(base)?)?;
            endings(family.kind, self.dialect).contains(ending).then_some(base)
        })
    }
}

/// Whether a sample of that name is certainly of this family, without a look at the others.
fn belongs(family: &Family<'_>, name: &str, dialect: Dialect) -> bool {
    name.strip_prefix(family.name.as_ref())
        .is_some_and(|ending| ending.is_empty() || endings(family.kind, dialect).contains(&ending))
}
