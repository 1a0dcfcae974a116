//! Rate samples: what was delivered over the round trip of one segment, and their maximum over ten round trips.
//!
//! Source: IETF draft-cheng-iccrg-delivery-rate-estimation; the windowed maximum of BBR.

use std::collections::{BTreeMap, VecDeque};

/// What stood when a segment was sent.
#[derive(Clone, Copy)]
struct Stamp {
    sent: u64,
    delivered: u64,
    delivered_at: u64,
    first_sent: u64,
}

/// Keeps the stamps of segments in flight.
#[derive(Default)]
pub(super) struct Sampler {
    stamps: BTreeMap<u64, Stamp>,
    pub(super) delivered: u64,
    delivered_at: u64,
    first_sent: u64,
    next_round: u64,
}

/// More segments in flight than this are not stamped: they give no sample.
const MOST: usize = 1 << 17;

impl Sampler {
    pub(super) fn sent(&mut self, now: u64, packet: u64) {
        if self.stamps.is_empty() {
            (self.first_sent, self.delivered_at) = (now, now);
        }
        let (delivered, delivered_at, first_sent) = (self.delivered, self.delivered_at, self.first_sent);
        if self.stamps.len() < MOST {
            self.stamps.insert(packet, Stamp { sent: now, delivered, delivered_at, first_sent });
        }
    }

    /// Bytes a second, and whether the segment begins a round.
    pub(super) fn acked(&mut self, now: u64, packet: u64, bytes: u64) -> (Option<f64>, bool) {
        self.delivered += bytes;
        self.delivered_at = now;
        let Some(stamp) = self.stamps.remove(&packet) else { return (None, false) };
        self.first_sent = stamp.sent;
        let interval = (stamp.sent - stamp.first_sent).max(now - stamp.delivered_at);
        let rate = (interval > 0).then(|| (self.delivered - stamp.delivered) as f64 * 1e9 / interval as f64);
        let new_round = stamp.delivered >= self.next_round;
        if new_round {
            self.next_round = self.delivered;
        }
        (rate, new_round)
    }

    pub(super) fn lost(&mut self, packet: u64) {
        self.stamps.remove(&packet);
    }

    pub(super) fn lost_all(&mut self) {
        self.stamps.clear();
    }
}

/// The largest of the last ten rounds.
#[derive(Default)]
pub(super) struct Largest {
    round: u64,
    /// Round and value; values fall.
    values: VecDeque<(u64, f64)>,
}

impl Largest {
    pub(super) fn sample(&mut self, value: f64, new_round: bool) {
        self.round += u64::from(new_round);
        while self.values.back().is_some_and(|(_, other)| *other <= value) {
            self.values.pop_back();
        }
        self.values.push_back((self.round, value));
        while self.values.front().is_some_and(|(round, _)| round + 10 <= self.round) {
            self.values.pop_front();
        }
    }

    pub(super) fn value(&self) -> f64 {
        self.values.front().map_or(0.0, |(_, value)| *value)
    }
}
