//! A connection on a path without a queue, where every loss and every mark is placed by the case.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::remote::unit;
use super::state::State;
use crate::bench::Bench;
use crate::stop::{Stop, fail};

/// More segments in flight than any script needs.
const MOST: usize = 5_000;

/// A connection with a fixed round trip; an acknowledgement lets the next segment out.
pub(super) struct Script<'b, 'w> {
    bench: &'b mut Bench<'w>,
    conn: Value,
    unit: u64,
    pub(super) mss: u64,
    pub(super) now: u64,
    rtt: u64,
    next: u64,
    /// Number and time sent, oldest first.
    outstanding: VecDeque<(u64, u64)>,
    pub(super) state: State,
}

impl<'b, 'w> Script<'b, 'w> {
    pub(super) fn open(bench: &'b mut Bench<'w>, alg: &str, mss: u32, rtt: u64) -> Result<Self, Stop> {
        let answer = bench.call("acp.open", json!({"alg": alg, "mss": mss}))?;
        let unit = unit(bench, mss);
        let state = State::read(&answer, unit)?;
        let (conn, mss) = (answer["conn"].clone(), u64::from(mss));
        Ok(Self { bench, conn, unit, mss, now: 0, rtt, next: 0, outstanding: VecDeque::new(), state })
    }

    /// The window in segments.
    pub(super) fn segments(&self) -> f64 {
        self.state.cwnd as f64 / self.mss as f64
    }

    /// The number of the next segment.
    pub(super) const fn next_number(&self) -> u64 {
        self.next
    }

    fn event(&mut self, op: &str, mut params: Value) -> Result<(), Stop> {
        params["conn"] = self.conn.clone();
        params["now"] = json!(self.now);
        let answer = self.bench.call(op, params)?;
        self.state = State::read(&answer, self.unit)?;
        Ok(())
    }

    /// Sends what the window lets out, all at once.
    pub(super) fn send(&mut self) -> Result<(), Stop> {
        while (self.outstanding.len() as u64 + 1) * self.mss <= self.state.cwnd {
            if self.outstanding.len() >= MOST {
                return Err(fail(
                    "the window stays below 5000 segments",
                    format!("cwnd {}", self.state.cwnd),
                ));
            }
            self.outstanding.push_back((self.next, self.now));
            let (packet, bytes) = (self.next, self.mss);
            self.next += 1;
            self.event("acp.sent", json!({"packet": packet, "bytes": bytes}))?;
        }
        Ok(())
    }

    fn oldest(&mut self) -> Result<(u64, u64), Stop> {
        let oldest = self.outstanding.pop_front();
        let oldest =
            oldest.ok_or_else(|| fail("the window lets segments out", format!("{:?}", self.state)))?;
        self.now = self.now.max(oldest.1 + self.rtt);
        Ok(oldest)
    }

    /// The oldest segment is acknowledged, one round trip after it was sent. Gives its number.
    pub(super) fn ack(&mut self) -> Result<u64, Stop> {
        let (packet, sent) = self.oldest()?;
        let rtt = self.now - sent;
        self.event("acp.acked", json!({"packet": packet, "bytes": self.mss, "sent": sent, "rtt": rtt}))?;
        Ok(packet)
    }

    /// The oldest segment is found lost.
    pub(super) fn lose(&mut self) -> Result<(), Stop> {
        let (packet, sent) = self.oldest()?;
        self.event("acp.lost", json!({"packet": packet, "bytes": self.mss, "sent": sent}))
    }

    /// The oldest segment was marked; it is acknowledged as well.
    pub(super) fn mark(&mut self) -> Result<(), Stop> {
        let (packet, sent) = *self.outstanding.front().ok_or_else(|| fail("segments are in flight", ""))?;
        self.now = self.now.max(sent + self.rtt);
        self.event("acp.ecn", json!({"packet": packet, "bytes": self.mss, "sent": sent}))?;
        self.ack().map(|_| ())
    }

    /// The timer runs out.
    pub(super) fn time_out(&mut self) -> Result<(), Stop> {
        self.now += 10 * self.rtt;
        let bytes = self.outstanding.len() as u64 * self.mss;
        self.outstanding.clear();
        self.event("acp.rto", json!({"bytes": bytes}))
    }

    /// Acknowledges all that is in flight now, each letting out what the window then allows. One round trip.
    pub(super) fn round(&mut self) -> Result<(), Stop> {
        self.send()?;
        let last = self.next;
        while self.outstanding.front().is_some_and(|(packet, _)| *packet < last) {
            self.ack()?;
            self.send()?;
        }
        Ok(())
    }

    /// Slow start until the window has so many segments, and that many are in flight.
    pub(super) fn grow(&mut self, segments: u64) -> Result<(), Stop> {
        self.send()?;
        let mut left = 20 * segments;
        while self.state.cwnd < segments * self.mss {
            self.ack()?;
            self.send()?;
            left = left.checked_sub(1).ok_or_else(|| {
                fail(
                    "the window grows",
                    format!("{} segments after {} acknowledgements", self.segments(), 20 * segments),
                )
            })?;
        }
        Ok(())
    }
}
