//! An implementation that declares everything and says nothing in its answers meets no requirement.

mod scripted;

use dwcp_conformance::bench::Settings;
use dwcp_conformance::cases;
use dwcp_conformance::driver::{self, Verdict};
use dwcp_conformance::requirement::Profile;
use scripted::{Scripted, ok};
use serde_json::{Value, json};

/// No case waits longer for somebody who does nothing, all attempts together.
const LIMIT_US: u64 = 300_000_000;
/// What a look at the clock takes, so that who only looks comes to an end.
const STEP_US: u64 = 1_000;

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
            let says = result.clone();
            let mut world = Scripted::new(hello(), STEP_US, move |id, _| vec![Ok(ok(id, says.clone()))]);
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
