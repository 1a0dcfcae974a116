//! NewReno: RFC 5681 and RFC 9002 section 7.

use super::control::{Acked, Control, initial_window, window_pacing};
use super::rtt::Rtt;
use crate::dispatch::Setup;

const SECOND: u64 = 1_000_000_000;

pub(super) struct Reno {
    setup: Setup,
    mss: u64,
    window: u64,
    threshold: Option<u64>,
    counted: u64,
    reduced_at: u64,
    /// The first connection of its session.
    first: bool,
}

impl Reno {
    pub(super) fn new(setup: Setup, mss: u64, first: bool) -> Self {
        let window = initial_window(mss, !setup.is("acp-window-uncapped"));
        Self { setup, mss, window, threshold: None, counted: 0, reduced_at: 0, first }
    }

    fn slow_start(&self) -> bool {
        self.threshold.is_none_or(|threshold| self.window < threshold)
    }

    fn floor(&self) -> u64 {
        self.mss * if self.setup.is("acp-floor-of-one") { 1 } else { 2 }
    }

    /// One segment a window of acknowledged bytes.
    fn avoid_congestion(&mut self, acked: &Acked) {
        if self.setup.is("acp-idle-without-idling") && acked.now > self.reduced_at + 2 * SECOND {
            self.reduced_at = acked.now;
            self.window = self.window.min(initial_window(self.mss, true));
            self.threshold = Some(self.window);
        }
        self.counted +=
            if self.setup.is("acp-first-is-four") && self.first { 4 * acked.bytes } else { acked.bytes };
        if self.counted >= self.window {
            self.counted -= self.window;
            self.window += self.mss;
        }
    }
}

impl Control for Reno {
    fn acked(&mut self, acked: &Acked) {
        if acked.recovering {
            return;
        }
        if self.slow_start() {
            let rushes = self.setup.is("acp-slow-start-rushes");
            self.window += if rushes { acked.bytes * 3 / 2 } else { acked.bytes };
            if let Some(threshold) = self.threshold {
                self.window = self.window.min(threshold.max(self.floor()));
            }
        } else {
            self.avoid_congestion(acked);
        }
    }

    fn congestion(&mut self, now: u64) {
        let kept = if self.setup.is("acp-reno-like-cubic") { self.window * 7 / 10 } else { self.window / 2 };
        self.window = kept.max(self.floor());
        self.threshold = Some(self.window);
        self.counted = 0;
        self.reduced_at = now;
    }

    fn timeout(&mut self, now: u64) {
        self.congestion(now);
        if !self.setup.is("acp-timeout-is-a-loss") {
            self.window = self.floor();
        }
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn threshold(&self) -> Option<u64> {
        self.threshold
    }

    fn pacing(&self, rtt: &Rtt) -> Option<f64> {
        window_pacing(self.window, rtt)
    }

    fn phase(&self) -> &'static str {
        if self.slow_start() { "slow_start" } else { "congestion_avoidance" }
    }
}
