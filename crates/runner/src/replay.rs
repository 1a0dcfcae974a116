//! Decides again from a journal, and compares with what was recorded.

use std::fmt::Display;

use machine::{Machine, Timestamp, fingerprints, step};
use ports::{Json, Record};

/// A record whose decision comes out differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which record.
    pub seq: u64,
    /// What differs.
    pub what: String,
}

/// The state after a replay.
#[derive(Clone, Debug)]
pub struct Replayed<M> {
    /// As it was after the last record.
    pub machine: M,
    /// When the last record was made.
    pub last: Timestamp,
    /// How many records were decided again.
    pub records: u64,
    /// How many effects were compared.
    pub effects: u64,
    /// Where the decision came out differently.
    pub differences: Vec<Difference>,
}

/// Steps a new machine through all records.
pub fn replay<M: Machine + Default>(records: &[Record]) -> Replayed<M>
where
    M::Rejected: Display,
{
    let mut replayed = Replayed {
        machine: M::default(),
        last: Timestamp::ZERO,
        records: 0,
        effects: 0,
        differences: Vec::new(),
    };
    for record in records {
        replayed.records += 1;
        replayed.last = record.entry.ts;
        let event = match record.entry.event.as_ref().map(Json::read::<M::Event>).transpose() {
            Ok(event) => event,
            Err(error) => {
                let what = format!("this version does not know its event: {error}");
                replayed.differences.push(Difference { seq: record.seq, what });
                continue;
            }
        };
        let stepped = step(&mut replayed.machine, record.entry.ts, event);
        let (effects, rejected) =
            (fingerprints(&stepped.effects), stepped.rejected.as_ref().map(ToString::to_string));
        replayed.effects += effects.len() as u64;
        if effects != record.entry.effects {
            let what =
                format!("{} effects instead of {}, or others", effects.len(), record.entry.effects.len());
            replayed.differences.push(Difference { seq: record.seq, what });
        }
        if rejected != record.entry.rejected {
            let what = format!("rejected {rejected:?} instead of {:?}", record.entry.rejected);
            replayed.differences.push(Difference { seq: record.seq, what });
        }
    }
    replayed
}
