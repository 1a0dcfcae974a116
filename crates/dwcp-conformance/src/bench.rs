//! Where a case works: asks the implementation, keeps the transcript, notes what was measured.

use serde_json::{Value, json};

use crate::protocol::{self, ANSWER_MS, Hello, MAX_LINE};
use crate::requirement::Requirement;
use crate::rng::Rng;
use crate::stop::{CallError, Stop};
use crate::world::{Broken, Wire, World};

mod record;

pub use record::{Better, Direction, Entry, Line, Measurement, Plot, Record};

/// Requests that are under way at once in `call_all`.
const AT_ONCE: usize = 32;
/// Answers to requests that were given up, and other lines that nobody waits for: more are a flood.
const UNASKED: usize = 64;

/// How a case is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Everything that looks random comes from it.
    pub seed: u64,
    /// Fewer rounds, shorter simulations; the same checks.
    pub quick: bool,
    /// Only these rounds, for a replay.
    pub only: Option<Vec<u32>>,
    /// Keep every line in full.
    pub full_transcript: bool,
}

/// One case at one fresh implementation.
pub struct Bench<'w> {
    world: &'w mut dyn World,
    requirement: Requirement,
    settings: Settings,
    hello: Hello,
    next_id: u64,
    /// Requests under way, oldest first: id, operation.
    open: Vec<(u64, String)>,
    /// Answers that came before they were asked for.
    early: Vec<protocol::Answer>,
    record: Record,
}

impl<'w> Bench<'w> {
    /// A bench for one case. Starts nothing: `fresh` does.
    pub fn new(world: &'w mut dyn World, requirement: Requirement, settings: Settings) -> Self {
        let record = Record { full: settings.full_transcript, ..Record::default() };
        Self {
            world,
            requirement,
            settings,
            hello: Hello::default(),
            next_id: 0,
            open: Vec::new(),
            early: Vec::new(),
            record,
        }
    }

    /// A fresh implementation, greeted and reset with the seed. The driver calls it before a case; a case that needs
    /// another one calls it again.
    ///
    /// # Errors
    /// It cannot be started or does not greet.
    pub fn fresh(&mut self) -> Result<(), CallError> {
        let broken = |op: &str| {
            let op = op.to_owned();
            move |broken| CallError::Broken { op, broken }
        };
        self.open.clear();
        self.early.clear();
        self.world.start().map_err(broken("start"))?;
        let hello = self.call("hello", json!({}))?;
        self.hello = serde_json::from_value(hello)
            .map_err(|error| broken("hello")(Broken::Malformed(format!("hello: {error}"))))?;
        let seed = self.settings.seed;
        self.call("reset", json!({"seed": seed.to_string()}))?;
        Ok(())
    }

    /// Ends the implementation in peace: answers that nobody asked for come to light here.
    ///
    /// # Errors
    /// It does not answer to `shutdown`, or something of it survives.
    pub fn finish_case(&mut self) -> Result<(), Stop> {
        let said = self.call_within("shutdown", json!({}), 2_000);
        let ended = self.world.stop();
        said?;
        ended?;
        Ok(())
    }

    /// Ends it in whatever way.
    pub fn abandon(&mut self) {
        // The verdict is known already; what survives is met by the next start.
        let _ended = self.world.stop();
    }

    /// What the implementation says of itself.
    pub const fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Skips the case unless the component declares it.
    ///
    /// # Errors
    /// The skip.
    pub fn needs(&self, component: &str, capability: &str) -> Result<(), Stop> {
        if self.hello.declares(component, capability) {
            return Ok(());
        }
        Err(Stop::Skip(format!("{component} does not declare {capability}")))
    }

    /// What is required.
    pub const fn requirement(&self) -> &Requirement {
        &self.requirement
    }

    /// The seed of the run.
    pub const fn seed(&self) -> u64 {
        self.settings.seed
    }

    /// Whether less is wanted.
    pub const fn quick(&self) -> bool {
        self.settings.quick
    }

    /// One of two amounts of work.
    pub fn amount<T>(&self, full: T, quick: T) -> T {
        if self.settings.quick { quick } else { full }
    }

    /// The rounds of this case: all of `0..full` (`0..quick` with `--quick`), or those that a replay wants. A case does
    /// its work in rounds that do not depend on each other, so that a failing one can be replayed alone.
    pub fn rounds(&mut self, full: u32, quick: u32) -> Vec<u32> {
        let all = self.amount(full, quick);
        self.record.rounds = self.record.rounds.max(all);
        match &self.settings.only {
            Some(only) => only.iter().copied().filter(|round| *round < all).collect(),
            None => (0..all).collect(),
        }
    }

    /// Begins a round: a failure from here on is that round's. Gives its own stream of numbers.
    pub fn begin_round(&mut self, round: u32) -> Rng {
        self.record.round = Some(round);
        Rng::of(self.settings.seed, self.requirement.id, u64::from(round))
    }

    /// A stream of numbers for a purpose, the same in every run with the seed.
    pub fn rng(&self, purpose: &str) -> Rng {
        Rng::of(self.settings.seed, self.requirement.id, Rng::of(0, purpose, 0).next_u64())
    }

    /// Asks and waits for the answer, `ANSWER_MS` at most.
    ///
    /// # Errors
    /// It was refused, or the boundary broke.
    pub fn call(&mut self, op: &str, params: Value) -> Result<Value, CallError> {
        self.call_within(op, params, ANSWER_MS)
    }

    /// Asks and waits at most so many milliseconds.
    ///
    /// # Errors
    /// It was refused, or the boundary broke.
    pub fn call_within(&mut self, op: &str, params: Value, within_ms: u64) -> Result<Value, CallError> {
        let ticket = self.begin(op, params)?;
        self.finish(ticket, within_ms)
    }

    /// Asks all, some at once, and gives the answers in the order of the requests. The first break ends it.
    ///
    /// # Errors
    /// The boundary broke; a refusal stands in its place.
    pub fn call_all(
        &mut self,
        requests: Vec<(&str, Value)>,
    ) -> Result<Vec<Result<Value, CallError>>, CallError> {
        let mut answers = Vec::with_capacity(requests.len());
        let mut tickets = std::collections::VecDeque::new();
        let mut rest = requests.into_iter();
        loop {
            while tickets.len() < AT_ONCE
                && let Some((op, params)) = rest.next()
            {
                tickets.push_back(self.begin(op, params)?);
            }
            let Some(ticket) = tickets.pop_front() else { return Ok(answers) };
            match self.finish(ticket, ANSWER_MS) {
                Err(broken @ CallError::Broken { .. }) => return Err(broken),
                answer => answers.push(answer),
            }
        }
    }

    /// Asks without waiting; `finish` or `look` takes the answer.
    ///
    /// # Errors
    /// The line cannot be sent.
    pub fn begin(&mut self, op: &str, params: Value) -> Result<u64, CallError> {
        let broken = |broken| CallError::Broken { op: op.to_owned(), broken };
        self.next_id += 1;
        let id = self.next_id;
        let line = protocol::request(id, op, &params);
        if line.len() > MAX_LINE {
            return Err(broken(Broken::RequestTooLong(line.len())));
        }
        self.record.said(Direction::Asked, &line);
        self.world.send(&line).map_err(broken)?;
        self.open.push((id, op.to_owned()));
        Ok(id)
    }

    /// The next request has an id above this one.
    pub fn skip_ids(&mut self, beyond: u64) {
        self.next_id = self.next_id.max(beyond);
    }

    /// Waits for the answer to a request, at most so many milliseconds.
    ///
    /// # Errors
    /// It was refused, or the boundary broke.
    pub fn finish(&mut self, ticket: u64, within_ms: u64) -> Result<Value, CallError> {
        let until = self.world.now_us() + within_ms * 1_000;
        loop {
            let left_ms = until.saturating_sub(self.world.now_us()).div_ceil(1_000);
            if let Some(answer) = self.look_within(ticket, left_ms)? {
                return Ok(answer);
            }
            if self.world.now_us() >= until {
                let op = self.operation(ticket);
                return Err(CallError::Broken { op, broken: Broken::Timeout(within_ms) });
            }
        }
    }

    /// The answer if it is there already.
    ///
    /// # Errors
    /// It was refused, or the boundary broke.
    pub fn look(&mut self, ticket: u64) -> Result<Option<Value>, CallError> {
        self.look_within(ticket, 0)
    }

    fn operation(&self, ticket: u64) -> String {
        self.open.iter().find(|(id, _)| *id == ticket).map_or_else(|| "?".to_owned(), |(_, op)| op.clone())
    }

    fn look_within(&mut self, ticket: u64, within_ms: u64) -> Result<Option<Value>, CallError> {
        let op = self.operation(ticket);
        let broken = |broken| CallError::Broken { op: op.clone(), broken };
        if !self.early.iter().any(|answer| answer.id == ticket) {
            let Some(line) = self.world.receive(within_ms).map_err(broken)? else { return Ok(None) };
            self.record.said(Direction::Answered, &line);
            let answer = protocol::answer(&line).map_err(broken)?;
            let asked = self.open.iter().any(|(id, _)| *id == answer.id);
            if !asked && answer.id <= self.next_id && answer.id > 0 {
                return Err(broken(Broken::Duplicate(answer.id)));
            }
            if !asked {
                return Err(broken(Broken::WrongId(answer.id)));
            }
            if self.early.iter().any(|other| other.id == answer.id) {
                return Err(broken(Broken::Duplicate(answer.id)));
            }
            if self.early.len() > UNASKED {
                return Err(broken(Broken::Flood(UNASKED)));
            }
            self.early.push(answer);
        }
        let Some(at) = self.early.iter().position(|answer| answer.id == ticket) else { return Ok(None) };
        let answer = self.early.remove(at);
        self.open.retain(|(id, _)| *id != ticket);
        answer.outcome.map(Some).map_err(|(code, message)| CallError::Refused { op, code, message })
    }

    /// Microseconds of the harness's clock, for what is measured.
    pub fn now_us(&mut self) -> u64 {
        self.world.now_us()
    }

    /// Most resident memory that the implementation had so far, in KiB, where it can be read.
    pub fn peak_kib(&mut self) -> Option<u64> {
        self.world.peak_kib()
    }

    /// The harness as TCP peer.
    pub fn wire(&mut self) -> &mut dyn Wire {
        self.world.wire()
    }

    /// Notes a figure; what is better decides which change is a regression.
    pub fn measure(&mut self, name: &str, value: f64, unit: &'static str, better: Better) {
        self.record.measured(Measurement { name: name.to_owned(), value, unit: unit.to_owned(), better });
    }

    /// Notes a plot, e.g. the window over time.
    pub fn plot(&mut self, plot: Plot) {
        self.record.plot(plot);
    }

    /// Notes a sentence for the report.
    pub fn note(&mut self, text: impl Into<String>) {
        self.record.note(text.into());
    }

    /// What was kept, at the end.
    pub fn into_record(self) -> Record {
        self.record
    }

    /// What was kept so far.
    pub const fn record(&self) -> &Record {
        &self.record
    }
}
