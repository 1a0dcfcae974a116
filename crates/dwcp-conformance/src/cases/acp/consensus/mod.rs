//! Cases of ACP read as consensus. Messages are opaque; the harness's bus carries them and its clock moves the replicas.
//!
//! | op | parameters | result |
//! |---|---|---|
//! | `cons.open` | `n`, `f`, `alg`: `raft` or `pbft` | begins anew |
//! | `cons.tick` | `now` in nanoseconds, for all replicas | |
//! | `cons.outbox` | | `messages: [{from, to, msg}]`, taken out |
//! | `cons.inbox` | `node`, `from`, `msg` | |
//! | `cons.propose` | `node`, `id`, `value` | `status: pending` |
//! | `cons.status` | `node`, `id` | `status`: `pending` or `committed` |
//! | `cons.log` | `node` | `applied: [{id, value}]`, `view`, `leader` |
//! | `cons.crash`, `.restart` | `node` | what it had on disk is kept |
//! | `cons.twin` | `node` | `node`: another replica with the identity and the state of this one |
//! | `cons.quorum` | `alg`, `n`, `f`; or `n`, `r`, `w` | `quorum`; refused when r + w ≤ n |
//! | `cons.decide` | `metrics: {regions, latency_ms, conflict_rate}` | `algorithm`: `raft`, `eventual`, `epaxos`, `hybrid`, `paxos` |
//! | `cons.switch` | `alg`, `now`, `benefit`, `cost` | `switched`, `reason` |
//!
//! An equivocating primary is made of twins (Bano et al. 2020): two replicas with one identity, each heard by another
//! part. So no message has to be forged. Capabilities: `raft`, `pbft`.

mod choice;
mod cluster;
mod safety;
mod service;

use crate::requirement::Case;

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    vec![
        safety::AGREEMENT,
        safety::ONCE,
        service::COMMIT,
        service::HEALTHY,
        service::SILENT,
        safety::EQUIVOCATION,
        service::NEW_VIEW,
        choice::QUORUMS,
        choice::DECISION,
        choice::SWITCHES,
        choice::KEPT,
        service::LATENCY,
    ]
}
