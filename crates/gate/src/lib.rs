//! A gate: two revisions are looked at, one verdict comes out, with everything that led to it as data.
//!
//! ```text
//!  gate file ── file::read ──► Gate ───────────────┐
//!  a scrape ── rows ── count ──► Counted ── pods ──┤
//!                                 Observation ─────┴─► Session ── report ──► Report ── render::* ──► text, SARIF, HTML ...
//!                                     └── one line of a record ──► Session: the same report again
//! ```
//!
//! Nothing is fetched here and no clock is read: who scrapes hands over rows with their times. What is not evidence has
//! a name ([`Refusal`]) and stands in the report; nothing is dropped in silence.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod alerts;
mod audit;
pub mod baseline;
pub mod bounded;
pub mod checks;
mod count;
pub mod file;
pub mod history;
pub mod lint;
mod names;
mod observation;
mod planned;
mod recorded;
mod refusal;
pub mod render;
mod report;
mod rows;
mod session;
mod setup;
mod summed;
mod tell;
pub mod units;

pub use alerts::{AlertSeen, AlertState, OwnRules, ServerRule, held, server_rules};
pub use audit::{Audit, audit};
pub use count::{Counted, count};
pub use file::{Arm, Gate, Problem, Problems, read};
pub use names::Names;
pub use observation::{Answer, Line, Observation, Pod, Record, RecordError, read_record};
pub use planned::Planned;
pub use refusal::{Refusal, Why};
pub use report::{ArmReport, Literally, Refused, Report, Smallest, Verdict};
pub use rows::{Row, rows};
pub use session::Session;
pub use setup::{Decides, Setup};
