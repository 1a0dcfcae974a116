//! Several streams: one that is lost, one that is slow.

use std::collections::BTreeMap;

use serde_json::json;

use super::table::Table;
use super::{ALL, FAIR, declared};
use crate::bench::{Bench, Better};
use crate::cases::entry::{must, should};
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure, fail};

pub(super) const DOWN: Case = must(
    "ASS-009",
    Profile::Scheduler,
    "Stream down: nothing new assigned, its unacknowledged units re-queued once",
)
.source("`dwcp/transport` reconnect behaviour")
.check(down);

fn down(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for policy in declared(bench, ALL)? {
        let mut table = Table::without_stream(bench, policy, json!({"policy": policy, "rate": 0}))?;
        table.stream(1, 0)?;
        table.stream(2, 0)?;
        table.flow(7, 1.0, 0)?;
        table.put(&[(7, 1_000); 60])?;
        let mut at_first = Vec::new();
        for _ in 0..40 {
            let served = table.take()?.ok_or_else(|| fail("streams without a limit are not idle", policy))?;
            at_first.push(served);
        }
        // Every second unit has arrived; what the first stream still has is lost with it.
        let mut lost = Vec::new();
        for (n, served) in at_first.into_iter().enumerate() {
            if n % 2 == 0 {
                table.ack(served.unit)?;
            } else if served.stream == 1 {
                lost.push((served.unit, served.size));
            }
        }
        // Said twice, as a reset and a timeout may do.
        table.bench.call("ass.stream.down", json!({"id": 1}))?;
        table.bench.call("ass.stream.down", json!({"id": 1}))?;
        if lost.is_empty() {
            return Err(fail("the first stream is used", format!("{policy}: none of 40 units")));
        }
        // They are due again, in order, before the rest.
        let queue = table.queued.entry(7).or_default();
        for unit in lost.iter().rev() {
            queue.push_front(*unit);
        }
        let due = table.backlog();
        for n in 0..due {
            let served = table.take()?.ok_or_else(|| {
                fail("units of a lost stream are queued again", format!("{policy}: idle after {n} of {due}"))
            })?;
            ensure(served.stream == 2, "a stream that is down gets nothing", || {
                format!("{policy}: unit {} on stream {}", served.unit, served.stream)
            })?;
        }
        ensure(table.take()?.is_none(), "units are queued again once", || {
            format!("{policy}: one more came")
        })?;
    }
    Ok(())
}

pub(super) const SLOW_STREAM: Case = should(
    "ASS-013",
    Profile::Scheduler,
    "One stream 10x slower: completion ≤ 1.3 x ideal (no modulo head-of-line)",
)
.source("shared queue in `dwcp/amst.go` vs modulo in v1b/v3")
.check(slow_stream);

fn slow_stream(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let units = bench.amount(800_u64, 400);
    for policy in declared(bench, FAIR)? {
        let rates = BTreeMap::from([(1, 1_000_000), (2, 1_000_000), (3, 1_000_000), (4, 100_000_u64)]);
        let total: u64 = rates.values().sum();
        let mut table = Table::without_stream(bench, policy, json!({"policy": policy, "rate": total}))?;
        for (id, rate) in &rates {
            table.stream(*id, *rate)?;
        }
        table.flow(1, 1.0, 0)?;
        table.flow(2, 1.0, 0)?;
        table.put(&(0..units).map(|n| (1 + n % 2, 1_000)).collect::<Vec<_>>())?;
        // When each stream is free again, and what it has.
        let mut busy: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        let mut last = 0;
        loop {
            while let Some(served) = table.take()? {
                let rate = rates.get(&served.stream).copied();
                let rate = rate.ok_or_else(|| fail("dequeue names a stream", format!("{served:?}")))?;
                let free = table.now + served.size * 1_000_000_000 / rate;
                busy.insert((free, served.unit), served.stream);
                last = last.max(free);
            }
            let Some(((free, unit), _)) = busy.pop_first() else { break };
            table.now = free;
            table.ack(unit)?;
        }
        let left = table.backlog();
        ensure(left == 0, "all units are sent", || format!("{policy}: {left} of {units} are left"))?;
        let ideal = (units * 1_000) as f64 / total as f64 * 1e9;
        let ratio = last as f64 / ideal;
        bench.measure(&format!("{policy}: completion over ideal"), ratio, "", Better::Lower);
        ensure(ratio <= 1.3, "a slow stream does not hold the others up", || {
            format!("{policy}: {ratio:.2} x ideal")
        })?;
    }
    Ok(())
}
