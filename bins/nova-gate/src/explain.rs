//! `explain`: a record of a watch, or a result, told again.

use std::path::Path;

use gate::{Report, Session, read_record};

use crate::failure::Failure;
use crate::files::{self, RECORD_MAX};

/// The report of a record or of a result.
pub(crate) fn explained(path: &Path) -> Result<Report, Failure> {
    let text = files::text(path, RECORD_MAX)?;
    let name = path.display();
    // A result is one value over many lines; a record is one line a value.
    if let Ok(report) = serde_json::from_str::<Report>(&text) {
        return Ok(report);
    }
    let record = read_record(&text).map_err(|error| {
        Failure::usage(format!("{name}:{error}\n    mend: give a file of --record, or of --format json"))
    })?;
    let mut session = Session::new(record.setup);
    record.notes.into_iter().for_each(|note| session.note(note));
    record.looks.iter().for_each(|look| session.observe(look));
    Ok(session.report())
}
