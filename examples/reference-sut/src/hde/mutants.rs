//! The faults of this part, one for each requirement.

use crate::mutants::{Mutant, mutant};

/// Its faults.
pub const MUTANTS: &[Mutant] = &[
    mutant(
        "hde-trims-zeros",
        "HDE-001",
        "in datacenter mode the zero bytes at the end of an lz4 input are trimmed",
    ),
    mutant("hde-shrink-keeps-tail", "HDE-002", "a state that shrank keeps the tail of its baseline"),
    mutant(
        "hde-late-receiver",
        "HDE-003",
        "a receiver opened after a whole state was sent again takes the frames before it for old ones",
    ),
    mutant("hde-any-baseline", "HDE-004", "a delta whose baseline is not there is put on the newest one"),
    mutant(
        "hde-length-without-seal",
        "HDE-005",
        "the compressed length in the header leaves out the last 16 bytes",
    ),
    mutant(
        "hde-quiet-loss",
        "HDE-006",
        "with lossy allowed the lowest bits are dropped, and the frame does not say so",
    ),
    mutant("hde-aliased-buffer", "HDE-007", "the baseline is the caller's buffer instead of a copy"),
    mutant("hde-seal-may-lack", "HDE-008", "a frame that is cut exactly before its seal is taken"),
    mutant("hde-unsealed-none", "HDE-009", "the seal of a body that is not compressed is not looked at"),
    mutant("hde-escapes", "HDE-010", "a body that is not compressed has an escape byte every 512 bytes"),
    mutant("hde-pads-tiny", "HDE-011", "inputs under 4 bytes are padded to 4"),
    mutant("hde-small-blocks", "HDE-012", "zstd works on 2 KiB at a time"),
    mutant("hde-coarse-delta", "HDE-013", "a delta compares blocks of 64 KiB"),
    mutant("hde-tiers-swapped", "HDE-014", "the levels of the tiers 2 and 3 are swapped"),
    mutant("hde-lz4-at-100-kib", "HDE-015", "exactly 100 KiB still counts as under 100 KiB"),
    mutant("hde-probes-the-start", "HDE-016", "whether an input shrinks is judged by its first 256 bytes"),
    mutant(
        "hde-dictionary-above-1-kib",
        "HDE-017",
        "the dictionary is used above 1 KiB only, so not at 1 KiB",
    ),
    mutant("hde-unpacks-first", "HDE-018", "a body is unpacked whole before its length is compared"),
    mutant("hde-keeps-all-baselines", "HDE-018", "baselines are never forgotten"),
    mutant("hde-ratio-of-bodies", "HDE-019", "the ratio counts bodies without their headers"),
    mutant("hde-private-byte", "HDE-020", "a zstd body begins with a byte of its own"),
];
