//! The simulator against queueing theory. Tolerances are at least five standard errors of the estimate.

use crate::rng::Rng;
use crate::sim::{Link, LinkCount, Network, Occurrence, Packet, SECOND_NS};

const BYTES: u32 = 1_250;
/// 10 Mbit/s: a packet of 1250 bytes takes 1 ms.
const RATE: u64 = 10_000_000;
const MEAN_NS: f64 = 1_000_000.0;

/// Offers packets at exponential gaps; sizes by `size`. Gives what was counted and the time it took.
fn offered(load: f64, packets: u64, size: &mut dyn FnMut(&mut Rng) -> u32) -> (LinkCount, u64) {
    let mut network = Network::new(1);
    let link = network.add(Link::new(RATE, 0));
    let mut rng = Rng::new(42);
    let (mut sent, mut arrived) = (0, 0);
    network.timer(0, 0);
    while let Some(occurrence) = network.next() {
        match occurrence {
            Occurrence::Timer(_) => {
                let bytes = size(&mut rng);
                let now = network.now_ns();
                network.send(link, Packet { flow: 0, number: sent, bytes, sent_ns: now, marked: false });
                sent += 1;
                if sent < packets {
                    let gap = -MEAN_NS / load * libm::log(1.0 - rng.unit());
                    network.timer(now + gap as u64, 0);
                }
            }
            Occurrence::Arrived { .. } => arrived += 1,
            Occurrence::Dropped { .. } => unreachable!("the buffer has no limit"),
        }
    }
    assert_eq!(arrived, packets, "nothing is lost or made");
    (network.count(link), network.now_ns())
}

fn wait_ms(count: &LinkCount) -> f64 {
    count.waited_ns as f64 / count.offered as f64 / 1e6
}

#[test]
fn the_mean_wait_is_that_of_m_d_1() {
    // Pollaczek and Khinchin: W = rho / (2 (1 - rho)) service times.
    for (load, tolerance) in [(0.3, 0.03), (0.5, 0.03), (0.8, 0.08)] {
        let want = load / (2.0 * (1.0 - load));
        let (count, _) = offered(load, 100_000, &mut |_| BYTES);
        let seen = wait_ms(&count);
        assert!((seen / want - 1.0).abs() < tolerance, "load {load}: {seen} ms, theory {want} ms");
    }
}

#[test]
fn the_mean_wait_is_that_of_m_m_1() {
    // W = rho / (1 - rho) service times; sizes are rounded to a byte of 1250.
    let mut exponential = |rng: &mut Rng| (-f64::from(BYTES) * libm::log(1.0 - rng.unit())).max(1.0) as u32;
    let (count, _) = offered(0.6, 150_000, &mut exponential);
    let (seen, want) = (wait_ms(&count), 0.6 / 0.4);
    assert!((seen / want - 1.0).abs() < 0.08, "{seen} ms, theory {want} ms");
}

#[test]
fn the_law_of_little_holds_exactly() {
    // L = lambda W is an identity of any run that ends empty: the integral of the number inside is the sum of stays.
    let (count, ended_ns) = offered(0.7, 20_000, &mut |_| BYTES);
    let stays = count.waited_ns + u128::from(count.offered) * 1_000_000;
    assert_eq!(count.packet_ns, stays);
    assert!(ended_ns > 20 * SECOND_NS);
}

#[test]
fn a_short_buffer_loses_what_m_d_1_k_says() {
    // M/D/1/1 (no place to wait): Erlang's loss formula, blocked = a / (1 + a), whatever the service is like.
    let mut network = Network::new(1);
    let link = network.add(Link::new(RATE, 0).buffered(0));
    let mut rng = Rng::new(9);
    let mut at = 0.0;
    for number in 0..50_000 {
        network.timer(at as u64, number);
        at += -MEAN_NS / 0.5 * libm::log(1.0 - rng.unit());
    }
    while let Some(occurrence) = network.next() {
        if let Occurrence::Timer(number) = occurrence {
            let now = network.now_ns();
            network.send(link, Packet { flow: 0, number, bytes: BYTES, sent_ns: now, marked: false });
        }
    }
    let count = network.count(link);
    let blocked = count.overflowed as f64 / count.offered as f64;
    assert!((blocked - 1.0 / 3.0).abs() < 0.012, "{blocked}");
}
