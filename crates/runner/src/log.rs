//! Steps of a run as entries of its journal.

use std::fmt::Display;

use machine::{Durability, Machine, fingerprints};
use ports::{Entry, Journal, Json, PortError};

use crate::{Log, Recorded, failpoint};

/// Writes the steps of a machine to a journal.
#[derive(Debug)]
pub struct JournalLog<J> {
    journal: J,
}

impl<J> JournalLog<J> {
    /// Writes to this journal.
    pub const fn new(journal: J) -> Self {
        Self { journal }
    }

    /// The journal, when the run has ended.
    pub fn into_journal(self) -> J {
        self.journal
    }
}

/// The entry of one step.
///
/// # Errors
/// The event cannot be written as JSON.
pub fn entry_of<M: Machine>(recorded: &Recorded<'_, M>) -> Result<Entry, PortError>
where
    M::Rejected: Display,
{
    Ok(Entry {
        ts: recorded.now,
        event: recorded.event.map(Json::of).transpose()?,
        effects: fingerprints(&recorded.stepped.effects),
        rejected: recorded.stepped.rejected.as_ref().map(ToString::to_string),
    })
}

impl<M, J> Log<M> for JournalLog<J>
where
    M: Machine,
    M::Rejected: Display,
    J: Journal,
{
    fn append(&mut self, recorded: &Recorded<'_, M>, durability: Durability) -> Result<(), PortError> {
        failpoint("journal.before");
        self.journal.append(entry_of(recorded)?, durability)?;
        failpoint("journal.after");
        Ok(())
    }
}
