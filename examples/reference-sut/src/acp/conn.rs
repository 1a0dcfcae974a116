//! One connection: counts what is in flight, finds recoveries, measures, and asks its algorithm.

use serde_json::{Value, json};

use super::bandwidth::Sampler;
use super::control::{Acked, Control};
use super::rtt::Rtt;
use crate::dispatch::Setup;

/// A segment that an event is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) now: u64,
    pub(super) packet: u64,
    pub(super) bytes: u64,
    pub(super) sent: u64,
}

pub(super) struct Conn {
    setup: Setup,
    control: Box<dyn Control>,
    sampler: Sampler,
    rtt: Rtt,
    inflight: u64,
    sent_bytes: u64,
    acked_bytes: u64,
    lost_bytes: u64,
    lost_count: u64,
    /// Segments sent up to then belong to the recovery.
    recovery: Option<u64>,
    /// A fault reduces once more per recovery.
    twice: bool,
    /// What a fault shows as in flight although it is not.
    phantom: u64,
    next_send: u64,
}

impl Conn {
    pub(super) fn new(setup: Setup, control: Box<dyn Control>) -> Self {
        Self {
            setup,
            control,
            sampler: Sampler::default(),
            rtt: Rtt::default(),
            inflight: 0,
            sent_bytes: 0,
            acked_bytes: 0,
            lost_bytes: 0,
            lost_count: 0,
            recovery: None,
            twice: false,
            phantom: 0,
            next_send: 0,
        }
    }

    pub(super) fn sent(&mut self, now: u64, packet: u64, bytes: u64) {
        self.sampler.sent(now, packet);
        self.inflight += bytes;
        self.sent_bytes += bytes;
        if let Some(pacing) = self.control.pacing(&self.rtt) {
            let faulty = self.setup.is("acp-gap-too-short") && self.control.threshold().is_some();
            let short = if faulty { 0.9 } else { 1.0 };
            let gap = short * bytes as f64 * 1e9 / pacing.max(1.0);
            self.next_send = self.next_send.max(now) + gap as u64;
        }
    }

    fn recovering(&self, sent: u64) -> bool {
        self.recovery.is_some_and(|since| sent <= since)
    }

    pub(super) fn acked(&mut self, segment: Segment, rtt: u64, delay: u64) {
        let share = if self.setup.is("acp-srtt-quarter") { 0.25 } else { 0.125 };
        self.rtt.sample(rtt, delay, share);
        let (rate, new_round) = self.sampler.acked(segment.now, segment.packet, segment.bytes);
        let inflight = self.inflight;
        self.inflight = inflight.saturating_sub(segment.bytes);
        self.acked_bytes += segment.bytes;
        self.control.acked(&Acked {
            now: segment.now,
            bytes: segment.bytes,
            rtt,
            inflight,
            recovering: self.recovering(segment.sent),
            estimates: self.rtt,
            delivered: self.sampler.delivered,
            rate,
            new_round,
        });
    }

    fn congestion(&mut self, segment: Segment, again: bool) {
        if !self.recovering(segment.sent) {
            self.recovery = Some(segment.now);
            self.twice = false;
            self.control.congestion(segment.now);
        } else if again {
            self.twice = true;
            self.control.congestion(segment.now);
        }
    }

    pub(super) fn lost(&mut self, segment: Segment) {
        self.sampler.lost(segment.packet);
        self.lost_count += 1;
        let forgotten = self.setup.is("acp-inflight-keeps-lost") && self.lost_count.is_multiple_of(8);
        self.phantom += if forgotten { segment.bytes } else { 0 };
        self.inflight = self.inflight.saturating_sub(segment.bytes);
        self.lost_bytes += segment.bytes;
        self.control.lost(segment.now);
        let again = self.setup.is("acp-reduces-twice") && !self.twice;
        self.congestion(segment, again);
    }

    pub(super) fn marked(&mut self, segment: Segment) {
        self.congestion(segment, self.setup.is("acp-ecn-every-mark"));
    }

    pub(super) fn timeout(&mut self, now: u64, bytes: u64) {
        self.sampler.lost_all();
        self.inflight = self.inflight.saturating_sub(bytes);
        self.lost_bytes += bytes;
        self.recovery = None;
        self.next_send = now;
        self.control.timeout(now);
    }

    /// Lost over sent; 0 before anything was sent.
    pub(super) fn loss_rate(&self) -> f64 {
        let of = if self.setup.is("acp-loss-of-the-rest") { self.acked_bytes } else { self.sent_bytes };
        if of == 0 { 0.0 } else { self.lost_bytes as f64 / of as f64 }
    }

    /// Milliseconds; 0 before anything was measured.
    pub(super) fn latency_ms(&self) -> f64 {
        self.rtt.smoothed.unwrap_or(0.0) / 1e6
    }

    /// Sent and lost bytes.
    pub(super) const fn counted(&self) -> (u64, u64) {
        (self.sent_bytes, self.lost_bytes)
    }

    pub(super) fn state(&self) -> Value {
        let pacing = self.control.pacing(&self.rtt);
        json!({
            "cwnd": self.control.window(),
            "ssthresh": self.control.threshold(),
            "pacing": pacing,
            "next_send": pacing.map(|_| self.next_send),
            "inflight": self.inflight + self.phantom,
            "srtt": self.rtt.smoothed,
            "rttvar": self.rtt.variation,
            "min_rtt": self.rtt.shortest,
            "phase": self.control.phase(),
            "loss_rate": self.loss_rate(),
        })
    }
}
