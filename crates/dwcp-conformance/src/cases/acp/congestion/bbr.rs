//! BBR's phases: start-up, draining, the cycle of gains, and the probe for the shortest round trip.

use std::collections::BTreeMap;

use super::remote::{MSS, RATE, RTT_NS, bottleneck, simulate};
use super::state::State;
use crate::bench::{Bench, Better};
use crate::cases::entry::must;
use crate::requirement::{Case, Profile};
use crate::sim::{Change, MS_NS, Probe, SECOND_NS};
use crate::stop::{Stop, ensure, fail};

/// Bytes a second of the bottleneck.
const RATE_BYTES: f64 = RATE as f64 / 8.0;

/// The harness's own rounds and rate samples (draft-cheng-iccrg-delivery-rate-estimation).
#[derive(Default)]
struct Rounds {
    /// Packet to bytes acknowledged, time of the last acknowledgement, and the round, when it was sent.
    stamps: BTreeMap<u64, (u64, u64, u32)>,
    last_ack_ns: u64,
    round: u32,
    ends: u64,
    /// Largest sample so far.
    rate: f64,
    /// The rate at the end of the last round in which it had grown by a quarter, and rounds since.
    grown: f64,
    flat: u32,
}

impl Rounds {
    fn see(&mut self, probe: &Probe<'_, State>) {
        if probe.sending {
            if probe.inflight == u64::from(MSS) {
                self.last_ack_ns = probe.now_ns;
            }
            self.stamps.insert(probe.next_number - 1, (probe.acked_bytes, self.last_ack_ns, self.round));
            return;
        }
        let Some(acked) = probe.largest_acked else { return };
        self.last_ack_ns = probe.now_ns;
        let Some((bytes, at, _)) = self.stamps.remove(&acked) else { return };
        if probe.now_ns > at {
            self.rate = self.rate.max((probe.acked_bytes - bytes) as f64 * 1e9 / (probe.now_ns - at) as f64);
        }
        if bytes >= self.ends {
            self.round += 1;
            self.ends = probe.acked_bytes;
            if self.rate >= 1.25 * self.grown {
                (self.grown, self.flat) = (self.rate, 0);
            } else {
                self.flat += 1;
            }
        }
    }
}

pub(super) const STARTUP: Case = must(
    "ACP-013",
    Profile::Congestion,
    "Start-up ends only after 3 rounds with < 25 % growth; gain 2.77-2.89",
)
.when("bbr")
.source("BBR (Cardwell et al. 2016; IETF BBR draft)")
.check(startup);

fn startup(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("acp", "bbr")?;
    let mut rounds = Rounds::default();
    let (mut flat, mut gains) = (None, Vec::new());
    simulate(bench, "bbr", bottleneck(4.0), &[0], 5 * SECOND_NS, &mut |probe| {
        rounds.see(&probe);
        if probe.controller.phase != "startup" {
            flat = flat.or(Some((rounds.flat, rounds.rate)));
        } else if let (Some(pacing), 2..) = (probe.controller.pacing, rounds.round) {
            gains.push(pacing / rounds.rate);
        }
        Ok(())
    })?;
    let (flat, rate) = flat.ok_or_else(|| fail("start-up ends within 5 s", "it does not"))?;
    let filled = rate / RATE_BYTES;
    ensure(filled >= 0.8, "start-up fills the pipe", || format!("{filled:.2} of the bottleneck"))?;
    bench.measure(
        "bbr: rounds without growth before start-up ends",
        f64::from(flat),
        "rounds",
        Better::Neither,
    );
    ensure(flat >= 3, "start-up ends only after 3 rounds without 25 % growth", || format!("after {flat}"))?;
    gains.sort_by(f64::total_cmp);
    let gain = gains.get(gains.len() / 2).copied().unwrap_or(0.0);
    bench.measure("bbr: start-up gain", gain, "", Better::Neither);
    // One per cent for the difference of two estimates of the same rate.
    ensure((2.74..=2.92).contains(&gain), "the start-up gain is 2.77 to 2.89", || format!("{gain:.3}"))
}

pub(super) const GAINS: Case = must(
    "ACP-014",
    Profile::Congestion,
    "Drain gain between 0.35 and 0.5 (value depends on BBR version, declare it); v1 profile: ProbeBW mean gain 1.0 \
     ±0.02 over 8 phases",
)
.when("bbr")
.source("BBR (Cardwell et al. 2016; IETF BBR draft)")
.check(gains);

fn gains(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("acp", "bbr")?;
    let until = bench.amount(20, 9) * SECOND_NS;
    let (mut drains, mut area, mut time, mut last) = (Vec::new(), 0.0, 0.0, None::<(u64, f64)>);
    simulate(bench, "bbr", bottleneck(4.0), &[0], until, &mut |probe| {
        let state = &*probe.controller;
        let Some(pacing) = state.pacing else { return Ok(()) };
        if state.phase == "drain" {
            drains.push(pacing / RATE_BYTES);
        }
        if let Some((at, gain)) = last {
            area += gain * (probe.now_ns - at) as f64;
            time += (probe.now_ns - at) as f64;
        }
        // From the third second on, when the cycle has begun for sure.
        let cycling = state.phase == "probe_bw" && probe.now_ns > 3 * SECOND_NS;
        last = cycling.then_some((probe.now_ns, pacing / RATE_BYTES));
        Ok(())
    })?;
    drains.sort_by(f64::total_cmp);
    let drain = drains.get(drains.len() / 2).copied();
    let drain = drain.ok_or_else(|| fail("start-up is followed by drain", "no phase drain"))?;
    bench.measure("bbr: drain gain", drain, "", Better::Neither);
    // Version 1 has 1/2.885 = 0.3466, which is 0.35 in two digits.
    ensure((0.345..=0.505).contains(&drain), "the drain gain is 0.35 to 0.5", || format!("{drain:.3}"))?;
    if let Some(declared) = bench.hello().number("acp.drain_gain") {
        ensure((declared - drain).abs() <= 0.02, "the drain gain is the declared one", || {
            format!("{drain:.3}, declared {declared:.3}")
        })?;
    }
    let mean = if time > 0.0 { area / time } else { 0.0 };
    bench.measure("bbr: mean gain of the cycle", mean, "", Better::Neither);
    ensure((0.98..=1.02).contains(&mean), "the mean gain of the cycle is 1.0 ± 0.02", || {
        format!("{mean:.3}")
    })
}

pub(super) const PROBE_RTT: Case =
    must("ACP-015", Profile::Congestion, "min-RTT probe at least every 10 s idle-free, ≥ 200 ms")
        .when("bbr")
        .source("BBR (Cardwell et al. 2016; IETF BBR draft)")
        .check(probe_rtt);

fn probe_rtt(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("acp", "bbr")?;
    // The path becomes longer, so that no sample renews the shortest round trip and a probe is due.
    let mut path = bottleneck(2.0);
    path.link = path.link.at(SECOND_NS, Change::Delay(RTT_NS / 2 + 5 * MS_NS));
    path.link = path.link.at(13 * SECOND_NS, Change::Delay(RTT_NS / 2 + 10 * MS_NS));
    let mut little: Vec<(u64, u64)> = Vec::new();
    let mut since = None;
    let until = bench.amount(27, 14) * SECOND_NS;
    simulate(bench, "bbr", path, &[0], until, &mut |probe| {
        // A probe is seen by its effect: at most four segments and a little in flight.
        let low = probe.inflight <= 5 * u64::from(MSS) && probe.now_ns > SECOND_NS;
        match (low, since) {
            (true, None) => since = Some(probe.now_ns),
            (false, Some(from)) => {
                little.push((from, probe.now_ns - from));
                since = None;
            }
            _ => {}
        }
        Ok(())
    })?;
    let probes: Vec<_> = little.into_iter().filter(|(_, lasted)| *lasted >= 50 * MS_NS).collect();
    let wanted = bench.amount(2, 1);
    ensure(probes.len() >= wanted, "the shortest round trip is probed every 10 s", || {
        format!("{} probes in {} s, {wanted} were due", probes.len(), until / SECOND_NS)
    })?;
    let first = probes.first().map_or(0, |(at, _)| *at);
    ensure(
        first <= 11 * SECOND_NS + SECOND_NS / 2,
        "the first probe comes 10 s after the last sample",
        || format!("at {:.2} s, due at 11 s", first as f64 / 1e9),
    )?;
    let shortest = probes.iter().map(|(_, lasted)| *lasted).min().unwrap_or(0);
    bench.measure("bbr: shortest probe", shortest as f64 / 1e6, "ms", Better::Neither);
    ensure(shortest >= 200 * MS_NS, "a probe lasts 200 ms", || format!("{:.0} ms", shortest as f64 / 1e6))
}
