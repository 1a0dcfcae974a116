//! The implementation as a controller of the simulator.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::state::State;
use crate::bench::Bench;
use crate::sim::{Ack, Controller, FlowReport, Flows, Link, Loss, MS_NS, Path, Probe, Window};
use crate::stop::{Stop, fail};

/// Segment size of the simulations.
pub(super) const MSS: u32 = 1_500;
/// 10 Mbit/s.
pub(super) const RATE: u64 = 10_000_000;
/// Round trip without a queue, 40 ms: half on the way there, half on the way back.
pub(super) const RTT_NS: u64 = 40 * MS_NS;
/// Bandwidth-delay product of the two.
pub(super) const BDP: u64 = 50_000;

/// One connection of the implementation.
pub(super) struct Remote<'a, 'w> {
    bench: &'a RefCell<&'a mut Bench<'w>>,
    conn: Value,
    unit: u64,
    pub(super) state: State,
}

/// Bytes of one unit of a window, by what was declared.
pub(super) fn unit(bench: &Bench<'_>, mss: u32) -> u64 {
    if bench.hello().units.get("cwnd").is_some_and(|unit| unit == "packets") { u64::from(mss) } else { 1 }
}

impl<'a, 'w> Remote<'a, 'w> {
    pub(super) fn open(bench: &'a RefCell<&'a mut Bench<'w>>, alg: &str) -> Result<Self, Stop> {
        let answer = bench.borrow_mut().call("acp.open", json!({"alg": alg, "mss": MSS}))?;
        let unit = unit(&bench.borrow(), MSS);
        let state = State::read(&answer, unit)?;
        Ok(Self { bench, conn: answer["conn"].clone(), unit, state })
    }

    fn event(&mut self, op: &str, mut params: Value) -> Result<Window, Stop> {
        params["conn"] = self.conn.clone();
        let answer = self.bench.borrow_mut().call(op, params)?;
        self.state = State::read(&answer, self.unit)?;
        Ok(self.state.window())
    }

    fn about(loss: Loss) -> Value {
        json!({"now": loss.now_ns, "packet": loss.number, "bytes": loss.bytes, "sent": loss.sent_ns})
    }
}

impl Controller for Remote<'_, '_> {
    type Error = Stop;

    fn sent(&mut self, now_ns: u64, number: u64, bytes: u32) -> Result<Window, Stop> {
        self.event("acp.sent", json!({"now": now_ns, "packet": number, "bytes": bytes}))
    }

    fn acked(&mut self, ack: Ack) -> Result<Window, Stop> {
        let (now, sent, rtt) = (ack.now_ns, ack.sent_ns, ack.rtt_ns());
        self.event(
            "acp.acked",
            json!({"now": now, "packet": ack.number, "bytes": ack.bytes, "sent": sent, "rtt": rtt}),
        )
    }

    fn lost(&mut self, loss: Loss) -> Result<Window, Stop> {
        self.event("acp.lost", Self::about(loss))
    }

    fn marked(&mut self, mark: Loss) -> Result<Window, Stop> {
        self.event("acp.ecn", Self::about(mark))
    }

    fn timed_out(&mut self, now_ns: u64, bytes: u64) -> Result<Window, Stop> {
        self.event("acp.rto", json!({"now": now_ns, "bytes": bytes}))
    }
}

/// The usual bottleneck with so many bandwidth-delay products of buffer.
pub(super) fn bottleneck(buffers: f64) -> Path {
    let link = Link::new(RATE, RTT_NS / 2).buffered((buffers * BDP as f64) as u64);
    Path { link, back_ns: RTT_NS / 2, mss: MSS, cross_bps: 0 }
}

/// Sees each event of a flow, with the state that the implementation told last.
pub(super) type Watcher<'a> = dyn FnMut(Probe<'_, State>) -> Result<(), Stop> + 'a;

/// Flows of one algorithm over a path, each starting at its time; the watcher sees each event.
pub(super) fn simulate(
    bench: &mut Bench<'_>,
    alg: &str,
    path: Path,
    starts_ns: &[u64],
    until_ns: u64,
    watcher: &mut Watcher<'_>,
) -> Result<Vec<FlowReport>, Stop> {
    let seed = bench.rng(alg).next_u64();
    let shared = RefCell::new(bench);
    let mut controllers = Vec::new();
    for starts in starts_ns {
        let remote = Remote::open(&shared, alg)?;
        let window = remote.state.window();
        controllers.push((remote, window, *starts));
    }
    let mut flows = Flows::new(path, seed, controllers);
    flows.run(until_ns, &mut |probe| watcher(probe.map(|remote| &mut remote.state)))?;
    let reports: Vec<FlowReport> = flows.reports().cloned().collect();
    if reports.iter().any(|report| report.acked_bytes == 0) {
        return Err(fail("every flow gets data through", format!("{alg}: a flow had nothing acknowledged")));
    }
    Ok(reports)
}
