//! Sequential tests: evidence that may be looked at whenever and however often, at one price.
//!
//! Every test here is an e-process: a capital that starts at 1 and grows only by bets that are fair when the release is
//! healthy. It passes 1/alpha at any time with probability at most alpha (Ville). Source of formulas: the decision
//! engine's specification, with the papers named in each module.

pub mod audit;
mod band;
pub mod betting;
pub mod blame;
mod bunching;
pub mod combine;
pub mod dkw;
mod edges;
pub mod engine;
pub mod explain;
mod history;
mod judge;
mod log;
mod mixture;
pub mod numerics;
mod overshoot;
mod pair;
mod plan;
mod presence;
pub mod promote;
pub mod reading;
mod slo;
pub mod split;
pub mod svg;
mod svg_durations;
pub mod table;
pub mod trail;
mod urn;

pub use audit::{AuditPlan, Audited};
pub use band::RatioBand;
pub use betting::Betting;
pub use blame::Blame;
pub use bunching::Bunching;
pub use dkw::Durations;
pub use edges::{EdgeTest, Edges};
pub use engine::{Engine, Finding};
pub use explain::{Explained, Explanation};
pub use history::HistoryTest;
pub use judge::Sequential;
pub use log::LogE;
pub use mixture::Mixture;
pub use pair::{Counts, Pair};
pub use plan::{Metric, Plan, Recorded};
pub use presence::{Patience, Presence, Sight};
pub use promote::ClearTest;
pub use reading::{Counters, Reading, Refused, Seen};
pub use slo::SloTest;
pub use split::{Dispersion, SplitTest};
pub use svg::svg;
pub use table::TableTest;
pub use urn::Urn;
