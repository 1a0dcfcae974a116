//! A machine of one's own: a door that locks itself. Run with `cargo run -p machine --example door`.

use machine::{Durability, Durable, Input, Key, Keyed, Machine, Progress, Timestamp, Visit, step};
use serde::{Deserialize, Serialize};

/// Opened by a person, locked by time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Door {
    locks_at: Option<Timestamp>,
    times: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Opened;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Lock;

impl Durable for Opened {
    fn durability(&self) -> Durability {
        Durability::Grouped
    }
}

impl Durable for Lock {
    fn durability(&self) -> Durability {
        Durability::Synced
    }
}

impl Machine for Door {
    type Event = Opened;
    type Effect = Lock;
    type Rejected = &'static str;

    fn handle(&mut self, now: Timestamp, input: Input<Opened>) -> Result<Vec<Keyed<Lock>>, &'static str> {
        match (input, self.locks_at) {
            (Input::Event(Opened), None) => {
                self.locks_at = Some(now.after(5_000));
                Ok(vec![])
            }
            (Input::Wake, Some(_)) => {
                self.locks_at = None;
                self.times += 1;
                Ok(vec![Keyed::new(Key::new(self.times), Lock)])
            }
            _ => Err("it is open already"),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.locks_at
    }

    fn progress(&self) -> Progress {
        Progress::Waiting { on: "a person".to_owned(), until: self.locks_at }
    }

    fn pending(&self) -> Vec<Keyed<Lock>> {
        vec![]
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        if let Some(at) = &mut self.locks_at {
            v.time(at);
        }
        v.number(&mut self.times);
    }
}

fn main() {
    let mut door = Door { locks_at: None, times: 0 };
    for (ms, event) in [(0, Some(Opened)), (1_000, Some(Opened)), (7_000, None)] {
        let now = Timestamp::from_millis(ms);
        let stepped = step(&mut door, now, event);
        println!("{now}: wants {:?}, rejected {:?}, {door:?}", stepped.effects, stepped.rejected);
    }
}
