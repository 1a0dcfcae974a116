//! The contract of silences: placed once, found again, gone when lifted, and never one on an alert that guards.

use super::{Kept, promise};
use crate::{PortError, SilenceMatcher, Silences, Window};

/// Walks through the life of two windows. `guard` is a matcher that matches an alert which guards the rollout.
///
/// # Errors
/// The promise that was broken.
pub async fn silences(silences: &impl Silences, guard: SilenceMatcher) -> Kept {
    let first = window("contract-1", "DatabaseSlow");
    let id = silences.place(&first).await?;
    let again = silences.place(&first).await?;
    promise(id == again, "a window that is placed twice is one silence", &(&id, &again))?;
    silences.place(&window("contract-2", "DiskSlow")).await?;
    let standing = silences.standing().await?;
    let ours: Vec<_> = standing.iter().filter(|it| it.run == first.run).collect();
    promise(ours.len() == 1, "a silence is found again by its run", &standing)?;
    let whole = ours.iter().all(|it| {
        it.id == id
            && it.matchers == first.matchers
            && it.comment.contains(&first.comment)
            && !it.owner.is_empty()
            && it.ends_ms > 0
    });
    promise(whole, "a silence has an end, an owner, a comment and its matchers", &ours)?;
    let lifted = silences.lift(&first.run).await?;
    promise(lifted == 1, "a silence is lifted", &lifted)?;
    let left = silences.standing().await?;
    let gone = left.iter().all(|it| it.run != first.run) && left.iter().any(|it| it.run == "contract-2");
    promise(gone, "lifting takes the silences of that run and no others", &left)?;
    let twice = silences.lift(&first.run).await?;
    promise(twice == 0, "lifting twice changes nothing", &twice)?;
    silences.lift("contract-2").await?;
    refused(silences, guard).await
}

async fn refused(silences: &impl Silences, guard: SilenceMatcher) -> Kept {
    let good = window("contract-3", "DatabaseSlow");
    let any = SilenceMatcher { label: "alertname".into(), value: ".+".into(), regex: true, equal: true };
    for (promised, bad) in [
        ("no silence on an alert that guards the rollout", Window { matchers: vec![guard], ..good.clone() }),
        ("no silence on all alerts", Window { matchers: vec![any], ..good.clone() }),
        ("no silence without a matcher", Window { matchers: vec![], ..good.clone() }),
        ("no silence without a comment", Window { comment: " ".into(), ..good.clone() }),
        ("no silence without an end", Window { lasts_ms: 0, ..good.clone() }),
        ("no silence for a year", Window { lasts_ms: 365 * 86_400_000, ..good.clone() }),
    ] {
        let placed = silences.place(&bad).await;
        promise(matches!(placed, Err(PortError::Refused(_))), promised, &placed)?;
    }
    let standing = silences.standing().await?;
    promise(standing.iter().all(|it| it.run != good.run), "what is refused is not placed", &standing)
}

fn window(run: &str, alert: &str) -> Window {
    let matcher =
        SilenceMatcher { label: "alertname".into(), value: alert.into(), regex: false, equal: true };
    Window {
        run: run.to_owned(),
        matchers: vec![matcher],
        lasts_ms: 600_000,
        comment: "a \"quoted\" ünïcode reason".to_owned(),
    }
}
