//! `measure dwcp-simulator`: packet events a second of the network simulator of the conformance harness.

use std::time::{Duration, Instant};

use dwcp_conformance::sim::{Link, Network, Occurrence, Packet};

use crate::door::{Verdict, quick};

/// Events a second that are aimed at.
const AIM: f64 = 2e6;
/// Packets that go round.
const PACKETS: u64 = 256;

/// A bottleneck and a way back, with packets that go round; a link that loses sends the lost ones anew.
fn round_trips(loss_ppm: u32, lasts: Duration) -> Result<f64, String> {
    let mut network = Network::new(1);
    let there = network.add(Link { loss_ppm, ..Link::new(1_000_000_000, 5_000_000).buffered(1 << 20) });
    let back = network.add(Link::new(0, 5_000_000));
    let mut number = 0;
    let mut send = |network: &mut Network| {
        number += 1;
        let sent_ns = network.now_ns();
        network
            .send(there, Packet { flow: (number % 7) as u32, number, bytes: 1_500, sent_ns, marked: false });
    };
    (0..PACKETS).for_each(|_| send(&mut network));
    let begun = Instant::now();
    loop {
        for _ in 0..100_000 {
            match network.next() {
                Some(Occurrence::Arrived { link, packet }) if link == there => network.send(back, packet),
                Some(_) => send(&mut network),
                None => return Err("the packets that go round are gone".to_owned()),
            }
        }
        if begun.elapsed() >= lasts {
            return Ok(network.handled() as f64 / begun.elapsed().as_secs_f64());
        }
    }
}

/// Events (a packet sent, arrived, or lost) a second on one core, the slowest of some paths.
///
/// # Errors
/// The simulator loses packets that it should not.
pub(super) fn run() -> Result<Verdict, String> {
    let lasts = Duration::from_secs(if quick() { 1 } else { 3 });
    let mut slowest = f64::INFINITY;
    for (name, loss_ppm) in [("faultless", 0), ("1 % loss", 10_000)] {
        let rate = round_trips(loss_ppm, lasts)?;
        println!("{name:<12} {:>6.2} million packet events a second", rate / 1e6);
        slowest = slowest.min(rate);
    }
    let text =
        format!("{:.2} million packet events a second on one core (aim >= {:.0})", slowest / 1e6, AIM / 1e6);
    Ok(Verdict::new(text, slowest >= AIM))
}
