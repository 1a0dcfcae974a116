//! The target itself dies: traffic, weights and processes afterwards.

use std::time::Duration;

use adapter_process::instances;
use ports::Target;
use supervise::{Desired, Observation, RevisionId};

use crate::bed::Bed;
use crate::load;

fn percent(seen: &Observation, id: &RevisionId) -> u8 {
    seen.value.weights.get(id).map_or(0, |weight| weight.percent())
}

fn port(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn killed_and_started_again_it_serves_within_a_second_with_weights_and_processes_as_before() {
    let mut bed = Bed::new().await;
    let stable = bed.stable(&bed.spec("1.5.0", &[])).await;
    let hand = bed.acquire("shift").await;
    let new = hand.running(&bed.spec("1.6.0", &[])).await;
    hand.weight(&new, 25, 60_000).await;
    let before = bed.target.observe().await.unwrap();
    let (epoch, port) = (hand.epoch, port(&bed.status().await.address));

    bed.kill();
    let took = bed.start(port).await;
    let answer = load::once(port).await;
    let after = bed.target.observe().await.unwrap();

    assert!(took < Duration::from_secs(1), "it took {took:?}");
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!((percent(&after, &stable), percent(&after, &new)), (75, 25));
    for id in [&stable, &new] {
        assert_eq!(Bed::pids(&before, id).len(), 2);
        assert_eq!(Bed::pids(&before, id), Bed::pids(&after, id), "adopted, not started again");
    }
    assert_eq!((after.epoch, after.generation), (epoch, before.generation));
    let lease = after.value.lease_left_ms.unwrap();
    assert!((50_000..60_000).contains(&lease), "the lease goes on: {lease}");
    // An adopted process that dies is missed and replaced, although it is nobody's child any more.
    let pid = Bed::pids(&after, &stable)[0];
    instances::kill_group(instances::identity(pid).unwrap()).unwrap();
    bed.observed("it is replaced", |seen| {
        let pids = Bed::pids(seen, &stable);
        pids.len() == 2 && !pids.contains(&pid) && seen.value.revisions[&stable].ready() == 2
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_runs_out_while_the_target_is_down_returns_traffic_to_stable() {
    let mut bed = Bed::new().await;
    let stable = bed.stable(&bed.spec("1.5.0", &[])).await;
    let hand = bed.acquire("shift").await;
    let new = hand.running(&bed.spec("1.6.0", &[])).await;
    hand.weight(&new, 50, 300).await;
    let run = hand.run.clone();
    bed.kill();
    tokio::time::timeout(Duration::from_secs(5), async {
        let down = std::time::Instant::now();
        while down.elapsed() < Duration::from_millis(400) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    bed.start(0).await;
    let seen = bed.observed("traffic is back", |seen| percent(seen, &stable) == 100).await;
    assert_eq!(seen.value.latched, Some(run));
}

#[tokio::test]
async fn after_a_reboot_every_instance_is_started_again() {
    let mut bed = Bed::new().await;
    let stable = bed.stable(&bed.spec("1.5.0", &[])).await;
    let before = Bed::pids(&bed.target.observe().await.unwrap(), &stable);
    bed.kill();
    bed.pretend_boot("another-boot");
    bed.start(0).await;
    let after = bed.observed("all are ready", |seen| seen.value.revisions[&stable].ready() == 2).await;
    assert!(Bed::pids(&after, &stable).iter().all(|pid| !before.contains(pid)));
    assert!(after.value.revisions[&stable].instances.iter().all(|i| i.crashes == 0 && i.failed_checks == 0));
    // A pretended reboot leaves the old processes behind, which a real one does not.
    for pid in before {
        instances::kill_group(instances::identity(pid).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_process_that_dies_is_routed_around_and_started_again_later_each_time() {
    let bed = Bed::new().await;
    let stable = bed.stable(&bed.spec("1.5.0", &[])).await;
    let port = port(&bed.status().await.address);
    for round in 1..=2u32 {
        let pid = Bed::pids(&bed.target.observe().await.unwrap(), &stable)[0];
        instances::kill_group(instances::identity(pid).unwrap()).unwrap();
        for _ in 0..20 {
            assert!(load::once(port).await.is_ok(), "the other instance answers");
        }
        let crashed = |seen: &Observation| {
            let known = &seen.value.revisions[&stable];
            known.instances[0].crashes == round && known.ready() == 2
        };
        bed.observed("it is started again", crashed).await;
    }
}

#[tokio::test]
async fn a_restart_by_order_never_leaves_fewer_ready_instances() {
    let bed = Bed::new().await;
    let stable = bed.stable(&bed.spec("1.5.0", &[])).await;
    let before = Bed::pids(&bed.target.observe().await.unwrap(), &stable);
    let hand = bed.acquire("leak").await;
    hand.accepted(Desired::Restarts { revision: stable.clone(), slot: 1, restarts: 1 }).await;
    let seen = bed
        .observed("slot 1 was restarted", |seen| {
            let known = &seen.value.revisions[&stable];
            // Never fewer than before: the old one serves until the new one is ready.
            assert_eq!(known.ready(), 2);
            known.instances[1].restarts == 1
        })
        .await;
    let after = Bed::pids(&seen, &stable);
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);
}

#[tokio::test]
async fn a_first_release_that_is_restored_empties_the_target() {
    let bed = Bed::new().await;
    let hand = bed.acquire("first").await;
    let id = hand.running(&bed.spec("1.5.0", &[])).await;
    hand.weight(&id, 5, 60_000).await;
    let seen = bed.target.observe().await.unwrap();
    assert_eq!(percent(&seen, &id), 100, "there is nobody else to route to");
    bed.target.restore_stable(&hand.run).await.unwrap();
    let empty = |seen: &Observation| seen.value.weights.is_empty() && Bed::pids(seen, &id).is_empty();
    bed.observed("nothing is routed and nothing runs", empty).await;
    assert!(load::once(port(&bed.status().await.address)).await.is_err());
}
