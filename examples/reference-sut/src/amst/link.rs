//! A link with faults between the two sides of one process: a relay that kills, stalls and flips bits.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use serde_json::Value;

use super::bucket::Bucket;
use crate::refusal::{Refusal, invalid, refuse, whole, whole_or};

/// Something that happens when so many bytes have gone over a stream.
#[derive(Clone, Copy, Debug)]
enum What {
    Kill,
    Stall(Duration),
    Flip(u8),
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    stream: u64,
    at: u64,
    what: What,
}

/// A link model; streams are numbered as they come.
#[derive(Clone, Default)]
pub(super) struct Link {
    faults: Vec<Fault>,
    rtt: Duration,
    rate: Option<Arc<Bucket>>,
}

impl Link {
    /// Reads `link`; nothing is a link without faults.
    pub(super) fn read(link: &Value) -> Result<Self, Refusal> {
        let known = ["rtt_ms", "rate_mbps", "kill", "stall", "corrupt"];
        if let Some(other) =
            link.as_object().and_then(|all| all.keys().find(|key| !known.contains(&key.as_str())))
        {
            return Err(refuse("unsupported", format!("this link knows no {other}")));
        }
        let mut faults = Vec::new();
        for (name, make) in [("kill", 0), ("stall", 1), ("corrupt", 2)] {
            for one in link[name].as_array().into_iter().flatten() {
                let what = match make {
                    0 => What::Kill,
                    1 => What::Stall(Duration::from_millis(whole(one, "ms")?)),
                    _ => What::Flip(1 << (whole(one, "bit")? % 8)),
                };
                faults.push(Fault { stream: whole(one, "stream")?, at: whole(one, "at_byte")?, what });
            }
        }
        faults.sort_by_key(|fault| fault.at);
        let rate = match &link["rate_mbps"] {
            Value::Null => None,
            rate => {
                let rate = rate
                    .as_f64()
                    .filter(|rate| *rate > 0.0)
                    .ok_or_else(|| invalid("rate_mbps is not above 0"))?;
                Some(Arc::new(Bucket::new(rate * 125_000.0, 64.0 * 1_024.0)))
            }
        };
        Ok(Self { faults, rtt: Duration::from_millis(whole_or(link, "rtt_ms", 0)?), rate })
    }

    /// Whether a relay is needed at all.
    pub(super) fn is_plain(&self) -> bool {
        self.faults.is_empty() && self.rtt.is_zero() && self.rate.is_none()
    }

    /// Relays streams to that port until the process ends; gives the port to dial.
    pub(super) fn relay(self, to: u16) -> Result<u16, Refusal> {
        let failed = |error: std::io::Error| refuse("internal", error.to_string());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let link = self.clone();
                // A link that cannot go on is a link that is down.
                std::thread::spawn(move || link.forward(number as u64, stream, to).ok());
            }
        });
        Ok(port)
    }

    fn forward(&self, number: u64, mut from: TcpStream, to: u16) -> std::io::Result<()> {
        let mut onward = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
        let mut faults: Vec<Fault> =
            self.faults.iter().copied().filter(|fault| fault.stream == number).collect();
        let mut gone = 0;
        let mut buffer = vec![0; 64 << 10];
        std::thread::sleep(self.rtt / 2);
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            if let Some(bucket) = &self.rate {
                std::thread::sleep(bucket.take(read));
            }
            let mut begun = 0;
            while let Some(fault) = faults.first().copied().filter(|fault| fault.at < gone + read as u64) {
                faults.remove(0);
                let at = (fault.at.max(gone) - gone) as usize;
                match fault.what {
                    What::Flip(mask) => buffer[at] ^= mask,
                    What::Stall(time) => {
                        onward.write_all(&buffer[begun..at])?;
                        begun = at;
                        std::thread::sleep(time);
                    }
                    What::Kill => {
                        onward.write_all(&buffer[begun..at])?;
                        let now = nix::libc::linger { l_onoff: 1, l_linger: 0 };
                        setsockopt(&from, sockopt::Linger, &now)?;
                        return Ok(());
                    }
                }
            }
            onward.write_all(&buffer[begun..read])?;
            gone += read as u64;
        }
        onward.shutdown(std::net::Shutdown::Write)?;
        // The end of the other side, which says that all was taken, goes back with our own.
        while onward.read(&mut buffer)? > 0 {}
        std::thread::sleep(self.rtt / 2);
        Ok(())
    }
}
