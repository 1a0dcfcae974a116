//! Figures: ratios, measured side by side in one run.

use crate::door::Topic;

/// All figures.
pub const TOPICS: &[Topic] = &[];
