//! The journal on disk, and the folder in which runs live.
//!
//! A run is a folder `runs/ID/` with `journal` (JSON lines, each bound to the one before by SHA-256), `anchor`
//! (how far the journal was on the disk, so that *cut* and *unfinished* can be told apart), `reserve` (64 KiB that
//! are given back when the disk is full, so that an abort and the closing line can still be written), `lock`,
//! `work/` and `inbox/` (commands left while nobody ran).
//!
//! A line of the journal is compact JSON whose last member is `"hash"`: the SHA-256 of the line as it would be
//! without that member. So whoever can cut a string and hash it can check a journal.
//!
//! ```text
//! {"schema":1,"core_version":"0.1.0","run":"r1",...,"hash":H0}
//! {"seq":1,"prev":H0,"ts":0,"event":{...},"effects":[...],"hash":H1}
//! {"seq":2,"prev":H1,"ts":7,"effects":[],"hash":H2}
//! {"run_closed":H2,"seq":2}
//! ```
//!
//! Nothing here decides anything, and nothing here knows what an event means.

mod anchor;
mod commit;
mod disk;
mod error;
mod header;
pub mod inbox;
mod line;
mod read;
mod state;
mod writer;

pub use error::{JournalError, StateError};
pub use header::{Header, JOURNAL_SCHEMA, TargetRef};
pub use line::{MAX_JOURNAL, MAX_LINE};
pub use read::{JournalFile, Torn, read};
pub use state::{RunDir, RunSummary, StateDir};
pub use writer::{GROUP_WINDOW, JournalWriter, RESERVE_BYTES, Reopened};
