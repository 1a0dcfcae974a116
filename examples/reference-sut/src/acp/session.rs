//! The operations `acp.*`: opens connections and hands events to them.

use serde_json::{Value, json};

use super::bbr::Bbr;
use super::conn::{Conn, Segment};
use super::control::Control;
use super::cubic::Cubic;
use super::reno::Reno;
use crate::dispatch::{Observed, Setup};
use crate::refusal::{Answer, Refusal, invalid, refuse, text, unsupported, whole, whole_or};

/// Connections of one session.
const MOST: usize = 256;
/// Longest time, so that sums never overflow.
const LAST_NS: u64 = 1 << 60;

pub(super) struct Session {
    setup: Setup,
    conns: Vec<Conn>,
}

impl Session {
    pub(super) const fn new(setup: Setup) -> Self {
        Self { setup, conns: Vec::new() }
    }

    fn open(&mut self, params: &Value) -> Answer {
        let mss = whole(params, "mss")?;
        if !(64..=65_535).contains(&mss) {
            return Err(invalid(format!("mss is {mss}: 64 to 65535")));
        }
        let control: Box<dyn Control> = match text(params, "alg")? {
            "reno" => Box::new(Reno::new(self.setup, mss, self.conns.is_empty())),
            "cubic" => Box::new(Cubic::new(self.setup, mss)),
            "bbr" => Box::new(Bbr::new(self.setup, mss)),
            other => return Err(invalid(format!("alg is {other}: reno, cubic or bbr"))),
        };
        if self.conns.len() >= MOST {
            return Err(refuse("overload", format!("more than {MOST} connections; reset forgets them")));
        }
        self.conns.push(Conn::new(self.setup, control));
        let conn = self.conns.len() - 1;
        let mut state = self.conns[conn].state();
        state["conn"] = json!(conn);
        Ok(state)
    }

    fn conn(&mut self, params: &Value) -> Result<&mut Conn, Refusal> {
        let conn = whole(params, "conn")?;
        self.conns.get_mut(conn as usize).ok_or_else(|| invalid(format!("conn {conn} was not opened")))
    }

    pub(super) fn handle(&mut self, op: &str, params: &Value) -> Answer {
        match op {
            "acp.open" => return self.open(params),
            "acp.state" => return Ok(self.conn(params)?.state()),
            "acp.sent" | "acp.acked" | "acp.lost" | "acp.ecn" | "acp.rto" => {}
            _ => return Err(unsupported(op)),
        }
        let (now, bytes) = (whole(params, "now")?, whole(params, "bytes")?);
        if now > LAST_NS || bytes > 1 << 32 {
            return Err(invalid("now or bytes is too large"));
        }
        let conn = self.conn(params)?;
        if op == "acp.rto" {
            conn.timeout(now, bytes);
            return Ok(conn.state());
        }
        let packet = whole(params, "packet")?;
        if op == "acp.sent" {
            conn.sent(now, packet, bytes);
            return Ok(conn.state());
        }
        let sent = whole(params, "sent")?;
        let rtt = now.checked_sub(sent).ok_or_else(|| invalid("sent is later than now"))?;
        let segment = Segment { now, packet, bytes, sent };
        match op {
            "acp.acked" => {
                conn.acked(segment, whole_or(params, "rtt", rtt)?, whole_or(params, "ack_delay", 0)?);
            }
            "acp.lost" => conn.lost(segment),
            _ => conn.marked(segment),
        }
        Ok(conn.state())
    }

    pub(super) fn observe(&self, into: &mut Observed) {
        if self.conns.is_empty() {
            return;
        }
        let counted = if self.setup.is("met-counter-by-session") { self.conns.len() - 1 } else { 0 };
        let (sent, lost) =
            self.conns[counted..].iter().map(Conn::counted).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        into.insert("dwcp_sent_bytes_total".to_owned(), sent as f64);
        into.insert("dwcp_lost_bytes_total".to_owned(), lost as f64);
        let rate =
            if self.conns.len() == 1 { self.conns[0].loss_rate() } else { lost as f64 / sent.max(1) as f64 };
        into.insert("dwcp_packet_loss_rate".to_owned(), rate);
        let latency = self.conns.iter().map(Conn::latency_ms).sum::<f64>() / self.conns.len() as f64;
        into.insert("dwcp_latency_milliseconds".to_owned(), latency);
    }
}
