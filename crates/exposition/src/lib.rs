//! A strict parser and a writer of the Prometheus text exposition format, version 0.0.4.
//!
//! Numbers that decide about traffic are read here, so nothing is guessed: a line that is not understood, a series
//! that stands twice, a last line that was cut, a value that is no number, each is an error with line and column.
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
//!
//! Not here: fetching (an adapter does), rates and quantiles (`health` does), OpenMetrics (a later [`Dialect`]).
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod cursor;
mod error;
mod families;
mod limits;
mod line;
mod model;
mod number;
mod parse;
mod write;

pub use error::{ErrorKind, ParseError};
pub use limits::{Dialect, Limits};
pub use model::{Exposition, Family, Kind, Sample};
pub use parse::{parse, parse_as};
