//! One link: rate, propagation delay, finite buffer, and what may happen to a packet on it.

/// A change of a link at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// From then on so many bits a second. A packet that is being sent keeps its rate.
    Rate(u64),
    /// From then on so much propagation delay, for packets that leave after it.
    Delay(u64),
    /// Nothing leaves until so many nanoseconds later.
    Stall(u64),
}

/// What a link is. Times in nanoseconds; chances in parts of a million.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Bits a second; 0 is no limit.
    pub rate_bps: u64,
    /// Propagation delay.
    pub delay_ns: u64,
    /// Bytes that may wait, the one being sent not counted. `None`: no limit.
    pub buffer_bytes: Option<u64>,
    /// Bytes waiting from which on packets are marked (explicit congestion notification). `None`: never.
    pub mark_bytes: Option<u64>,
    /// Chance that a packet is lost after it was sent.
    pub loss_ppm: u32,
    /// Chance that a packet arrives twice.
    pub duplicate_ppm: u32,
    /// Chance that a packet is held back and so overtaken.
    pub reorder_ppm: u32,
    /// For how long such a packet is held back.
    pub reorder_ns: u64,
    /// What changes, in the order of time.
    pub changes: Vec<(u64, Change)>,
}

impl Link {
    /// A faultless link without a limit to its buffer.
    pub const fn new(rate_bps: u64, delay_ns: u64) -> Self {
        Self {
            rate_bps,
            delay_ns,
            buffer_bytes: None,
            mark_bytes: None,
            loss_ppm: 0,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            reorder_ns: 0,
            changes: Vec::new(),
        }
    }

    /// With so many bytes of buffer.
    pub const fn buffered(mut self, bytes: u64) -> Self {
        self.buffer_bytes = Some(bytes);
        self
    }

    /// With a change at a time; call in the order of time.
    pub fn at(mut self, at_ns: u64, change: Change) -> Self {
        self.changes.push((at_ns, change));
        self
    }

    /// How long so many bytes take to send.
    pub const fn serialisation_ns(&self, bytes: u32) -> u64 {
        if self.rate_bps == 0 {
            return 0;
        }
        (bytes as u128 * 8 * super::SECOND_NS as u128 / self.rate_bps as u128) as u64
    }
}

/// What was counted on a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCount {
    /// Packets offered.
    pub offered: u64,
    /// Packets that found the buffer full.
    pub overflowed: u64,
    /// Packets lost by chance.
    pub lost: u64,
    /// Packets delivered, copies counted.
    pub delivered: u64,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Sum of the waiting times before being sent, in nanoseconds.
    pub waited_ns: u128,
    /// Integral of the number of packets in the system (waiting and being sent) over time.
    pub packet_ns: u128,
}
