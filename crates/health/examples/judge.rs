//! The design's five rules over samples of one's own. Run with `cargo run -p health --example judge`.

use health::{Arm, Judge, Latency, Literal, Rules, Sample};
use machine::Timestamp;

/// Counters after `seconds` at 100 requests a second, of which a share fails.
fn arm(seconds: u64, errors_per_second: u64) -> Arm {
    let requests = seconds * 100;
    let latency = Latency::new(vec![(10_000, requests), (u64::MAX, requests)]).unwrap_or_default();
    Arm { requests, server_errors: seconds * errors_per_second, latency, ..Arm::default() }
}

fn main() {
    let mut judge = Literal::new(Rules::design(None));
    judge.weighed(Timestamp::ZERO, 10);
    for second in 0..8 {
        let taken = Timestamp::from_millis(second * 1_000);
        let sample = Sample { taken, new: arm(second, 3), stable: Some(arm(second, 0)) };
        println!("{taken}: {:?}", judge.judge(taken, Some(&sample)));
    }
}
