//! An implementation by a script, in virtual time; its connections stay silent.

use std::collections::VecDeque;

use dwcp_conformance::world::{Broken, Conn, Read, Wire, World};
use serde_json::{Value, json};

/// Connections that it opens by itself.
const CONNECTIONS: u32 = 64;

/// What it says to a request: its number and operation.
pub(crate) type Answer = dyn Fn(u64, &str) -> Vec<Result<String, Broken>>;

/// Answers greeting, reset and shutdown; everything else by a script.
pub(crate) struct Scripted {
    hello: Value,
    answer: Box<Answer>,
    waiting: VecDeque<Result<String, Broken>>,
    /// Microseconds; a look at the clock takes one of these steps.
    pub(crate) now: u64,
    step: u64,
    conns: u32,
}

impl Scripted {
    /// With that greeting.
    pub(crate) fn new(
        hello: Value,
        step: u64,
        answer: impl Fn(u64, &str) -> Vec<Result<String, Broken>> + 'static,
    ) -> Self {
        Self { hello, answer: Box::new(answer), waiting: VecDeque::new(), now: 0, step, conns: 0 }
    }
}

/// An answer with a result.
pub(crate) fn ok(id: u64, result: Value) -> String {
    json!({"id": id, "ok": true, "result": result}).to_string()
}

impl World for Scripted {
    fn start(&mut self) -> Result<(), Broken> {
        self.waiting.clear();
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Broken> {
        Ok(())
    }

    fn send(&mut self, line: &str) -> Result<(), Broken> {
        let request: Value = serde_json::from_str(line).unwrap();
        let (id, op) = (request["id"].as_u64().unwrap(), request["op"].as_str().unwrap());
        match op {
            "hello" => self.waiting.push_back(Ok(ok(id, self.hello.clone()))),
            "reset" | "shutdown" => self.waiting.push_back(Ok(ok(id, json!({})))),
            _ => self.waiting.extend((self.answer)(id, op)),
        }
        Ok(())
    }

    fn receive(&mut self, within_ms: u64) -> Result<Option<String>, Broken> {
        match self.waiting.pop_front() {
            Some(line) => line.map(Some),
            None => {
                self.now += within_ms.max(1) * 1_000;
                Ok(None)
            }
        }
    }

    fn now_us(&mut self) -> u64 {
        self.now += self.step;
        self.now
    }

    fn peak_kib(&mut self) -> Option<u64> {
        Some(1_000)
    }

    fn wire(&mut self) -> &mut dyn Wire {
        self
    }
}

impl Wire for Scripted {
    fn listen(&mut self) -> Result<String, Broken> {
        Ok("127.0.0.1:1".to_owned())
    }

    fn accept(&mut self) -> Result<Option<Conn>, Broken> {
        self.conns += 1;
        Ok(Some(Conn(self.conns)).filter(|_| self.conns <= CONNECTIONS))
    }

    fn deafen(&mut self) {}

    fn connect(&mut self, _address: &str) -> Result<Conn, Broken> {
        self.conns += 1;
        Ok(Conn(self.conns))
    }

    fn read(&mut self, _conn: Conn, _max: usize) -> Read {
        Read::Nothing
    }

    fn write(&mut self, _conn: Conn, bytes: &[u8]) -> Option<usize> {
        Some(bytes.len())
    }

    fn half_close(&mut self, _conn: Conn) {}

    fn reset(&mut self, _conn: Conn) {}

    fn close(&mut self, _conn: Conn) {}

    fn wait(&mut self, at_most_us: u64) {
        self.now += at_most_us;
    }
}
