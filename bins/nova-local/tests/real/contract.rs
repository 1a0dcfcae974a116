//! The contract of a target, over the real socket, with real processes.

use std::time::Duration;

use ports::contract::target::{World, target};

use crate::bed::Bed;

#[tokio::test]
async fn the_contract_of_a_target_holds() {
    let bed = Bed::new().await;
    let world = World {
        target: &bed.target,
        first: bed.spec("1.5.0", &[]),
        second: bed.spec("1.6.0", &[]),
        // Between two looks of the contract, whose waits have deadlines of their own.
        pause: async || tokio::time::sleep(Duration::from_millis(50)).await,
        short_lease_ms: 500,
    };
    if let Err(broken) = target(&world).await {
        panic!("{broken}\n{}", bed.log());
    }
}
