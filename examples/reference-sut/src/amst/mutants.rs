//! The faults of this part, one for each requirement.

use crate::mutants::{Mutant, mutant};

/// Its faults.
pub const MUTANTS: &[Mutant] = &[
    mutant("amst-last-byte", "AMST-001", "a payload one byte longer than whole chunks loses that byte"),
    mutant("amst-empty-internet", "AMST-002", "an empty payload is refused in internet mode only"),
    mutant(
        "amst-offset-from-id",
        "AMST-003",
        "offsets are the id times the length of the chunk that came first",
    ),
    mutant("amst-counts-twice", "AMST-004", "the counter of payload bytes counts duplicates"),
    mutant("amst-short-checksum", "AMST-005", "the checksum leaves out the last byte of the data"),
    mutant(
        "amst-waits-for-quiet",
        "AMST-006",
        "with idle streams open a transfer ends after 250 ms of quiet",
    ),
    mutant("amst-resends-one", "AMST-007", "of a lost stream only the chunk in hand is sent again"),
    mutant(
        "amst-sent-is-done",
        "AMST-008",
        "when all streams are lost, what was handed to the kernel counts as delivered",
    ),
    mutant("amst-gauge-by-writes", "AMST-009", "that an idle stream died is seen by the next write only"),
    mutant("amst-triples", "AMST-010", "the stream count may triple in one step"),
    mutant("amst-bound-then-round", "AMST-011", "the stream target is clamped first and rounded up after"),
    mutant("amst-round-trip-twice", "AMST-012", "the stream formula takes the one-way latency twice"),
    mutant("amst-halves-past-the-bound", "AMST-013", "a chunk at its lower bound is halved once more"),
    mutant("amst-rate-per-stream", "AMST-014", "each stream has the rate of the whole set"),
    mutant("amst-initial-above-max", "AMST-015", "initial streams are compared with the lower bound only"),
    mutant("amst-wraps-length", "AMST-016", "a length beyond 32 bits wraps around"),
    mutant("amst-seven-transfers", "AMST-017", "transfers are told apart modulo 7"),
    mutant("amst-eager-room", "AMST-018", "room for the whole transfer is made when its first header comes"),
    mutant(
        "amst-fixed-shares",
        "AMST-019",
        "chunks belong to streams beforehand, by their id modulo the streams",
    ),
    mutant(
        "amst-drops-on-switch",
        "AMST-020",
        "a stream that ends at a mode switch takes its next chunk with it",
    ),
];
