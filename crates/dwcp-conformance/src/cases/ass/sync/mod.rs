//! Cases of ASS read as state synchronisation. Messages are opaque; the harness's bus carries them.
//!
//! | op | parameters | result |
//! |---|---|---|
//! | `sync.node` | | `node`: 0, 1, ...; all nodes of a session know each other |
//! | `sync.apply` | `node`, `op`, optional `mode`: `strong`, `hybrid`, `eventual` | `mode` that was used, `fallback` |
//! | `sync.outbox` | `node` | `messages: [{to, msg}]`, taken out |
//! | `sync.inbox` | `node`, `from`, `msg` | |
//! | `sync.tick` | `now` in nanoseconds, for all nodes | |
//! | `sync.digest` | `node` | `digest` |
//! | `sync.read` | `node`, `key` | `value`; for registers `concurrent` |
//! | `sync.get`, `sync.answers` | `node`, `peer`, `key`; `node` | `request`; `answers: [{request, key, value}]` |
//! | `sync.leader` | `leader`: a node, or null | |
//!
//! An `op` is `{type: lww, key, value, ts}` (`value` null deletes), `{type: orset, key, action: add or remove, element}`,
//! or `{type: counter, key, by}`.

mod converge;
mod meaning;
mod merge;
mod repair;
mod replicas;

use crate::requirement::Case;

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    vec![
        converge::CONVERGE,
        merge::MERGE,
        repair::MISSING,
        repair::DIFFERING,
        repair::HEAL,
        meaning::CONCURRENT,
        meaning::TIES,
        meaning::DELETES,
        meaning::CORRELATED,
        converge::LOSS,
        meaning::MODES,
    ]
}
