//! Several senders with a window over one bottleneck: packets out, acknowledgements back, losses found, timers.
//!
//! Each packet has a number of its own and is acknowledged by itself. A packet is lost when one sent three later was
//! acknowledged (RFC 9002 section 6.1.1); when nothing comes back for `srtt + 4 x rttvar`, at least 200 ms, doubled on
//! each repetition (RFC 6298), all that is outstanding is. Senders always have data.

use std::collections::BTreeMap;

use super::{Ack, Controller, Link, LinkId, Loss, Network, Occurrence, Packet, SECOND_NS, Window};
use crate::rng::Rng;

/// Packets later than this one that have to be acknowledged before it is lost.
const REORDERING: u64 = 3;
/// Shortest retransmission timer.
const LEAST_TIMER_NS: u64 = SECOND_NS / 5;
/// Width of the buckets in which delivered bytes are counted.
const BUCKET_NS: u64 = SECOND_NS / 10;
/// The flow of cross traffic.
const CROSS: u32 = u32::MAX;

/// The way between senders and receivers.
#[derive(Clone, Debug)]
pub struct Path {
    /// The bottleneck.
    pub link: Link,
    /// Delay of acknowledgements.
    pub back_ns: u64,
    /// Bytes of each packet.
    pub mss: u32,
    /// Bits a second of cross traffic that heeds nothing, in packets at random times (Poisson); 0: none.
    pub cross_bps: u64,
}

/// What a flow did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowReport {
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes acknowledged.
    pub acked_bytes: u64,
    /// Bytes that the sender found lost.
    pub lost_bytes: u64,
    /// Times that the timer ran out.
    pub timeouts: u64,
    /// Bytes that arrived, in buckets of 100 ms.
    pub arrived: Vec<u64>,
    /// When a packet arrived and how long it took, in nanoseconds.
    pub delays: Vec<(u64, u64)>,
}

impl FlowReport {
    /// Bytes that arrived between two moments, both multiples of 100 ms.
    pub fn arrived_between(&self, from_ns: u64, to_ns: u64) -> u64 {
        let bucket = |ns: u64| ((ns / BUCKET_NS) as usize).min(self.arrived.len());
        self.arrived[bucket(from_ns)..bucket(to_ns)].iter().sum()
    }

    /// Share of a rate that arrived between two moments.
    pub fn utilisation(&self, from_ns: u64, to_ns: u64, rate_bps: u64) -> f64 {
        let seconds = (to_ns - from_ns) as f64 / SECOND_NS as f64;
        self.arrived_between(from_ns, to_ns) as f64 * 8.0 / (seconds * rate_bps as f64)
    }
}

/// What a probe is shown after each event of a flow.
#[derive(Debug)]
pub struct Probe<'a, C> {
    /// The virtual time.
    pub now_ns: u64,
    /// Which flow.
    pub flow: usize,
    /// Whether a packet was just sent.
    pub sending: bool,
    /// Bytes outstanding, as the sender of the harness counts them.
    pub inflight: u64,
    /// Bytes acknowledged so far.
    pub acked_bytes: u64,
    /// Number of the next packet.
    pub next_number: u64,
    /// Largest number acknowledged.
    pub largest_acked: Option<u64>,
    /// What the controller allowed last.
    pub window: Window,
    /// Bytes waiting at the bottleneck.
    pub waiting_bytes: u64,
    /// The controller.
    pub controller: &'a mut C,
}

impl<'a, C> Probe<'a, C> {
    /// The same, with a part of the controller, or another view of it.
    pub fn map<D>(self, view: impl FnOnce(&'a mut C) -> &'a mut D) -> Probe<'a, D> {
        Probe {
            now_ns: self.now_ns,
            flow: self.flow,
            sending: self.sending,
            inflight: self.inflight,
            acked_bytes: self.acked_bytes,
            next_number: self.next_number,
            largest_acked: self.largest_acked,
            window: self.window,
            waiting_bytes: self.waiting_bytes,
            controller: view(self.controller),
        }
    }
}

/// Sees each event; may end all with an error.
pub type Watcher<'a, C> = dyn FnMut(Probe<'_, C>) -> Result<(), <C as Controller>::Error> + 'a;

#[derive(Debug)]
struct Flow<C> {
    controller: C,
    window: Window,
    /// Number to time sent.
    outstanding: BTreeMap<u64, u64>,
    next: u64,
    largest: Option<u64>,
    release_ns: u64,
    wake_ns: Option<u64>,
    timer_ns: u64,
    backoff: u32,
    srtt: Option<(u64, u64)>,
    report: FlowReport,
}

impl<C> Flow<C> {
    /// The retransmission timer of RFC 6298, without back-off.
    fn patience(&self) -> u64 {
        self.srtt.map_or(SECOND_NS, |(srtt, var)| (srtt + 4 * var).max(LEAST_TIMER_NS))
    }

    fn measure(&mut self, rtt: u64) {
        self.srtt = Some(match self.srtt {
            None => (rtt, rtt / 2),
            Some((srtt, var)) => ((7 * srtt + rtt) / 8, (3 * var + srtt.abs_diff(rtt)) / 4),
        });
    }
}

/// Flows over one path.
#[derive(Debug)]
pub struct Flows<C> {
    network: Network,
    path: Path,
    forward: LinkId,
    back: LinkId,
    senders: Vec<Flow<C>>,
    cross: Rng,
}

/// What a timer of this module is for.
const START: u64 = 0;
const WAKE: u64 = 1;
const TIMEOUT: u64 = 2;

impl<C: Controller> Flows<C> {
    /// Senders with the window that each has at its start, and when it starts.
    pub fn new(path: Path, seed: u64, controllers: Vec<(C, Window, u64)>) -> Self {
        let mut network = Network::new(seed);
        let forward = network.add(path.link.clone());
        let back = network.add(Link::new(0, path.back_ns));
        let mut senders = Vec::new();
        for (index, (controller, window, starts_ns)) in controllers.into_iter().enumerate() {
            network.timer(starts_ns, START + 4 * index as u64);
            senders.push(Flow {
                controller,
                window,
                outstanding: BTreeMap::new(),
                next: 0,
                largest: None,
                release_ns: 0,
                wake_ns: None,
                timer_ns: u64::MAX,
                backoff: 0,
                srtt: None,
                report: FlowReport::default(),
            });
        }
        let mut flows = Self { network, path, forward, back, senders, cross: Rng::new(seed ^ 0x00C0_FFEE) };
        flows.cross_later();
        flows
    }

    fn cross_later(&mut self) {
        if self.path.cross_bps > 0 {
            let mean = f64::from(self.path.mss) * 8.0 * SECOND_NS as f64 / self.path.cross_bps as f64;
            let gap = -mean * libm::log(1.0 - self.cross.unit());
            self.network.timer(self.network.now_ns() + gap as u64, u64::MAX);
        }
    }

    /// What each flow did so far.
    pub fn reports(&self) -> impl Iterator<Item = &FlowReport> {
        self.senders.iter().map(|flow| &flow.report)
    }

    /// Events handled by the network.
    pub const fn handled(&self) -> u64 {
        self.network.handled()
    }

    /// Goes on until a time. The probe sees each flow after each of its events and may end all with an error.
    ///
    /// # Errors
    /// Of a controller or of the probe.
    pub fn run(&mut self, until_ns: u64, probe: &mut Watcher<'_, C>) -> Result<(), C::Error> {
        self.network.timer(until_ns, u64::MAX - 1);
        while let Some(occurrence) = self.network.next() {
            match occurrence {
                Occurrence::Timer(token) if token == u64::MAX - 1 => return Ok(()),
                Occurrence::Timer(u64::MAX) => {
                    let (bytes, now) = (self.path.mss, self.network.now_ns());
                    let packet = Packet { flow: CROSS, number: 0, bytes, sent_ns: now, marked: false };
                    self.network.send(self.forward, packet);
                    self.cross_later();
                }
                Occurrence::Timer(token) => self.timer(token, probe)?,
                Occurrence::Arrived { packet, .. } if packet.flow == CROSS => {}
                Occurrence::Arrived { link, packet } if link == self.forward => self.arrived(packet),
                Occurrence::Arrived { packet, .. } => self.acknowledged(packet, probe)?,
                Occurrence::Dropped { .. } => {}
            }
        }
        Ok(())
    }

    fn timer(&mut self, token: u64, probe: &mut Watcher<'_, C>) -> Result<(), C::Error> {
        let (index, now) = ((token / 4) as usize, self.network.now_ns());
        let flow = &mut self.senders[index];
        if token % 4 == TIMEOUT {
            if now < flow.timer_ns || flow.outstanding.is_empty() {
                self.arm(index);
                return Ok(());
            }
            let bytes = flow.outstanding.len() as u64 * u64::from(self.path.mss);
            flow.outstanding.clear();
            flow.report.lost_bytes += bytes;
            flow.report.timeouts += 1;
            flow.backoff += 1;
            flow.timer_ns = u64::MAX;
            flow.window = flow.controller.timed_out(now, bytes)?;
            flow.release_ns = now;
            self.show(index, false, probe)?;
        } else if token % 4 == WAKE {
            flow.wake_ns = None;
        }
        self.send(index, probe)
    }

    /// Sees to it that the timer runs. An event for a timer that was moved meanwhile sets the next one.
    fn arm(&mut self, index: usize) {
        let flow = &self.senders[index];
        if !flow.outstanding.is_empty() && flow.timer_ns != u64::MAX {
            self.network.timer(flow.timer_ns, TIMEOUT + 4 * index as u64);
        }
    }

    fn arrived(&mut self, packet: Packet) {
        let now = self.network.now_ns();
        let report = &mut self.senders[packet.flow as usize].report;
        let bucket = (now / BUCKET_NS) as usize;
        if report.arrived.len() <= bucket {
            report.arrived.resize(bucket + 1, 0);
        }
        report.arrived[bucket] += u64::from(packet.bytes);
        report.delays.push((now, now - packet.sent_ns));
        self.network.send(self.back, packet);
    }

    fn acknowledged(&mut self, packet: Packet, probe: &mut Watcher<'_, C>) -> Result<(), C::Error> {
        let (index, now) = (packet.flow as usize, self.network.now_ns());
        let flow = &mut self.senders[index];
        let Some(sent_ns) = flow.outstanding.remove(&packet.number) else { return Ok(()) };
        flow.largest = flow.largest.max(Some(packet.number));
        flow.measure(now - sent_ns);
        flow.backoff = 0;
        flow.timer_ns = now + flow.patience();
        flow.report.acked_bytes += u64::from(packet.bytes);
        let (number, bytes) = (packet.number, packet.bytes);
        if packet.marked {
            flow.window = flow.controller.marked(Loss { now_ns: now, number, bytes, sent_ns })?;
        }
        flow.window = flow.controller.acked(Ack { now_ns: now, number, bytes, sent_ns })?;
        while let Some((&number, &sent_ns)) = flow.outstanding.first_key_value() {
            if flow.largest.is_none_or(|largest| number + REORDERING > largest) {
                break;
            }
            flow.outstanding.remove(&number);
            flow.report.lost_bytes += u64::from(bytes);
            flow.window = flow.controller.lost(Loss { now_ns: now, number, bytes, sent_ns })?;
        }
        self.show(index, false, probe)?;
        self.send(index, probe)
    }

    /// Sends all that window and pacing let through now.
    fn send(&mut self, index: usize, probe: &mut Watcher<'_, C>) -> Result<(), C::Error> {
        let (now, mss) = (self.network.now_ns(), self.path.mss);
        loop {
            let flow = &mut self.senders[index];
            let inflight = flow.outstanding.len() as u64 * u64::from(mss);
            if inflight + u64::from(mss) > flow.window.cwnd_bytes {
                return Ok(());
            }
            let release = flow.window.release_ns.unwrap_or(flow.release_ns);
            if release > now {
                if flow.wake_ns.is_none_or(|wake| wake > release) {
                    flow.wake_ns = Some(release);
                    self.network.timer(release, WAKE + 4 * index as u64);
                }
                return Ok(());
            }
            let number = flow.next;
            flow.next += 1;
            let was_idle = flow.outstanding.is_empty();
            flow.outstanding.insert(number, now);
            flow.report.sent_bytes += u64::from(mss);
            flow.window = flow.controller.sent(now, number, mss)?;
            if let Some(pacing) = flow.window.pacing {
                flow.release_ns =
                    flow.release_ns.max(now) + (f64::from(mss) * SECOND_NS as f64 / pacing.max(1.0)) as u64;
            }
            if was_idle {
                flow.timer_ns = now + (flow.patience() << flow.backoff.min(6));
                self.arm(index);
            }
            let packet = Packet { flow: index as u32, number, bytes: mss, sent_ns: now, marked: false };
            self.network.send(self.forward, packet);
            self.show(index, true, probe)?;
        }
    }

    fn show(&mut self, index: usize, sending: bool, probe: &mut Watcher<'_, C>) -> Result<(), C::Error> {
        let waiting_bytes = self.network.waiting_bytes(self.forward);
        let flow = &mut self.senders[index];
        probe(Probe {
            now_ns: self.network.now_ns(),
            flow: index,
            sending,
            inflight: flow.outstanding.len() as u64 * u64::from(self.path.mss),
            acked_bytes: flow.report.acked_bytes,
            next_number: flow.next,
            largest_acked: flow.largest,
            window: flow.window,
            waiting_bytes,
            controller: &mut flow.controller,
        })
    }
}
