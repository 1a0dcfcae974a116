//! The harness as TCP peer: nonblocking sockets on the loopback interface.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use dwcp_conformance::world::{Broken, Conn, Read, Wire};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};

/// To connect to an address that an implementation named.
const CONNECT: Duration = Duration::from_secs(1);
/// Largest segment of a stream that was accepted, in bytes: that of an Ethernet.
const SEGMENT: u32 = 1_448;
/// Its receive buffer, in bytes.
const RECEIVE: usize = 64 << 10;
/// Connections at once; more are not accepted.
const MOST: usize = 1_024;

/// All sockets of a case; they close with it.
#[derive(Default)]
pub struct Peer {
    listener: Option<TcpListener>,
    conns: BTreeMap<u32, TcpStream>,
    next: u32,
}

fn wire(error: impl ToString) -> Broken {
    Broken::Wire(error.to_string())
}

impl Peer {
    fn keep(&mut self, stream: TcpStream) -> Result<Conn, Broken> {
        stream.set_nonblocking(true).map_err(wire)?;
        stream.set_nodelay(true).map_err(wire)?;
        self.next += 1;
        self.conns.insert(self.next, stream);
        Ok(Conn(self.next))
    }
}

impl Wire for Peer {
    fn listen(&mut self) -> Result<String, Broken> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(wire)?;
        listener.set_nonblocking(true).map_err(wire)?;
        // What it accepts inherits both. Loopback segments of 64 KiB would let a sender put megabytes a stream into its
        // kernel at once, and nothing that comes later would be about sending any more.
        setsockopt(&listener, sockopt::TcpMaxSeg, &SEGMENT).map_err(wire)?;
        setsockopt(&listener, sockopt::RcvBuf, &RECEIVE).map_err(wire)?;
        let address = listener.local_addr().map_err(wire)?;
        self.listener = Some(listener);
        Ok(address.to_string())
    }

    fn accept(&mut self) -> Result<Option<Conn>, Broken> {
        let Some(listener) = self.listener.as_ref().filter(|_| self.conns.len() < MOST) else {
            return Ok(None);
        };
        match listener.accept() {
            Ok((stream, _)) => self.keep(stream).map(Some),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => {
                Ok(None)
            }
            Err(error) => Err(wire(error)),
        }
    }

    fn deafen(&mut self) {
        self.listener = None;
    }

    fn connect(&mut self, address: &str) -> Result<Conn, Broken> {
        let parsed: SocketAddr = address.parse().map_err(|_| wire(format!("{address} is no address")))?;
        if !parsed.ip().is_loopback() {
            return Err(wire(format!("{address} is not on the loopback interface")));
        }
        self.keep(TcpStream::connect_timeout(&parsed, CONNECT).map_err(wire)?)
    }

    fn read(&mut self, conn: Conn, max: usize) -> Read {
        let Some(stream) = self.conns.get_mut(&conn.0) else { return Read::Reset };
        let mut buffer = vec![0; max];
        match stream.read(&mut buffer) {
            Ok(0) => Read::Closed,
            Ok(read) => {
                buffer.truncate(read);
                Read::Bytes(buffer)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Read::Nothing
            }
            Err(_) => Read::Reset,
        }
    }

    fn write(&mut self, conn: Conn, bytes: &[u8]) -> Option<usize> {
        match self.conns.get_mut(&conn.0)?.write(bytes) {
            Ok(written) => Some(written),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Some(0),
            Err(_) => None,
        }
    }

    fn half_close(&mut self, conn: Conn) {
        if let Some(stream) = self.conns.get(&conn.0) {
            // It may be gone.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    fn reset(&mut self, conn: Conn) {
        if let Some(stream) = self.conns.remove(&conn.0) {
            let now = nix::libc::linger { l_onoff: 1, l_linger: 0 };
            // Without it the connection is closed instead.
            let _ = setsockopt(&stream, sockopt::Linger, &now);
        }
    }

    fn close(&mut self, conn: Conn) {
        self.conns.remove(&conn.0);
    }

    fn wait(&mut self, at_most_us: u64) {
        let sockets = self.conns.values().map(AsFd::as_fd).chain(self.listener.iter().map(AsFd::as_fd));
        let mut polled: Vec<PollFd<'_>> = sockets.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let ms = PollTimeout::try_from(at_most_us.div_ceil(1_000)).unwrap_or(PollTimeout::MAX);
        // A closed connection is readable for good: then it is a wait of no time, and the caller looks at its own clock.
        let _ = poll(&mut polled, ms);
    }
}
