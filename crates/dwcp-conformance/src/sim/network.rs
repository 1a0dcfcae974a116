//! The event list and the links: packets in, occurrences out, in the order of time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::{Change, Link, LinkCount};
use crate::rng::Rng;

/// A packet. The simulator carries it and reads only its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Packet {
    /// Whose it is.
    pub flow: u32,
    /// Which of that flow.
    pub number: u64,
    /// Its size on the wire.
    pub bytes: u32,
    /// When its sender offered it.
    pub sent_ns: u64,
    /// Whether a link marked it.
    pub marked: bool,
}

/// A link of one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(u32);

/// Why a packet does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The buffer was full.
    Buffer,
    /// By chance.
    Chance,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// A packet is at the end of the link.
    Arrived {
        /// Which link.
        link: LinkId,
        /// What arrives.
        packet: Packet,
    },
    /// A packet will not arrive.
    Dropped {
        /// Which link.
        link: LinkId,
        /// What is gone.
        packet: Packet,
        /// Why.
        why: Lost,
    },
    /// The time that was asked for.
    Timer(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Sent(LinkId),
    Changes(LinkId),
    Arrives(LinkId, Packet),
    Gone(LinkId, Packet, bool),
    Timer(u64),
}

#[derive(Debug)]
struct Line {
    link: Link,
    waiting: VecDeque<(u64, Packet)>,
    waiting_bytes: u64,
    sending: Option<Packet>,
    blocked_until_ns: u64,
    next_change: usize,
    count: LinkCount,
    counted_ns: u64,
}

impl Line {
    /// Brings the integral of the number in the system up to now.
    fn integrate(&mut self, now: u64) {
        let inside = self.waiting.len() as u128 + u128::from(self.sending.is_some());
        self.count.packet_ns += inside * u128::from(now - self.counted_ns);
        self.counted_ns = now;
    }
}

/// Links, events and the virtual clock.
#[derive(Debug)]
pub struct Network {
    now: u64,
    order: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    lines: Vec<Line>,
    chance: Rng,
    handled: u64,
}

impl Network {
    /// Nothing yet, at time 0.
    pub fn new(seed: u64) -> Self {
        let events = BinaryHeap::with_capacity(1024);
        Self { now: 0, order: 0, events, lines: Vec::new(), chance: Rng::new(seed), handled: 0 }
    }

    /// Adds a link.
    pub fn add(&mut self, link: Link) -> LinkId {
        let id = LinkId(self.lines.len() as u32);
        if let Some((at, _)) = link.changes.first() {
            self.post(*at, Event::Changes(id));
        }
        self.lines.push(Line {
            link,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            sending: None,
            blocked_until_ns: 0,
            next_change: 0,
            count: LinkCount::default(),
            counted_ns: self.now,
        });
        id
    }

    /// The virtual time.
    pub const fn now_ns(&self) -> u64 {
        self.now
    }

    /// How many events were handled.
    pub const fn handled(&self) -> u64 {
        self.handled
    }

    /// What was counted on a link, up to now.
    pub fn count(&mut self, id: LinkId) -> LinkCount {
        let now = self.now;
        let line = &mut self.lines[id.0 as usize];
        line.integrate(now);
        line.count
    }

    /// Bytes that wait on a link, the packet being sent not counted.
    pub fn waiting_bytes(&self, id: LinkId) -> u64 {
        self.lines[id.0 as usize].waiting_bytes
    }

    /// Asks to be told at a time; the token comes back. A time that has passed is now.
    pub fn timer(&mut self, at_ns: u64, token: u64) {
        self.post(at_ns, Event::Timer(token));
    }

    fn post(&mut self, at: u64, event: Event) {
        self.order += 1;
        self.events.push(Reverse((at.max(self.now), self.order, event)));
    }

    /// Offers a packet to a link, now.
    pub fn send(&mut self, id: LinkId, mut packet: Packet) {
        let now = self.now;
        let line = &mut self.lines[id.0 as usize];
        line.integrate(now);
        line.count.offered += 1;
        let bytes = u64::from(packet.bytes);
        let busy = line.sending.is_some();
        if busy && line.link.buffer_bytes.is_some_and(|most| line.waiting_bytes + bytes > most) {
            line.count.overflowed += 1;
            self.post(now, Event::Gone(id, packet, true));
            return;
        }
        packet.marked |= busy && line.link.mark_bytes.is_some_and(|from| line.waiting_bytes + bytes > from);
        line.waiting.push_back((now, packet));
        line.waiting_bytes += bytes;
        if !busy {
            self.begin(id);
        }
    }

    /// Starts to send the first that waits.
    fn begin(&mut self, id: LinkId) {
        let now = self.now;
        let line = &mut self.lines[id.0 as usize];
        let Some((since, packet)) = line.waiting.pop_front() else { return };
        line.waiting_bytes -= u64::from(packet.bytes);
        let start = now.max(line.blocked_until_ns);
        line.count.waited_ns += u128::from(start - since);
        line.sending = Some(packet);
        let end = start + line.link.serialisation_ns(packet.bytes);
        self.post(end, Event::Sent(id));
    }

    /// The packet being sent is out; it travels, is lost, copied or held back.
    fn sent(&mut self, id: LinkId) {
        let now = self.now;
        let line = &mut self.lines[id.0 as usize];
        line.integrate(now);
        let Some(packet) = line.sending.take() else { return };
        line.count.sent_bytes += u64::from(packet.bytes);
        let (delay, reorder_ns) = (line.link.delay_ns, line.link.reorder_ns);
        let (loss, copy, held) = (line.link.loss_ppm, line.link.duplicate_ppm, line.link.reorder_ppm);
        if happens(&mut self.chance, loss) {
            line.count.lost += 1;
            self.post(now + delay, Event::Gone(id, packet, false));
        } else {
            let late = if happens(&mut self.chance, held) { reorder_ns } else { 0 };
            self.post(now + delay + late, Event::Arrives(id, packet));
            if happens(&mut self.chance, copy) {
                self.post(now + delay, Event::Arrives(id, packet));
            }
        }
        self.begin(id);
    }

    fn change(&mut self, id: LinkId) {
        let now = self.now;
        let line = &mut self.lines[id.0 as usize];
        while let Some((at, change)) = line.link.changes.get(line.next_change).copied() {
            if at > now {
                self.post(at, Event::Changes(id));
                return;
            }
            line.next_change += 1;
            match change {
                Change::Rate(rate) => line.link.rate_bps = rate,
                Change::Delay(delay) => line.link.delay_ns = delay,
                Change::Stall(lasts) => line.blocked_until_ns = now + lasts,
            }
        }
    }

    /// The next occurrence; the clock moves to it. `None` when nothing is outstanding.
    #[expect(clippy::should_implement_trait, reason = "the caller sends between two occurrences")]
    pub fn next(&mut self) -> Option<Occurrence> {
        loop {
            let Reverse((at, _, event)) = self.events.pop()?;
            self.now = at;
            self.handled += 1;
            match event {
                Event::Sent(id) => self.sent(id),
                Event::Changes(id) => self.change(id),
                Event::Arrives(link, packet) => {
                    self.lines[link.0 as usize].count.delivered += 1;
                    return Some(Occurrence::Arrived { link, packet });
                }
                Event::Gone(link, packet, full) => {
                    let why = if full { Lost::Buffer } else { Lost::Chance };
                    return Some(Occurrence::Dropped { link, packet, why });
                }
                Event::Timer(token) => return Some(Occurrence::Timer(token)),
            }
        }
    }
}

/// Happens in so many of a million cases. A faultless link draws nothing, so that its fate depends on nobody.
const fn happens(chance: &mut Rng, ppm: u32) -> bool {
    ppm > 0 && chance.below(1_000_000) < ppm as u64
}
