//! The faults of ACP.

use crate::mutants::{Mutant, mutant};

/// All of them.
pub const MUTANTS: &[Mutant] = &[
    mutant("acp-window-uncapped", "ACP-001", "the initial window is ten segments, whatever they hold"),
    mutant("acp-floor-of-one", "ACP-002", "a reduction may leave one segment"),
    mutant("acp-slow-start-rushes", "ACP-003", "slow start adds one and a half of what was acknowledged"),
    mutant("acp-reno-like-cubic", "ACP-004", "Reno keeps seven tenths of its window"),
    mutant("acp-reduces-twice", "ACP-005", "the second loss of a recovery reduces once more"),
    mutant("acp-cubic-flat", "ACP-006", "CUBIC's constant is half of what it should be"),
    mutant("acp-cubic-below-reno", "ACP-007", "CUBIC leaves out the Reno-friendly region"),
    mutant("acp-cubic-holds-on", "ACP-008", "CUBIC does not release bandwidth to a newcomer"),
    mutant("acp-inflight-keeps-lost", "ACP-009", "every eighth lost segment stays in flight for ever"),
    mutant("acp-timeout-is-a-loss", "ACP-010", "a timeout reduces like a loss"),
    mutant("acp-gap-too-short", "ACP-011", "the gap between segments leaves out the last tenth"),
    mutant("acp-srtt-quarter", "ACP-012", "the smoothed round trip moves by a quarter, not an eighth"),
    mutant("acp-bbr-two-rounds", "ACP-013", "BBR's start-up ends after two rounds without growth"),
    mutant("acp-bbr-drains-slowly", "ACP-014", "BBR drains with a gain of 0.6"),
    mutant("acp-bbr-never-pays-back", "ACP-014", "BBR's cycle has no phase below 1"),
    mutant("acp-bbr-short-probe", "ACP-015", "BBR looks for the shortest round trip for 100 ms only"),
    mutant("acp-bbr-gain-three", "ACP-016", "BBR's window is three times the bandwidth-delay product"),
    mutant("acp-idle-without-idling", "ACP-017", "two seconds without a loss are taken for idleness"),
    mutant("acp-first-is-four", "ACP-018", "the first connection grows like four"),
    mutant(
        "acp-bbr-fills-buffers",
        "ACP-019",
        "BBR neither drains nor limits what is in flight to twice the product",
    ),
    mutant("acp-bbr-heeds-loss", "ACP-020", "BBR's window is halved by a loss and then grows like Reno's"),
    mutant("acp-ecn-every-mark", "ACP-021", "each mark reduces, also of the same round trip"),
    mutant("acp-loss-of-the-rest", "ACP-022", "the loss rate is lost over acknowledged"),
];
