//! Numbers from Prometheus and its like, each with a named outcome, never coerced (invariant I28).
//!
//! | module | what |
//! |---|---|
//! | [`names`], [`map()`], [`PrometheusMetrics`] | the port over a scrape of our own splitter, by contract |
//! | [`config`], [`relabel`], [`collect`] | targets of a Prometheus configuration, scraped and relabelled into a store |
//! | [`query`], [`answer`], [`outcome`] | the query API: deadlines, retries, warnings; what one number is |
//! | [`native`] | native histograms as the query API writes them, and their counts at shared bounds |
//! | [`server`], [`web`] | the port over a Prometheus server, and over JSON by HTTP |
//! | [`belonging`] | which revision a sample belongs to: proven or not used (invariant I26) |
//!
//! Whatever is not exactly what was agreed is an error by name: a missing family, a value that is no whole number, a
//! series too many. A number that was made up would decide about traffic.

pub mod answer;
pub mod belonging;
pub mod collect;
pub mod config;
mod fetch;
mod histogram;
mod map;
pub mod names;
pub mod native;
pub mod outcome;
pub mod query;
pub mod relabel;
mod scrape;
pub mod server;
pub mod web;
mod whole;

pub use map::{MappingError, map};
pub use scrape::{PrometheusMetrics, Source};
pub use whole::NotWhole;
