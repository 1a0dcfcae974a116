//! The metrics port over a scrape of `/metrics`: fetched under a deadline, parsed strictly, mapped by contract.
//!
//! The names that the splitter exports (the contract) are in [`names`]. Whatever is not exactly that is an error
//! by name: a missing family, a value that is no whole number, a series too many. Nothing is coerced, because a
//! number that was made up would decide about traffic (invariant I28).
//!
//! Not here: the query API of a Prometheus server.

mod fetch;
mod histogram;
mod map;
pub mod names;
mod scrape;
mod whole;

pub use map::{MappingError, map};
pub use scrape::{PrometheusMetrics, Source};
pub use whole::NotWhole;
