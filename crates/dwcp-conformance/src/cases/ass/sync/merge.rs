//! The laws of a merge, for each type: order, grouping and repetition do not matter.

use serde_json::{Value, json};

use super::replicas::Replicas;
use crate::bench::Bench;
use crate::bus::Faults;
use crate::cases::entry::must;
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure, fail};

pub(super) const MERGE: Case =
    must("ASS-102", Profile::StateSync, "merge be commutative, associative, idempotent per type")
        .source("Shapiro et al. 2011")
        .check(merge);

/// Three concurrent operations of a type, one at each of three nodes, after one that all have seen.
fn operations(kind: &str) -> (Value, [Value; 3]) {
    match kind {
        "lww" => {
            let write = |value: u64, ts: u64| json!({"type": "lww", "key": "k", "value": value, "ts": ts});
            (write(1, 10), [write(2, 30), write(3, 20), write(4, 30)])
        }
        "orset" => {
            let act = |action: &str, element: &str| json!({"type": "orset", "key": "k", "action": action, "element": element});
            (act("add", "x"), [act("remove", "x"), act("add", "x"), act("add", "y")])
        }
        _ => {
            let by = |by: i64| json!({"type": "counter", "key": "k", "by": by});
            (by(5), [by(3), by(-4), by(7)])
        }
    }
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

fn merge(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for kind in ["lww", "orset", "counter"] {
        let mut seen: Vec<(String, String)> = Vec::new();
        for order in ORDERS {
            for pattern in ["once", "twice", "grouped"] {
                // Nodes 0 to 2 write; 3 hears them, 4 is on the way of what is grouped.
                let mut replicas = Replicas::new(bench, 5, 1, Faults::none())?;
                let (first, three) = operations(kind);
                replicas.apply(0, &first)?;
                replicas.drain()?;
                let mut messages = Vec::new();
                for (node, op) in three.iter().enumerate() {
                    replicas.apply(node, op)?;
                    let sent = replicas.outbox(node)?;
                    let to = |whom: usize| {
                        sent.iter().find(|(to, _)| *to == whom).map(|(_, message)| message.clone())
                    };
                    let (Some(to_3), Some(to_4)) = (to(3), to(4)) else {
                        return Err(fail("a write is told to all peers", format!("{sent:?}")));
                    };
                    messages.push((to_3, to_4));
                }
                if pattern == "grouped" {
                    // Two are merged elsewhere first and arrive as one.
                    replicas.deliver(order[0], 4, &messages[order[0]].1)?;
                    replicas.deliver(order[1], 4, &messages[order[1]].1)?;
                    replicas.deliver(order[2], 3, &messages[order[2]].0)?;
                    replicas.now_ms += 10_000;
                    replicas.tick()?;
                    replicas.bus.partition([0, 1, 2], 1);
                    replicas.drain()?;
                } else {
                    for _ in 0..if pattern == "twice" { 2 } else { 1 } {
                        for node in order {
                            replicas.deliver(node, 3, &messages[node].0)?;
                        }
                    }
                }
                let digest = replicas.digests()?.swap_remove(3);
                seen.push((format!("{order:?} {pattern}"), digest));
            }
        }
        let other = seen.iter().find(|(_, digest)| *digest != seen[0].1);
        ensure(other.is_none(), "a merge does not depend on order, grouping or repetition", || {
            format!("{kind}: {} and {} differ", seen[0].0, other.map_or("", |(how, _)| how))
        })?;
    }
    Ok(())
}
