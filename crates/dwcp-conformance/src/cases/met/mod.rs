//! Cases of metrics and status.
//!
//! | op | parameters | result |
//! |---|---|---|
//! | `metrics.scrape` | | `text`: Prometheus text or OpenMetrics |
//! | `status` | | `metrics`: name to value, those of the scrape |
//! | `metrics.gate` | `text`, `now_ms`, `scraped_ms` | `pass`, `verdict`, `series`: the design's name to `known` or `unknown` |
//!
//! The names of the design may have other names here: `hello` declares them in `metric_names`.

mod exported;
mod gate;
mod scrape;
mod workload;

use crate::requirement::Case;

/// All of them.
pub fn cases() -> Vec<Case> {
    vec![
        exported::PARSES,
        exported::NAMES,
        workload::COUNTERS,
        workload::RANGES,
        workload::FOLLOWS,
        exported::ALERTS,
        exported::CARDINALITY,
        workload::STATUS,
        gate::UNKNOWN,
    ]
}
