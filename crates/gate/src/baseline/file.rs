//! The file of baselines: JSON with a version, and which minutes are in it already, so that none counts twice.

use std::collections::BTreeMap;

use health::baseline::Baselines;
use serde::{Deserialize, Serialize};

use super::taken::Covered;
use crate::RecordError;

/// The version that is written and read.
const VERSION: u64 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
struct Version;

impl From<Version> for u64 {
    fn from(_: Version) -> Self {
        VERSION
    }
}

impl TryFrom<u64> for Version {
    type Error = String;
    fn try_from(version: u64) -> Result<Self, Self::Error> {
        match version {
            VERSION => Ok(Self),
            later if later > VERSION => {
                Err(format!("version {later} is of a later nova-gate; this one reads version {VERSION}"))
            }
            other => Err(format!("there never was a version {other}")),
        }
    }
}

/// Baselines of services, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineFile {
    version: Version,
    pub(super) services: Baselines,
    pub(super) taken: BTreeMap<String, Covered>,
}

impl Default for BaselineFile {
    fn default() -> Self {
        Self { version: Version, services: Baselines::default(), taken: BTreeMap::new() }
    }
}

impl BaselineFile {
    /// Reads a file.
    ///
    /// # Errors
    /// The place where it is not what it should be, and why.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let message = format!("no baselines: {message}");
            RecordError { line: error.line().max(1), column: error.column().max(1), message }
        })
    }

    /// As it is written.
    ///
    /// # Errors
    /// Never: all of it has a form in JSON.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The services that are in it.
    pub fn services(&self) -> Vec<&str> {
        self.services.services().collect()
    }

    /// What is recorded.
    pub const fn baselines(&self) -> &Baselines {
        &self.services
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_of_baselines_has_its_place_and_its_reason() {
        let good = BaselineFile::default().write().unwrap();
        assert_eq!(BaselineFile::read(&good), Ok(BaselineFile::default()));
        let hour = |text: &str| {
            format!("{{\"version\": 1, \"services\": {{\"a\": {{{text}}}}},\n \"taken\": {{}}}}")
        };
        let whole = "\"requests\": 5, \"bad\": 0, \"recorded_ms\": 0, \"weeks\": 1";
        assert!(BaselineFile::read(&hour(&format!("\"167\": {{{whole}}}"))).is_ok());
        for (text, line, message) in [
            (String::new(), 1, "EOF"),
            ("{\n\"version\": 1,\n".to_owned(), 3, "EOF"),
            ("{\n\"version\": 2, \"more\": 1}".to_owned(), 2, "version 2 is of a later nova-gate"),
            ("{\"version\": 0}".to_owned(), 1, "there never was a version 0"),
            ("{\"version\": 1, \"x\": 1}".to_owned(), 1, "unknown field `x`"),
            ("{\"version\": 1}".to_owned(), 1, "missing field"),
            (hour(&format!("\"168\": {{{whole}}}")), 1, "0 to 167"),
            (
                hour(&format!("\"5\": {{{}}}", whole.replace("\"bad\": 0", "\"bad\": 6"))),
                1,
                "more bad requests",
            ),
            (hour(&format!("\"5\": {{{}}}", whole.replace('5', "-5"))), 1, "-5"),
            (good.replace("{}\n}", "{\"a\": [[5, 3]]}}"), 4, "ends before it begins"),
        ] {
            let error = BaselineFile::read(&text).unwrap_err();
            assert!(error.message.contains(message), "{text}: {error}");
            assert_eq!(error.line, line, "{text}: {error}");
        }
    }
}
