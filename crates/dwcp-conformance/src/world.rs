//! What the harness needs of the world: an implementation behind lines, TCP to be its peer, a clock to measure with.

use thiserror::Error;

/// The boundary did not hold. Each is the verdict ERROR for the case at hand.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// It cannot be started or connected to.
    #[error("it cannot be started: {0}")]
    Start(String),
    /// It ended, or closed its output.
    #[error("it ended: {0}")]
    Died(String),
    /// No answer in time.
    #[error("no answer within {0} ms")]
    Timeout(u64),
    /// A line over the limit.
    #[error("a line of more than {0} bytes")]
    LineTooLong(usize),
    /// Lines that nobody asked for, without end.
    #[error("more than {0} lines that nobody asked for")]
    Flood(usize),
    /// A line that is no UTF-8.
    #[error("a line that is no UTF-8")]
    NotUtf8,
    /// A line that is no answer.
    #[error("a line that is no answer: {0}")]
    Malformed(String),
    /// An answer to a request that was never made.
    #[error("an answer to request {0}, which was not made")]
    WrongId(u64),
    /// A second answer to the same request.
    #[error("a second answer to request {0}")]
    Duplicate(u64),
    /// A request that the protocol cannot carry.
    #[error("a request of {0} bytes, more than a line may have")]
    RequestTooLong(usize),
    /// The peer's side of the wire could not be had.
    #[error("the harness's own socket: {0}")]
    Wire(String),
    /// Something of it was still running after it was ended.
    #[error("{0} processes of it survived")]
    Survivors(usize),
}

impl Broken {
    /// The rule that was broken, without figures.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Start(_) => "it can be started",
            Self::Died(_) => "it lives until shutdown",
            Self::Timeout(_) => "it answers in time",
            Self::LineTooLong(_) => "a line has at most 1 MiB",
            Self::Flood(_) => "it writes answers only",
            Self::NotUtf8 => "lines are UTF-8",
            Self::Malformed(_) => "each line is one answer",
            Self::WrongId(_) => "an answer has the id of a request",
            Self::Duplicate(_) => "a request has one answer",
            Self::RequestTooLong(_) => "a request fits into a line",
            Self::Wire(_) => "the harness can be the peer",
            Self::Survivors(_) => "nothing of it is left after its end",
        }
    }
}

/// An implementation behind the line protocol, and the harness's own means. Implemented by `adapter-sut`.
pub trait World {
    /// A fresh implementation; one that runs is ended first.
    ///
    /// # Errors
    /// It cannot be started.
    fn start(&mut self) -> Result<(), Broken>;

    /// Ends it and all that it started, and closes the wire.
    ///
    /// # Errors
    /// Something survived.
    fn stop(&mut self) -> Result<(), Broken>;

    /// Sends one line, without its end.
    ///
    /// # Errors
    /// It is gone.
    fn send(&mut self, line: &str) -> Result<(), Broken>;

    /// The next line without its end; `None` when there is none within so many milliseconds (0: only looks).
    ///
    /// # Errors
    /// It is gone, or the line is none.
    fn receive(&mut self, within_ms: u64) -> Result<Option<String>, Broken>;

    /// Microseconds of a monotonic clock since some moment.
    fn now_us(&mut self) -> u64;

    /// Most resident memory that the implementation had so far, in KiB; `None` where it cannot be read.
    fn peak_kib(&mut self) -> Option<u64>;

    /// The harness as a TCP peer.
    fn wire(&mut self) -> &mut dyn Wire;
}

/// A connection of the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conn(pub u32);

/// What a connection holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// These bytes came.
    Bytes(Vec<u8>),
    /// Nothing came yet.
    Nothing,
    /// The other side has closed its direction.
    Closed,
    /// The connection was reset, or is unknown.
    Reset,
}

/// TCP on the loopback interface. Nothing blocks except `wait`.
pub trait Wire {
    /// A listener on a free port; gives `127.0.0.1:PORT`.
    ///
    /// # Errors
    /// There is no port.
    fn listen(&mut self) -> Result<String, Broken>;

    /// The next connection to the listener, if one came.
    ///
    /// # Errors
    /// The listener broke.
    fn accept(&mut self) -> Result<Option<Conn>, Broken>;

    /// Closes the listener; connections stay.
    fn deafen(&mut self);

    /// Connects to an address that the implementation named; only loopback.
    ///
    /// # Errors
    /// Nobody listens there within a second.
    fn connect(&mut self, address: &str) -> Result<Conn, Broken>;

    /// Up to `max` bytes.
    fn read(&mut self, conn: Conn, max: usize) -> Read;

    /// How many of the bytes were taken, maybe 0; `None` when the connection is gone.
    fn write(&mut self, conn: Conn, bytes: &[u8]) -> Option<usize>;

    /// Closes our direction only.
    fn half_close(&mut self, conn: Conn);

    /// Resets the connection (RST).
    fn reset(&mut self, conn: Conn);

    /// Closes it.
    fn close(&mut self, conn: Conn);

    /// Waits until something can be read or accepted, at most so many microseconds.
    fn wait(&mut self, at_most_us: u64);
}
