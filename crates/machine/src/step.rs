//! The machine and the one way to drive it.

use std::hash::Hash;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Keyed, Timestamp};

/// How durable a record must be before what follows from it may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// Nothing waits for the disk: returning traffic to stable, and notices.
    Unwaited,
    /// Written within a few milliseconds together with others: intents that may run again.
    Grouped,
    /// On the disk first: orders to a target, `effect: once`, approvals, decisions.
    Synced,
}

/// What an event or an effect asks of the journal.
pub trait Durable {
    /// The least durability under which it may be acted on.
    fn durability(&self) -> Durability;
}

/// What a machine is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input<E> {
    /// A time that `deadline()` showed has come.
    Wake,
    /// Something happened outside.
    Event(E),
}

/// Whether the machine works, waits for somebody, or has ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Effects are outstanding or a deadline is set.
    Working,
    /// Only somebody outside can go on.
    Waiting {
        /// What it waits for, for a person to read.
        on: String,
        /// When it stops waiting by itself.
        until: Option<Timestamp>,
    },
    /// Terminal: nothing changes any more.
    Ended,
}

/// Reaches every stored time and number of a machine, so that a model check can bring states to a normal form.
pub trait Visit {
    /// A stored time.
    fn time(&mut self, at: &mut Timestamp);
    /// A stored count that grows with the run (a key's number, an attempt).
    fn number(&mut self, n: &mut u32);
}

/// A deterministic part: the same inputs at the same times give the same state and the same effects.
pub trait Machine: Clone + Eq + Hash + Serialize + DeserializeOwned {
    /// What may happen to it.
    type Event: Clone + Durable + Serialize + DeserializeOwned;
    /// What it may want.
    type Effect: Clone + Durable + Serialize + Eq;
    /// Why an event does not fit.
    type Rejected;

    /// Takes one input.
    ///
    /// # Errors
    /// The event does not fit the state; the machine is as it was before.
    fn handle(
        &mut self,
        now: Timestamp,
        input: Input<Self::Event>,
    ) -> Result<Vec<Keyed<Self::Effect>>, Self::Rejected>;

    /// When the shell must send `Input::Wake`.
    fn deadline(&self) -> Option<Timestamp>;

    /// Whether it works, waits or has ended.
    fn progress(&self) -> Progress;

    /// Effects that are wanted and not yet answered.
    fn pending(&self) -> Vec<Keyed<Self::Effect>>;

    /// Shows every stored time and number to `v`.
    fn visit(&mut self, v: &mut dyn Visit);
}

/// What one step gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stepped<M: Machine> {
    /// To be carried out, in this order.
    pub effects: Vec<Keyed<M::Effect>>,
    /// Why the event was not taken. The effects of a due deadline stand all the same.
    pub rejected: Option<M::Rejected>,
}

/// A machine whose deadline does not move when it is woken is woken at most this often in one step.
pub const MAX_WAKES: usize = 64;

/// Brings the machine to `now`: due deadlines first, then the event.
///
/// All who drive a machine go through here, so that a journal of (time, event) is enough to replay.
pub fn step<M: Machine>(machine: &mut M, now: Timestamp, event: Option<M::Event>) -> Stepped<M> {
    let mut effects = Vec::new();
    let mut rejected = None;
    for _ in 0..MAX_WAKES {
        if machine.deadline().is_none_or(|due| due > now) {
            break;
        }
        match machine.handle(now, Input::Wake) {
            Ok(more) => effects.extend(more),
            Err(why) => {
                rejected = Some(why);
                break;
            }
        }
    }
    if let Some(event) = event {
        match machine.handle(now, Input::Event(event)) {
            Ok(more) => {
                effects.extend(more);
                rejected = None;
            }
            Err(why) => rejected = Some(why),
        }
    }
    Stepped { effects, rejected }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::Key;

    /// Rings once at a set time, and takes a new time only while it has none.
    #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Bell {
        due: Option<Timestamp>,
    }

    impl Durable for u64 {
        fn durability(&self) -> Durability {
            Durability::Grouped
        }
    }

    impl Machine for Bell {
        type Event = u64;
        type Effect = u64;
        type Rejected = &'static str;
        fn handle(&mut self, now: Timestamp, input: Input<u64>) -> Result<Vec<Keyed<u64>>, &'static str> {
            match (input, self.due) {
                (Input::Wake, Some(due)) if due <= now => {
                    self.due = None;
                    Ok(vec![Keyed::new(Key::new(0), due.as_millis())])
                }
                (Input::Event(at), None) => {
                    self.due = Some(Timestamp::from_millis(at));
                    Ok(vec![])
                }
                _ => Err("does not fit"),
            }
        }
        fn deadline(&self) -> Option<Timestamp> {
            self.due
        }
        fn progress(&self) -> Progress {
            Progress::Working
        }
        fn pending(&self) -> Vec<Keyed<u64>> {
            vec![]
        }
        fn visit(&mut self, v: &mut dyn Visit) {
            if let Some(due) = &mut self.due {
                v.time(due);
            }
        }
    }

    #[test]
    fn a_due_deadline_goes_before_the_event() {
        let mut bell = Bell { due: Some(Timestamp::from_millis(5)) };
        let stepped = step(&mut bell, Timestamp::from_millis(9), Some(20));
        assert_eq!(stepped.effects, vec![Keyed::new(Key::new(0), 5)]);
        assert_eq!(stepped.rejected, None);
        assert_eq!(bell.due, Some(Timestamp::from_millis(20)));
    }

    #[test]
    fn effects_of_the_wake_stand_although_the_event_is_rejected() {
        let mut bell = Bell { due: Some(Timestamp::from_millis(5)) };
        step(&mut bell, Timestamp::from_millis(9), Some(20));
        let stepped = step(&mut bell, Timestamp::from_millis(20), None);
        assert_eq!(stepped.effects.len(), 1);
        step(&mut bell, Timestamp::from_millis(20), Some(30));
        let stepped = step(&mut bell, Timestamp::from_millis(21), Some(40));
        assert_eq!((stepped.effects.len(), stepped.rejected), (0, Some("does not fit")));
        assert_eq!(bell.due, Some(Timestamp::from_millis(30)), "a rejected event leaves the state");
    }
}
