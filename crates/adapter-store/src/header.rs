//! The first line of a journal: which run, by which program, on which clocks, against which targets.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::JournalError;
use crate::line::{self, Unsealed};

/// The schema that this program writes.
pub const JOURNAL_SCHEMA: u32 = 1;

/// A target as the run knew it when it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRef {
    /// As the pipeline file calls it.
    pub name: String,
    /// Identity of the target itself; another one under the same name is another target.
    pub uid: String,
}

/// The header of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always `JOURNAL_SCHEMA` when we write.
    pub schema: u32,
    /// Version of the pure crates that decided.
    pub core_version: String,
    /// The run's id.
    pub run: String,
    /// Identity of the boot in which the run was opened.
    pub boot_id: String,
    /// Boot clock when the run was opened, in milliseconds.
    pub boot_ms: u64,
    /// Wall clock when the run was opened, in milliseconds since 1970.
    pub wall_ms: u64,
    /// The targets.
    pub targets: Vec<TargetRef>,
    /// What the run was opened with; free for the writer.
    pub definition: Value,
}

impl Header {
    /// The line and its hash.
    pub(crate) fn seal(&self) -> Result<(String, String), JournalError> {
        let body =
            serde_json::to_string(self).map_err(|why| JournalError::Header { why: why.to_string() })?;
        Ok(line::seal(body))
    }

    /// Reads the first line of a journal, without its line break.
    pub(crate) fn unseal(bytes: &[u8]) -> Result<(Self, String), JournalError> {
        let bad = |why: &str| JournalError::Header { why: why.to_owned() };
        let (body, hash) = line::unseal(bytes).map_err(|fault| match fault {
            Unsealed::NoSeal => bad("the first line is not a journal's header"),
            Unsealed::Mismatch => bad("a byte was changed, its hash does not match"),
        })?;
        let free: Value = serde_json::from_slice(&body).map_err(|why| bad(&why.to_string()))?;
        let found = free.get("schema").and_then(Value::as_u64).ok_or_else(|| bad("it names no schema"))?;
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        if found > JOURNAL_SCHEMA {
            return Err(JournalError::SchemaNewer { found, known: JOURNAL_SCHEMA });
        }
        let header = serde_json::from_slice(&body).map_err(|why| bad(&why.to_string()))?;
        Ok((header, hash))
    }
}
