//! What may happen to a packet: loss, copies, overtaking, stalls, changes, marks; and that a seed decides all of it.

use crate::sim::{Change, Link, Network, Occurrence, Packet};

fn run(link: Link, gap_ns: u64, count: u64) -> (Network, Vec<(u64, Occurrence)>) {
    let mut network = Network::new(77);
    let id = network.add(link);
    (0..count).for_each(|number| network.timer(number * gap_ns, number));
    let mut seen = Vec::new();
    while let Some(occurrence) = network.next() {
        if let Occurrence::Timer(number) = occurrence {
            let sent_ns = network.now_ns();
            network.send(id, Packet { flow: 0, number, bytes: 1_000, sent_ns, marked: false });
        } else {
            seen.push((network.now_ns(), occurrence));
        }
    }
    (network, seen)
}

fn numbers(seen: &[(u64, Occurrence)]) -> Vec<u64> {
    let arrived = |it: &(u64, Occurrence)| match it.1 {
        Occurrence::Arrived { packet, .. } => Some(packet.number),
        _ => None,
    };
    seen.iter().filter_map(arrived).collect()
}

#[test]
fn chances_are_about_as_large_as_they_should_be_and_the_seed_decides() {
    let link = Link { loss_ppm: 100_000, duplicate_ppm: 50_000, ..Link::new(0, 1_000) };
    let (_, seen) = run(link.clone(), 10, 20_000);
    let lost = seen.iter().filter(|it| matches!(it.1, Occurrence::Dropped { .. })).count();
    let copies = numbers(&seen).windows(2).filter(|two| two[0] == two[1]).count();
    // Six standard deviations around 2 000 and 900.
    assert!((1_745..=2_255).contains(&lost) && (725..=1_075).contains(&copies), "{lost} {copies}");
    assert_eq!(seen, run(link, 10, 20_000).1);
}

#[test]
fn a_packet_held_back_is_overtaken() {
    let (_, seen) = run(Link { reorder_ppm: 200_000, reorder_ns: 35, ..Link::new(0, 5) }, 10, 1_000);
    let order = numbers(&seen);
    assert_eq!(order.len(), 1_000);
    assert!(order.windows(2).any(|two| two[0] > two[1]));
}

#[test]
fn a_stall_holds_all_and_loses_nothing() {
    let (_, seen) = run(Link::new(0, 0).at(1_000, Change::Stall(5_000)), 100, 100);
    assert_eq!(numbers(&seen), (0..100).collect::<Vec<_>>());
    assert!(seen.iter().all(|(at, _)| *at < 1_000 || *at >= 6_000));
}

#[test]
fn rate_and_delay_change_when_they_should() {
    // 8 bits a nanosecond is a byte a nanosecond: 1000 ns a packet; a tenth of it from 10 000 ns on.
    let link = Link::new(8_000_000_000, 7).at(10_000, Change::Rate(800_000_000)).at(10_000, Change::Delay(9));
    let (_, seen) = run(link, 1_000, 12);
    let at: Vec<u64> = seen.iter().map(|(at, _)| *at).collect();
    assert_eq!((at[0], at[1], at[9]), (1_007, 2_007, 10_009));
    assert_eq!(at[10] - at[9], 10_000);
}

#[test]
fn a_full_queue_marks_before_it_drops() {
    let mut link = Link::new(8_000_000, 0).buffered(10_000);
    link.mark_bytes = Some(3_000);
    let (_, seen) = run(link, 0, 20);
    let marked = seen.iter().filter(|it| matches!(it.1, Occurrence::Arrived { packet, .. } if packet.marked));
    let dropped = seen.iter().filter(|it| matches!(it.1, Occurrence::Dropped { .. }));
    // One is sent, three wait unmarked, seven marked, nine find it full.
    assert_eq!((marked.count(), dropped.count()), (7, 9));
}
