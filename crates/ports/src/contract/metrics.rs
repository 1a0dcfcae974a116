//! The contract of metrics: counters never fall between two scrapes, and are consistent within one.

use super::{Kept, promise};
use crate::{Arm, Metrics, Scrape};

/// Compares two scrapes. `between` may make the counters move.
///
/// # Errors
/// The promise that was broken.
pub async fn metrics<F: Future<Output = ()>>(metrics: &impl Metrics, between: impl FnOnce() -> F) -> Kept {
    let first = metrics.scrape().await?;
    between().await;
    let second = metrics.scrape().await?;
    for arm in first.arms.iter().chain(&second.arms) {
        consistent(arm)?;
    }
    for before in &first.arms {
        let after = second.arms.iter().find(|arm| arm.revision == before.revision);
        let rose = after.is_some_and(|after| rises(before, after));
        promise(rose, "counters of a revision never fall between two scrapes", &(before, after))?;
    }
    promise(once(&first) && once(&second), "a revision is there once", &second)
}

fn consistent(arm: &Arm) -> Kept {
    let bad = arm.server_errors.saturating_add(arm.failures);
    promise(bad <= arm.requests, "no more bad requests than requests", arm)?;
    let counted = arm.latency_us.last().map_or(0, |(_, count)| *count);
    promise(counted <= arm.requests, "no more durations than requests", arm)?;
    let rising = arm.latency_us.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0 && a.1 <= b.1));
    promise(rising, "bounds and counts of durations rise", arm)
}

const fn rises(before: &Arm, after: &Arm) -> bool {
    after.requests >= before.requests
        && after.server_errors >= before.server_errors
        && after.failures >= before.failures
}

fn once(scrape: &Scrape) -> bool {
    let mut revisions: Vec<_> = scrape.arms.iter().map(|arm| &arm.revision).collect();
    revisions.sort();
    revisions.windows(2).all(|pair| matches!(pair, [a, b] if a != b))
}
