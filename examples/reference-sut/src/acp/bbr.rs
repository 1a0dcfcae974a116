//! BBR, version 1: Cardwell et al. 2016 and draft-cardwell-iccrg-bbr-congestion-control-00, with the start-up gain of
//! 4 ln 2 of the later drafts and its inverse for draining.

use super::bandwidth::Largest;
use super::control::{Acked, Control, initial_window};
use super::rtt::Rtt;
use crate::dispatch::Setup;

/// 4 ln 2.
pub(super) const STARTUP_GAIN: f64 = 2.772_588_722_239_781;
const CYCLE: [f64; 8] = [1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
const MS: u64 = 1_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Startup,
    Drain,
    ProbeBandwidth,
    ProbeRtt,
}

pub(super) struct Bbr {
    setup: Setup,
    mss: u64,
    phase: Phase,
    window: u64,
    saved_window: u64,
    bandwidth: Largest,
    shortest: u64,
    shortest_at: u64,
    /// Start-up: the bandwidth at the last growth, rounds since, and whether the pipe is full.
    full_bandwidth: f64,
    full_rounds: u32,
    full: bool,
    cycle: usize,
    cycle_at: u64,
    /// When the probe may end, once what is in flight is little enough; and whether a round has passed since.
    probe_until: Option<u64>,
    probe_round: bool,
    lost_in_cycle: bool,
    /// Only a fault lowers it.
    ceiling: u64,
}

impl Bbr {
    pub(super) fn new(setup: Setup, mss: u64) -> Self {
        let window = initial_window(mss, !setup.is("acp-window-uncapped"));
        Self {
            setup,
            mss,
            phase: Phase::Startup,
            window,
            saved_window: window,
            bandwidth: Largest::default(),
            shortest: u64::MAX,
            shortest_at: 0,
            full_bandwidth: 0.0,
            full_rounds: 0,
            full: false,
            cycle: 2,
            cycle_at: 0,
            probe_until: None,
            probe_round: false,
            lost_in_cycle: false,
            ceiling: u64::MAX,
        }
    }

    fn gain(&self) -> f64 {
        match self.phase {
            Phase::Startup => STARTUP_GAIN,
            Phase::Drain if self.setup.is("acp-bbr-drains-slowly") => 0.6,
            Phase::Drain => 1.0 / STARTUP_GAIN,
            Phase::ProbeBandwidth if self.setup.is("acp-bbr-never-pays-back") => CYCLE[self.cycle].max(1.0),
            Phase::ProbeBandwidth => CYCLE[self.cycle],
            Phase::ProbeRtt => 1.0,
        }
    }

    fn window_gain(&self) -> f64 {
        match self.phase {
            Phase::Startup | Phase::Drain => STARTUP_GAIN,
            Phase::ProbeRtt => 1.0,
            Phase::ProbeBandwidth if self.setup.is("acp-bbr-gain-three") => 3.0,
            Phase::ProbeBandwidth if self.setup.is("acp-bbr-fills-buffers") => 4.0,
            Phase::ProbeBandwidth => 2.0,
        }
    }

    /// What is in flight at a gain: that many bandwidth-delay products and a little for bursts.
    fn inflight(&self, gain: f64) -> u64 {
        if self.shortest == u64::MAX {
            return initial_window(self.mss, true);
        }
        (gain * self.bandwidth.value() * self.shortest as f64 / 1e9) as u64 + 3 * self.mss
    }

    fn least(&self) -> u64 {
        self.mss * if self.setup.is("acp-floor-of-one") { 1 } else { 4 }
    }

    fn check_full(&mut self, acked: &Acked) {
        if self.full || !acked.new_round {
            return;
        }
        if self.bandwidth.value() >= self.full_bandwidth * 1.25 {
            self.full_bandwidth = self.bandwidth.value();
            self.full_rounds = 0;
            return;
        }
        self.full_rounds += 1;
        let enough = if self.setup.is("acp-bbr-two-rounds") { 2 } else { 3 };
        self.full = self.full_rounds >= enough;
    }

    fn enter_cycle(&mut self, now: u64) {
        self.phase = Phase::ProbeBandwidth;
        self.cycle_at = now;
        // Any phase but the one below 1; the seed decides.
        self.cycle = [0, 2, 3, 4, 5, 6, 7][(self.setup.seed % 7) as usize];
    }

    fn advance_cycle(&mut self, acked: &Acked) {
        let long = acked.now - self.cycle_at > self.shortest;
        let gain = CYCLE[self.cycle];
        let next = if gain > 1.0 {
            long && (self.lost_in_cycle || acked.inflight >= self.inflight(gain))
        } else if gain < 1.0 {
            long || acked.inflight <= self.inflight(1.0)
        } else {
            long
        };
        if next {
            self.cycle = (self.cycle + 1) % CYCLE.len();
            self.cycle_at = acked.now;
            self.lost_in_cycle = false;
        }
    }

    fn steer(&mut self, acked: &Acked) {
        self.check_full(acked);
        if self.phase == Phase::Startup && self.full {
            self.phase = Phase::Drain;
        }
        let drained = acked.inflight <= self.inflight(1.0) || self.setup.is("acp-bbr-fills-buffers");
        if self.phase == Phase::Drain && drained {
            self.enter_cycle(acked.now);
        }
        if self.phase == Phase::ProbeBandwidth {
            self.advance_cycle(acked);
        }
    }

    /// The shortest round trip of ten seconds; when none was seen for so long, looks for it with little in flight.
    fn probe_rtt(&mut self, acked: &Acked) {
        let expired = acked.now > self.shortest_at + 10_000 * MS;
        if acked.rtt <= self.shortest || expired {
            self.shortest = acked.rtt;
            self.shortest_at = acked.now;
        }
        if expired && self.phase != Phase::ProbeRtt {
            self.saved_window = self.window;
            self.phase = Phase::ProbeRtt;
            self.probe_until = None;
        }
        if self.phase != Phase::ProbeRtt {
            return;
        }
        match self.probe_until {
            None if acked.inflight <= self.least() => {
                let lasts = if self.setup.is("acp-bbr-short-probe") { 100 } else { 200 };
                self.probe_until = Some(acked.now + lasts * MS);
                self.probe_round = false;
            }
            None => {}
            Some(until) => {
                self.probe_round |= acked.new_round;
                if self.probe_round && acked.now > until {
                    self.shortest_at = acked.now;
                    self.window = self.window.max(self.saved_window);
                    if self.full { self.enter_cycle(acked.now) } else { self.phase = Phase::Startup }
                }
            }
        }
    }

    fn set_window(&mut self, acked: &Acked) {
        let target = self.inflight(self.window_gain());
        if self.full {
            self.window = (self.window + acked.bytes).min(target);
        } else if self.window < target || acked.delivered < initial_window(self.mss, true) {
            self.window += acked.bytes;
        }
        self.window = self.window.max(self.least());
        if self.phase == Phase::ProbeRtt {
            self.window = self.window.min(self.least());
        }
    }
}

impl Control for Bbr {
    fn acked(&mut self, acked: &Acked) {
        if let Some(rate) = acked.rate {
            self.bandwidth.sample(rate, acked.new_round);
        }
        self.steer(acked);
        self.probe_rtt(acked);
        self.set_window(acked);
        if self.ceiling < u64::MAX {
            self.ceiling += self.mss * acked.bytes / self.ceiling;
            self.window = self.window.min(self.ceiling);
        }
    }

    fn congestion(&mut self, _now: u64) {}

    fn lost(&mut self, _now: u64) {
        self.lost_in_cycle = true;
        if self.setup.is("acp-bbr-heeds-loss") {
            self.ceiling = (self.window.min(self.ceiling) / 2).max(self.least());
        }
    }

    fn timeout(&mut self, _now: u64) {
        if self.setup.is("acp-timeout-is-a-loss") {
            self.window = (self.window / 2).max(self.least());
        } else {
            self.window = self.least();
        }
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn threshold(&self) -> Option<u64> {
        None
    }

    fn pacing(&self, rtt: &Rtt) -> Option<f64> {
        if self.bandwidth.value() > 0.0 {
            return Some(self.gain() * self.bandwidth.value());
        }
        rtt.smoothed.map(|smoothed| STARTUP_GAIN * self.window as f64 * 1e9 / smoothed.max(1.0))
    }

    fn phase(&self) -> &'static str {
        match self.phase {
            Phase::Startup => "startup",
            Phase::Drain => "drain",
            Phase::ProbeBandwidth => "probe_bw",
            Phase::ProbeRtt => "probe_rtt",
        }
    }
}
