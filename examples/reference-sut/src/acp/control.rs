//! What a connection asks of an algorithm.

use super::rtt::Rtt;

/// An acknowledged segment, with all that was measured from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acked {
    pub(super) now: u64,
    pub(super) bytes: u64,
    pub(super) rtt: u64,
    /// In flight before it.
    pub(super) inflight: u64,
    /// Sent before the recovery under way began.
    pub(super) recovering: bool,
    pub(super) estimates: Rtt,
    /// Delivered so far.
    pub(super) delivered: u64,
    /// Bytes a second over the segment's round trip.
    pub(super) rate: Option<f64>,
    /// The segment begins a new round trip.
    pub(super) new_round: bool,
}

/// A congestion control algorithm.
pub(super) trait Control {
    /// A segment was acknowledged.
    fn acked(&mut self, acked: &Acked);
    /// A recovery begins; never more than once a round trip.
    fn congestion(&mut self, now: u64);
    /// A single loss, also inside a recovery.
    fn lost(&mut self, _now: u64) {}
    /// The timer ran out.
    fn timeout(&mut self, now: u64);
    /// Bytes that may be in flight.
    fn window(&self) -> u64;
    /// Where slow start ends.
    fn threshold(&self) -> Option<u64>;
    /// Bytes a second; `None` while nothing is known.
    fn pacing(&self, rtt: &Rtt) -> Option<f64>;
    /// What it does now.
    fn phase(&self) -> &'static str;
}

/// The initial window of RFC 6928.
pub(super) const fn initial_window(mss: u64, capped: bool) -> u64 {
    let cap = if 2 * mss > 14_600 { 2 * mss } else { 14_600 };
    if capped && 10 * mss > cap { cap } else { 10 * mss }
}

/// The pacing of RFC 9002 section 7.7.
pub(super) fn window_pacing(window: u64, rtt: &Rtt) -> Option<f64> {
    rtt.smoothed.map(|smoothed| 1.25 * window as f64 * 1e9 / smoothed.max(1.0))
}
