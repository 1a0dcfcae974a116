//! A strict parser and a writer of the Prometheus text formats and of OpenMetrics.
//!
//! Numbers that decide about traffic are read here, so nothing is guessed: a line that is not understood, a series
//! that stands twice, a last line that was cut, a value that is no number, each is an error with line and column.
//! What is over a limit is refused before it is kept, and the error names the limit and the mend.
//! Sources: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
//!
//! An [`Exposition`] borrows from the text; [`Exposition::into_owned`] lets go of it.
//!
//! Native histograms have no form in any of these formats: they travel in protobuf, and a composite value as
//! OpenMetrics 2 drafts it is an error that says so. Not here: fetching (an adapter does), rates and quantiles
//! (`health` and `promql` do).
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cursor;
mod error;
mod families;
mod fit;
mod labels;
#[cfg(feature = "lenient")]
pub mod lenient;
mod limits;
mod line;
mod model;
mod number;
mod parse;
mod twins;
mod write;

pub use error::{ErrorKind, ParseError};
pub use limits::{Dialect, Limits};
pub use model::{Exemplar, Exposition, Family, Kind, Labels, Sample};
pub use parse::{parse, parse_as};
pub use write::Spelled;
