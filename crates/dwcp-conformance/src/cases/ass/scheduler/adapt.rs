//! Changes: of a weight, from idle to busy, and a full queue.

use std::collections::BTreeMap;

use serde_json::json;

use super::table::{RATE, Table};
use super::{ALL, FAIR, declared};
use crate::bench::{Bench, Better};
use crate::cases::entry::must;
use crate::protocol::Code;
use crate::requirement::{Case, Profile};
use crate::stop::{CallError, Stop, ensure, fail};

pub(super) const WEIGHT_CHANGE: Case =
    must("ASS-008", Profile::Scheduler, "Weight change effective within one round or 100 ms")
        .source("\"adaptive\", design l.156")
        .check(weight_change);

fn weight_change(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for policy in declared(bench, FAIR)? {
        let mut table = Table::open(bench, policy)?;
        table.flow(1, 1.0, 0)?;
        table.flow(2, 1.0, 0)?;
        for _ in 0..8 {
            table.put(&[(1, 1_000), (2, 1_000)])?;
        }
        let share = |table: &mut Table<'_, '_>, lasts_ns: u64| -> Result<f64, Stop> {
            let (until, mut bytes) = (table.now + lasts_ns, BTreeMap::from([(1, 0), (2, 0)]));
            while table.now < until {
                let served = table.must_serve()?;
                *bytes.entry(served.flow).or_insert(0) += served.size;
                table.put(&[(served.flow, 1_000)])?;
            }
            Ok(bytes[&1] as f64 / (bytes[&1] + bytes[&2]) as f64)
        };
        share(&mut table, 200_000_000)?;
        for (weight, want) in [(4.0, 0.8), (2.0, 2.0 / 3.0)] {
            table.bench.call("ass.flow.set", json!({"id": 1, "weight": weight}))?;
            // A tenth of a second is 100 units here, more than a round; then a second to measure.
            share(&mut table, 100_000_000)?;
            let seen = share(&mut table, 1_000_000_000)?;
            ensure(
                (seen - want).abs() <= 0.02,
                "a new weight is effective within a round or 100 ms",
                || format!("{policy}: weight {weight} of two flows gives {seen:.3}, {want:.3} expected"),
            )?;
        }
    }
    Ok(())
}

pub(super) const IDLE_BANK: Case =
    must("ASS-010", Profile::Scheduler, "Idle flow banks ≤ one quantum + one max unit")
        .source("DRR")
        .check(idle_bank);

fn idle_bank(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for policy in declared(bench, FAIR)? {
        let mut table = Table::open(bench, policy)?;
        table.flow(1, 1.0, 0)?;
        table.flow(2, 1.0, 0)?;
        let mut worst = 0;
        for _ in 0..8 {
            // Flow 1 was there and went idle; flow 2 uses the stream alone for a while.
            table.put(&[(1, 500)])?;
            table.put(&[(2, 1_000); 40])?;
            while !table.queued[&1].is_empty() || table.queued[&2].len() > 10 {
                table.must_serve()?;
            }
            table.put(&[(1, 500); 30])?;
            // What flow 1 gets in a row is what it has banked.
            let mut row = 0;
            for _ in 0..30 {
                let served = table.must_serve()?;
                row = if served.flow == 1 { row + served.size } else { 0 };
                worst = worst.max(row);
                if table.queued[&2].is_empty() || table.queued[&1].is_empty() {
                    break;
                }
            }
            while table.backlog() > 0 {
                table.must_serve()?;
            }
        }
        // Without rounds a quantum is one unit of the largest size.
        let most = table.quantum.unwrap_or(1_500.0) + 1_500.0;
        bench.measure(
            &format!("{policy}: longest burst of a flow that was idle"),
            worst as f64,
            "bytes",
            Better::Lower,
        );
        ensure(worst as f64 <= most, "an idle flow banks at most a quantum and a unit", || {
            format!("{policy}: {worst} bytes in a row, at most {most}")
        })?;
    }
    Ok(())
}

pub(super) const OVERLOAD: Case =
    must("ASS-011", Profile::Scheduler, "Full queue: explicit `overload`; accepted = dequeued + queued")
        .source("`qos_engine.go` drops")
        .check(overload);

fn overload(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for policy in declared(bench, ALL)? {
        let params = json!({"policy": policy, "rate": RATE, "capacity": 50});
        let mut table = Table::without_stream(bench, policy, params)?;
        table.stream(1, RATE)?;
        table.flow(1, 1.0, 0)?;
        table.flow(2, 1.0, 0)?;
        let (mut accepted, mut refused) = (0_u64, 0_u64);
        for n in 0..300 {
            match table.try_put(1 + n % 2, 1_000) {
                Ok(_) => accepted += 1,
                Err(CallError::Refused { code: Code::Overload, .. }) => refused += 1,
                Err(CallError::Refused { code, message, .. }) if code != Code::Unsupported => {
                    return Err(fail(
                        "a full queue answers overload",
                        format!("{policy}: {code}: {message}"),
                    ));
                }
                Err(other) => return Err(other.into()),
            }
        }
        ensure(refused > 0, "a queue of 50 units refuses some of 150", || {
            format!("{policy}: none was refused")
        })?;
        let mut dequeued = 0;
        for _ in 0..20 {
            table.must_serve()?;
            dequeued += 1;
        }
        let queued = table.bench.call("ass.stats", json!({}))?["queued"].as_u64();
        ensure(queued == Some(accepted - dequeued), "accepted = dequeued + queued", || {
            format!("{policy}: {accepted} accepted, {dequeued} dequeued, {queued:?} queued")
        })?;
        while table.serve()?.is_some() {
            dequeued += 1;
        }
        ensure(dequeued == accepted, "what was accepted is dequeued", || {
            format!("{policy}: {dequeued} of {accepted}")
        })?;
    }
    Ok(())
}
