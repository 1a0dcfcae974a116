//! CUBIC: RFC 9438. Windows are in segments, times in seconds.

use super::control::{Acked, Control, initial_window, window_pacing};
use super::rtt::Rtt;
use crate::dispatch::Setup;

const BETA: f64 = 0.7;

pub(super) struct Cubic {
    setup: Setup,
    mss: u64,
    window: f64,
    threshold: Option<f64>,
    /// Window before the last reduction, maybe lowered by fast convergence.
    summit: f64,
    /// Window before the last reduction.
    prior: f64,
    epoch: Option<Epoch>,
    /// The next epoch follows a timeout: it has no summit to go back to.
    after_timeout: bool,
}

#[derive(Clone, Copy)]
struct Epoch {
    since: u64,
    k: f64,
    reno: f64,
}

impl Cubic {
    pub(super) fn new(setup: Setup, mss: u64) -> Self {
        let window = initial_window(mss, !setup.is("acp-window-uncapped")) as f64 / mss as f64;
        Self {
            setup,
            mss,
            window,
            threshold: None,
            summit: 0.0,
            prior: 0.0,
            epoch: None,
            after_timeout: false,
        }
    }

    fn c(&self) -> f64 {
        if self.setup.is("acp-cubic-flat") { 0.2 } else { 0.4 }
    }

    fn slow_start(&self) -> bool {
        self.threshold.is_none_or(|threshold| self.window < threshold)
    }

    fn begin(&mut self, now: u64) -> Epoch {
        if self.after_timeout || self.summit < self.window {
            self.summit = self.window;
        }
        self.after_timeout = false;
        let k = libm::cbrt((self.summit - self.window) / self.c());
        Epoch { since: now, k, reno: self.window }
    }

    fn avoid_congestion(&mut self, acked: &Acked) {
        let mut epoch = self.epoch.unwrap_or_else(|| self.begin(acked.now));
        let segments = acked.bytes as f64 / self.mss as f64;
        let at = |seconds: f64| self.c() * libm::pow(seconds - epoch.k, 3.0) + self.summit;
        let t = (acked.now - epoch.since) as f64 / 1e9;
        let rtt = acked.estimates.smoothed.unwrap_or(0.0) / 1e9;
        let alpha = if epoch.reno >= self.prior { 1.0 } else { 3.0 * (1.0 - BETA) / (1.0 + BETA) };
        epoch.reno += alpha * segments / self.window;
        let friendly = !self.setup.is("acp-cubic-below-reno");
        if friendly && at(t) < epoch.reno {
            self.window = self.window.max(epoch.reno);
        } else {
            let target = at(t + rtt).clamp(self.window, 1.5 * self.window);
            self.window += (target - self.window) / self.window * segments;
        }
        self.epoch = Some(epoch);
    }

    fn floor(&self) -> f64 {
        if self.setup.is("acp-floor-of-one") { 1.0 } else { 2.0 }
    }
}

impl Control for Cubic {
    fn acked(&mut self, acked: &Acked) {
        if acked.recovering {
            return;
        }
        if self.slow_start() {
            let rush = if self.setup.is("acp-slow-start-rushes") { 1.5 } else { 1.0 };
            self.window += rush * acked.bytes as f64 / self.mss as f64;
            if let Some(threshold) = self.threshold {
                self.window = self.window.min(threshold.max(self.floor()));
            }
        } else {
            self.avoid_congestion(acked);
        }
    }

    fn congestion(&mut self, _now: u64) {
        let converges = !self.setup.is("acp-cubic-holds-on");
        let lower = converges && self.window < self.summit;
        self.prior = self.window;
        self.summit = if lower { self.window * (1.0 + BETA) / 2.0 } else { self.window };
        self.window = (self.window * BETA).max(self.floor());
        self.threshold = Some(self.window);
        self.epoch = None;
    }

    fn timeout(&mut self, now: u64) {
        self.congestion(now);
        self.after_timeout = true;
        if !self.setup.is("acp-timeout-is-a-loss") {
            self.window = self.floor();
        }
    }

    fn window(&self) -> u64 {
        (self.window * self.mss as f64) as u64
    }

    fn threshold(&self) -> Option<u64> {
        self.threshold.map(|threshold| (threshold * self.mss as f64) as u64)
    }

    fn pacing(&self, rtt: &Rtt) -> Option<f64> {
        window_pacing(self.window(), rtt)
    }

    fn phase(&self) -> &'static str {
        if self.slow_start() { "slow_start" } else { "congestion_avoidance" }
    }
}
