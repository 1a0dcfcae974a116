//! The faults of ASS.

use crate::mutants::{Mutant, mutant};

/// All of them.
pub(super) const MUTANTS: &[Mutant] = &[
    mutant("ass-small-first", "ASS-001", "a unit below 64 bytes overtakes in its flow"),
    mutant("ass-one-round-only", "ASS-002", "a unit that needs two rounds of quanta is not looked for"),
    mutant("ass-whole-weights", "ASS-003", "weights lose what follows the point"),
    mutant("ass-jumbo-is-cheap", "ASS-004", "bytes of a unit over 1000 are not charged"),
    mutant("ass-newcomer-first", "ASS-005", "a flow that wakes goes before those that wait"),
    mutant("ass-pairs", "ASS-006", "a class once chosen sends two units"),
    mutant("ass-starts-at-the-end", "ASS-007", "a flow that wakes starts behind all that is queued"),
    mutant("ass-weight-when-idle", "ASS-008", "a new weight counts when the flow was idle once"),
    mutant("ass-down-again", "ASS-009", "a stream reported down twice gives its units back twice"),
    mutant("ass-deficit-stays", "ASS-010", "an idle flow goes on collecting quanta"),
    mutant("ass-drops-the-oldest", "ASS-011", "a full queue drops its oldest unit and accepts"),
    mutant("ass-weights-up-to-forty", "ASS-012", "a weight above 40 counts as 40"),
    mutant("ass-modulo", "ASS-013", "unit n goes to stream n modulo their number"),
    mutant("ass-linear", "ASS-014", "each decision looks through all flows"),
    mutant("ass-remembers", "ASS-015", "the first flow served depends on earlier sessions"),
    mutant("ass-microseconds", "ASS-016", "decision times are told in microseconds and called nanoseconds"),
    mutant("sync-drops-late", "ASS-101", "a message overtaken by a later one of the same node is dropped"),
    mutant("sync-remove-takes-all", "ASS-102", "a removal also takes what was added elsewhere meanwhile"),
    mutant("sync-common-keys-only", "ASS-103", "only keys that both have are compared"),
    mutant("sync-missing-keys-only", "ASS-104", "keys that differ are not exchanged"),
    mutant("sync-backs-off", "ASS-105", "a silent peer is asked after 1, 2, 4, 8, ... rounds only"),
    mutant("sync-blind-to-concurrency", "ASS-106", "the later of two concurrent writes hides the other"),
    mutant("sync-tie-by-arrival", "ASS-107", "of two writes of one time the first to arrive stays"),
    mutant("sync-forgets-deletions", "ASS-108", "a deletion leaves nothing behind"),
    mutant("sync-answers-in-turn", "ASS-109", "an answer is taken for the oldest request"),
    mutant("sync-sends-once", "ASS-110", "what was sent to a peer once is not sent again"),
    mutant("sync-silent-fallback", "ASS-111", "hybrid without a leader falls back and does not say so"),
];
