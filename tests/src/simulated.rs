//! Runs of the production shell in a simulated world: drive loop, dispatcher, pilot and watcher are the real ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use machine::{Durability, Machine, Name, Progress, Timestamp};
use ports::{Entry, Journal, PortError, Record};
use run::{Definition, Event, Run, SilenceSpec, Source, TargetSpec, Webhook};
use runner::{Clock, Dispatcher, JournalLog, Places, Site, World, drive, reacquire, replay};
use simulation::{SimJobs, SimMetrics, SimNotices, SimSilences, SimTarget, Universe};
use supervise::{Probe, Probes, RevisionSpec};
use tokio::sync::mpsc;

/// Longest run, in world time.
const LONGEST: Duration = Duration::from_hours(24);
/// Longest time for what may be lost.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Events that wait for the machine at most.
const EVENTS: usize = 1_024;

/// A simulated world as the shell knows worlds.
#[derive(Clone, Debug)]
pub struct Simulated {
    universe: Universe,
    jobs: SimJobs,
    notices: SimNotices,
}

impl Simulated {
    /// The shell's side of that world.
    pub fn new(universe: &Universe) -> Self {
        Self { universe: universe.clone(), jobs: universe.jobs(), notices: SimNotices::default() }
    }
}

impl World for Simulated {
    type Target = SimTarget;
    type Metrics = SimMetrics;
    type Jobs = SimJobs;
    type Notices = SimNotices;
    type Silences = SimSilences;

    async fn site(
        &self,
        _name: &Name,
        _spec: &TargetSpec,
    ) -> Result<Site<Self::Target, Self::Metrics>, PortError> {
        Ok(Site { target: self.universe.target(), metrics: self.universe.metrics() })
    }

    fn jobs(&self) -> &SimJobs {
        &self.jobs
    }

    fn notices(&self, _hook: &Webhook) -> SimNotices {
        self.notices.clone()
    }

    fn silences(&self, _spec: &SilenceSpec) -> SimSilences {
        self.universe.silences()
    }

    fn warn(&self, line: &str) {
        self.universe.silences().warn(line);
    }
}

/// World time as run time.
#[derive(Clone, Debug)]
pub struct WorldClock(Universe);

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// A journal in memory.
#[derive(Debug, Default)]
pub struct Memory(pub Vec<Entry>);

impl Journal for Memory {
    fn append(&mut self, entry: Entry, _durability: Durability) -> Result<(), PortError> {
        self.0.push(entry);
        Ok(())
    }
}

impl Memory {
    /// The entries as records, so that they can be replayed; their hashes are not sealed.
    pub fn records(&self) -> Vec<Record> {
        let record = |(at, entry): (usize, &Entry)| Record {
            seq: at as u64 + 1,
            prev: String::new(),
            entry: entry.clone(),
            hash: String::new(),
        };
        self.0.iter().enumerate().map(record).collect()
    }

    /// All of it as text, for comparison bit for bit.
    pub fn text(&self) -> String {
        let line = |entry: &Entry| serde_json::to_string(entry).unwrap_or_default() + "\n";
        self.0.iter().map(line).collect()
    }
}

/// The definition that a pipeline file makes.
///
/// # Errors
/// What is wrong with the file.
pub fn definition(yaml: &str, run: &str) -> Result<Definition, String> {
    let source = Source {
        file: "pipeline.yaml",
        folder: "/",
        text: yaml.as_bytes(),
        set: &BTreeMap::new(),
        run,
        by: "simulation",
        workers: 2,
        only: None,
        beside: &|name| Err(format!("{name}: nothing lies beside this file")),
    };
    run::read(&source).map_err(|problems| problems.to_string())
}

/// A revision of that version, as an earlier run left it.
pub fn stable(version: &str) -> RevisionSpec {
    let probe = |path: &str, failures| Probe { failures, ..Probe::http(path) };
    RevisionSpec {
        version: version.to_owned(),
        artifact: format!("sha256:{}", "0".repeat(64)),
        source: "/kept".to_owned(),
        args: vec![],
        env: BTreeMap::new(),
        instances: 2,
        memory_limit_bytes: None,
        probes: Probes { ready: probe("/ready", 3), live: Some(probe("/health", 3)) },
        drain_max_ms: 5_000,
    }
}

/// Drives a new run to its end, in no more wall time than its computation takes.
///
/// # Errors
/// It did not end.
pub fn play<J: Journal>(
    universe: &Universe,
    definition: Definition,
    journal: J,
    folder: &Path,
) -> Result<(Run, J), String> {
    let opened = vec![Event::Opened(Box::new(definition))];
    let life = Life { run: Run::new(), first: opened, journal, until: LONGEST };
    let (run, journal, ended) = live(universe, life, folder)?;
    if ended { Ok((run, journal)) } else { Err("it did not end within a day of world time".to_owned()) }
}

/// Drives a new run whose runner is gone after `dies_after`, and another that resumes it `away` later.
///
/// # Errors
/// It did not end, or its replay differs.
pub fn play_with_a_crash(
    universe: &Universe,
    definition: Definition,
    (dies_after, away): (Duration, Duration),
    folder: &Path,
) -> Result<(Run, Memory), String> {
    let opened = vec![Event::Opened(Box::new(definition))];
    let first = Life { run: Run::new(), first: opened, journal: Memory::default(), until: dies_after };
    let (run, journal, ended) = live(universe, first, folder)?;
    if ended {
        return Ok((run, journal));
    }
    let replayed = replay::<Run>(&journal.records());
    if let Some(difference) = replayed.differences.first() {
        return Err(format!("record {} differs: {}", difference.seq, difference.what));
    }
    pass(universe, away)?;
    let resumed = vec![Event::Resumed { boot: "another".to_owned(), restored: BTreeSet::new() }];
    let second = Life { run: replayed.machine, first: resumed, journal, until: LONGEST };
    let (run, journal, ended) = live(universe, second, folder)?;
    if ended { Ok((run, journal)) } else { Err("the resumed run did not end".to_owned()) }
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().map_err(|error| error.to_string())
}

fn pass(universe: &Universe, span: Duration) -> Result<(), String> {
    runtime()?.block_on(async {
        universe.enter();
        universe.pass(span).await;
    });
    Ok(())
}

/// One life of a runner.
struct Life<J> {
    run: Run,
    first: Vec<Event>,
    journal: J,
    until: Duration,
}

fn live<J: Journal>(universe: &Universe, life: Life<J>, folder: &Path) -> Result<(Run, J, bool), String> {
    runtime()?.block_on(async {
        universe.enter();
        let places = Places {
            state: folder.to_owned(),
            run: folder.join("run"),
            bin: folder.to_owned(),
            control: folder.join("control"),
        };
        let world = Arc::new(Simulated::new(universe));
        let clock = Arc::new(WorldClock(universe.clone()));
        let (events, mut arrivals) = mpsc::channel(EVENTS);
        let Life { mut run, mut first, journal, until } = life;
        let (epochs, found) = reacquire(&*world, &places, &run).await.map_err(|error| error.to_string())?;
        if let Some(Event::Resumed { restored, .. }) = first.first_mut() {
            *restored = found;
        }
        let mut dispatcher = Dispatcher::new(world, places, clock.clone(), events.clone(), Box::new(|_| {}));
        dispatcher.adopt(&run, &epochs);
        for event in first {
            events.send(event.into()).await.map_err(|error| error.to_string())?;
        }
        let mut log = JournalLog::new(journal);
        let driven = drive(&mut run, &mut log, &mut dispatcher, &*clock, &mut arrivals);
        let ended = match tokio::time::timeout(until, driven).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => false,
        };
        // One that dies says nothing more.
        if ended {
            dispatcher.settle(LAST_WORDS).await;
        }
        universe.observe();
        debug_assert!(!ended || run.progress() == Progress::Ended);
        Ok((run, log.into_journal(), ended))
    })
}
