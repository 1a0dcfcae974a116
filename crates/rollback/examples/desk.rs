//! From breaches to decisions by the design's table. Run with `cargo run -p rollback --example desk`.

use health::{Breach, Finite, RuleName};
use machine::Timestamp;
use rollback::{Desk, Policy};

fn main() {
    for rule in RuleName::ALL {
        let mut desk = Desk::new(Policy::design());
        let (observed, limit) = (Finite::new(3.0).unwrap_or_default(), Finite::new(1.0).unwrap_or_default());
        let slot = (rule == RuleName::Memory).then_some(0);
        let breach =
            Breach { rule, observed, limit, since: Timestamp::ZERO, slot, text: "over its limit".to_owned() };
        let decision = desk.decide(Timestamp::from_millis(1_000), &[breach], |_| 0);
        println!("{rule:<14} {decision:?}");
    }
}
