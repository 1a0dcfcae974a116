//! A free port on loopback for an instance: outside the range from which the system gives ports to clients, so that
//! no outgoing connection sits on it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

const PORTS: Range<u16> = 20_000..32_000;

/// Gives ports in turn, from a place of its own so that two targets seldom meet.
#[derive(Debug)]
pub(crate) struct Ports {
    next: u16,
}

impl Ports {
    pub(crate) fn new(seed: u32) -> Self {
        let span = u32::from(PORTS.end - PORTS.start);
        Self { next: PORTS.start + (seed.wrapping_mul(97) % span) as u16 }
    }

    /// A port that nobody listens on now, and that is not in `taken`.
    pub(crate) fn free(&mut self, taken: &BTreeSet<u16>) -> Option<u16> {
        for _ in PORTS {
            let port = self.next;
            self.next = if port + 1 >= PORTS.end { PORTS.start } else { port + 1 };
            if !taken.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Some(port);
            }
        }
        None
    }
}
