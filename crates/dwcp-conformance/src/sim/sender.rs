//! What a congestion controller is told and what it answers, whoever it is.

/// A packet was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// When.
    pub now_ns: u64,
    /// Which packet of the flow.
    pub number: u64,
    /// Its size.
    pub bytes: u32,
    /// When it was sent.
    pub sent_ns: u64,
}

impl Ack {
    /// The round trip that it measured.
    pub const fn rtt_ns(&self) -> u64 {
        self.now_ns - self.sent_ns
    }
}

/// A packet was found lost, or marked by the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// When that was found.
    pub now_ns: u64,
    /// Which packet of the flow.
    pub number: u64,
    /// Its size.
    pub bytes: u32,
    /// When it was sent.
    pub sent_ns: u64,
}

/// What a sender may do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    /// Bytes that may be outstanding.
    pub cwnd_bytes: u64,
    /// Bytes a second; `None`: not paced.
    pub pacing: Option<f64>,
    /// The earliest moment of the next packet, when the controller paces by itself.
    pub release_ns: Option<u64>,
}

/// A congestion controller: events in, a window out.
pub trait Controller {
    /// Why it could not answer.
    type Error;

    /// A packet left.
    ///
    /// # Errors
    /// It could not answer.
    fn sent(&mut self, now_ns: u64, number: u64, bytes: u32) -> Result<Window, Self::Error>;

    /// A packet was acknowledged.
    ///
    /// # Errors
    /// It could not answer.
    fn acked(&mut self, ack: Ack) -> Result<Window, Self::Error>;

    /// A packet was lost.
    ///
    /// # Errors
    /// It could not answer.
    fn lost(&mut self, loss: Loss) -> Result<Window, Self::Error>;

    /// An acknowledgement says that the network marked a packet; `acked` for it follows.
    ///
    /// # Errors
    /// It could not answer.
    fn marked(&mut self, mark: Loss) -> Result<Window, Self::Error>;

    /// Nothing came back for too long: all that was outstanding, so many bytes, counts as lost.
    ///
    /// # Errors
    /// It could not answer.
    fn timed_out(&mut self, now_ns: u64, bytes: u64) -> Result<Window, Self::Error>;
}
