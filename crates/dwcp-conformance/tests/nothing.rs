//! An implementation that declares everything and says nothing in its answers meets no requirement.

use std::collections::VecDeque;

use dwcp_conformance::bench::Settings;
use dwcp_conformance::cases;
use dwcp_conformance::driver::{self, Verdict};
use dwcp_conformance::requirement::Profile;
use dwcp_conformance::world::{Broken, Conn, Read, Wire, World};
use serde_json::{Value, json};

/// No case waits longer for somebody who does nothing, all attempts together.
const LIMIT_US: u64 = 300_000_000;

/// Answers every request with the same result; its connections stay silent.
struct Empty {
    result: Value,
    waiting: VecDeque<String>,
    now: u64,
    conns: u32,
}

fn hello() -> Value {
    let all = |words: &[&str]| json!(words);
    json!({
        "name": "empty", "version": "1", "clock": "virtual", "limits": {
            "amst": {"k": 0.1, "min_chunk": 16_384, "max_chunk": 262_144, "max_streams": 256, "max_total": 1 << 28},
            "hde": {"baseline_cap": 8_388_608, "max_delta_chain": 10, "max_output": 67_108_864, "tiers": [1, 2, 3]},
            "ass": {"max_staleness_ms": 2_000, "max_unit": 1_500, "quantum": 1_500.0},
            "acp": {"cwnd_gain": 2.0, "drain_gain": 0.36},
            "pba": {"sequence": 60},
        },
        "components": {
            "amst": all(&["in-process", "wire", "w1", "w2", "w1c"]),
            "hde": all(&["w4", "delta", "dictionary"]),
            "pba": all(&["forecast", "intervals", "allocate", "reserve"]),
            "ass": all(&["scheduler", "drr", "wfq", "strict", "state-sync"]),
            "acp": all(&["congestion", "reno", "cubic", "bbr", "ecn", "consensus", "raft", "pbft"]),
            "met": all(&["metrics", "status", "gate"]),
        },
    })
}

impl World for Empty {
    fn start(&mut self) -> Result<(), Broken> {
        self.waiting.clear();
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Broken> {
        Ok(())
    }

    fn send(&mut self, line: &str) -> Result<(), Broken> {
        let request: Value = serde_json::from_str(line).unwrap();
        let result = match request["op"].as_str() {
            Some("hello") => hello(),
            Some("reset" | "shutdown") => json!({}),
            _ => self.result.clone(),
        };
        self.waiting.push_back(json!({"id": request["id"], "ok": true, "result": result}).to_string());
        Ok(())
    }

    fn receive(&mut self, within_ms: u64) -> Result<Option<String>, Broken> {
        let line = self.waiting.pop_front();
        if line.is_none() {
            self.now += within_ms.max(1) * 1_000;
        }
        Ok(line)
    }

    fn now_us(&mut self) -> u64 {
        self.now += 1_000;
        self.now
    }

    fn peak_kib(&mut self) -> Option<u64> {
        Some(1_000)
    }

    fn wire(&mut self) -> &mut dyn Wire {
        self
    }
}

impl Wire for Empty {
    fn listen(&mut self) -> Result<String, Broken> {
        Ok("127.0.0.1:1".to_owned())
    }

    fn accept(&mut self) -> Result<Option<Conn>, Broken> {
        self.conns += 1;
        Ok(Some(Conn(self.conns)).filter(|_| self.conns <= 64))
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

#[test]
fn who_says_nothing_meets_no_requirement() {
    let handles = json!({"ctx": 1, "handle": 1, "conn": 1, "node": 0});
    // Short, but nothing.
    let claims = [
        json!({"ctx": 1, "frame": "", "len": 0, "algorithm": "zstd"}),
        json!({"ctx": 1, "frame": null, "len": 1, "algorithm": "zstd"}),
    ];
    let results = [json!({}), json!(null), json!([]), json!(0), handles].into_iter().chain(claims);
    let settings = Settings { seed: 1, quick: true, only: None, full_transcript: false };
    let mut asked = 0;
    for result in results {
        for case in cases::all() {
            let mut world = Empty { result: result.clone(), waiting: VecDeque::new(), now: 0, conns: 0 };
            let run = driver::run(&case, &mut world, &settings);
            let id = case.requirement.id;
            assert!(
                matches!(run.verdict, Verdict::Fail | Verdict::Skip),
                "{id} of {result}: {:?} {} {}",
                run.verdict,
                run.reason,
                run.seen
            );
            assert!(world.now < LIMIT_US, "{id} of {result} took {} s", world.now / 1_000_000);
            // What is not declared above is not asked; that must stay the exception.
            asked += u32::from(run.verdict == Verdict::Fail);
        }
    }
    assert!(asked >= 7 * 120, "{asked} of {} were asked", 7 * cases::all().len());
    assert_eq!(Profile::ALL.len(), 8, "a new profile is declared above");
}
