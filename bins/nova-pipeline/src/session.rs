//! One life of a runner: open or resume a run, drive it to its end, close its journal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter_store::{Header, JOURNAL_SCHEMA, JournalWriter, RunDir, StateDir, TargetRef};
use machine::{Durability, Machine, Timestamp};
use ports::{Entry, Journal, PortError};
use run::{Command, Definition, Event, Run};
use runner::{
    Arrived, BootClock, Dispatcher, DriveError, JournalLog, Places, boot_id, boot_now_ms, drive, failpoint,
    forward_signals, reacquire, serve,
};
use supervise::RunId;
use tokio::sync::{Notify, mpsc};

use crate::call::{bin_folder, wall_ms};
use crate::failure::Failure;
use crate::history::Past;
use crate::postbox;
use crate::view::{View, ViewKind};
use crate::world::{LocalWorld, target};

/// Version of the deciding core; a journal of another one is replayed and compared.
pub const CORE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Events that wait for the machine at most.
const EVENTS: usize = 1_024;
/// Longest time for what may be lost: the last notices, silences to lift, the end of the guardian.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How a run is shown, and when its runner leaves it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Live picture, lines, or JSON at the end.
    pub view: ViewKind,
    /// Leave with 14 when only a person can go on.
    pub stop_at_gate: bool,
    /// The flags that find the state folder again, for printed commands.
    pub flags: String,
}

/// Opens a new run and drives it to its end. Gives its exit code.
///
/// # Errors
/// It could not begin, and nothing was changed; or its runner failed in the middle.
pub async fn open(
    state: &StateDir,
    definition: Definition,
    targets: Vec<TargetRef>,
    settings: &Settings,
) -> Result<i32, Failure> {
    let dir = state.create_run(&definition.run)?;
    let header = Header {
        schema: JOURNAL_SCHEMA,
        core_version: CORE_VERSION.to_owned(),
        run: definition.run.clone(),
        boot_id: boot_id(),
        boot_ms: boot_now_ms(),
        wall_ms: wall_ms(),
        targets,
        definition: serde_json::json!({ "name": definition.name, "file": definition.file, "digest": definition.digest }),
    };
    let created = JournalWriter::create(&dir, &header).inspect_err(|_| {
        // Nothing was recorded: what was made of the folder is of use to nobody.
        let _ = std::fs::remove_dir_all(dir.path());
    });
    let writer = created?;
    failpoint("run.created");
    let first = Event::Opened(Box::new(definition));
    let life = Life { run: Run::new(), base: Timestamp::ZERO, first, recorded: BTreeSet::new() };
    conduct(state, &dir, writer, life, settings).await
}

/// Goes on with a run whose runner is gone.
///
/// # Errors
/// It has ended, somebody else drives it, its journal is broken, or a target cannot be reached.
pub async fn resume(state: &StateDir, id: &str, settings: &Settings) -> Result<i32, Failure> {
    let dir = state.run(id)?;
    let past = Past::open(dir.clone())?;
    if past.file.closed {
        let code = crate::summary::summary(&past.replayed.machine).map_or(0, |summary| summary.code);
        return Err(Failure::usage(format!(
            "run {id} has ended with code {code}; there is nothing to resume"
        )));
    }
    if let Some(difference) = past.replayed.differences.first() {
        let message =
            format!("record {} decides differently in this version: {}", difference.seq, difference.what);
        return Err(Failure::usage(format!(
            "run {id} cannot be resumed: {message}; use the version that began it"
        )));
    }
    let reopened = JournalWriter::reopen(&dir)?;
    failpoint("resume.before");
    let base = resumed_time(&reopened.file.header, past.replayed.last);
    let resumed = Event::Resumed { boot: boot_id(), restored: BTreeSet::new() };
    let mut machine = past.replayed.machine;
    if machine.definition().is_none() {
        return Err(Failure::usage(format!("run {id} was never opened; start it again")));
    }
    // A machine that was replayed is what the journal says, and nothing more.
    let recorded = postbox::recorded(&past.file);
    let life = Life { run: std::mem::take(&mut machine), base, first: resumed, recorded };
    conduct(state, &dir, reopened.writer, life, settings).await
}

/// Run time now: by the boot clock in the same boot, else by wall time, never before the last record.
fn resumed_time(header: &Header, last: Timestamp) -> Timestamp {
    let since = if header.boot_id == boot_id() {
        boot_now_ms().saturating_sub(header.boot_ms)
    } else {
        wall_ms().saturating_sub(header.wall_ms)
    };
    last.max(Timestamp::from_millis(since))
}

/// What a runner begins with.
struct Life {
    run: Run,
    base: Timestamp,
    first: Event,
    /// Commands from the inbox that the journal has already.
    recorded: BTreeSet<String>,
}

async fn conduct(
    state: &StateDir,
    dir: &RunDir,
    writer: JournalWriter,
    mut life: Life,
    settings: &Settings,
) -> Result<i32, Failure> {
    let id = dir.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let control = state.control_socket(&id)?;
    let unexpected = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| Failure::unexpected(format!("{what}: {error}"))
    };
    let (events, mut arrivals) = mpsc::channel(EVENTS);
    let picture = Arc::new(Mutex::new(String::new()));
    let listening =
        serve(&control, events.clone(), picture.clone()).map_err(unexpected("the control socket"))?;
    forward_signals(events.clone()).map_err(unexpected("signals"))?;
    failpoint("control.listening");
    let world = LocalWorld::new(state.path().to_owned(), bin_folder(), dir.path()).await;
    let world = world.map_err(unexpected("the guardian"))?;
    failpoint("guardian.started");
    let world = Arc::new(world);
    let places = Places {
        state: state.path().to_owned(),
        run: dir.path().to_owned(),
        bin: bin_folder(),
        control: control.clone(),
    };
    let clock = Arc::new(BootClock::starting_at(life.base));
    let epochs = hold_again(&world, &places, &mut life).await?;
    let gate = Arc::new(Notify::new());
    let view = View::new(settings, dir.path().to_owned(), clock.clone(), picture, gate.clone());
    let (observer, drawing) = view.start();
    let mut dispatcher = Dispatcher::new(world.clone(), places, clock.clone(), events.clone(), observer);
    dispatcher.adopt(&life.run, &epochs);
    sweep(state, &mut dispatcher, &life);
    tokio::spawn(postbox::begin(events.clone(), dir.clone(), life.first, life.recorded));
    let mut log = JournalLog::new(Watched { writer, events, alarmed: false });
    let driven = tokio::select! {
        driven = drive(&mut life.run, &mut log, &mut dispatcher, &*clock, &mut arrivals) => Some(driven),
        () = gate.notified() => None,
    };
    drop(drawing);
    listening.abort();
    // What may be lost does not delay the way back of a run that can record nothing any more.
    let failed = matches!(driven, Some(Err(_)));
    if !failed {
        dispatcher.settle(LAST_WORDS).await;
    }
    let code = finish(driven, state, &mut life.run, log.into_journal().writer).await;
    if failed {
        dispatcher.settle(LAST_WORDS).await;
    }
    // What the guardian cannot end in time it goes on ending after us.
    let _ = tokio::time::timeout(LAST_WORDS, world.shut_down()).await;
    // The socket is of no use to anybody now; one that is left is replaced by the next runner.
    let _ = std::fs::remove_file(&control);
    let code = code?;
    crate::view::last_words(&life.run, settings, dir.path(), state.path(), code).await;
    Ok(code)
}

/// Lifts what other runs of this state folder have left silenced and nobody drives any more.
fn sweep(state: &StateDir, dispatcher: &mut Dispatcher<LocalWorld>, life: &Life) {
    let definition = match (&life.first, life.run.definition()) {
        (Event::Opened(definition), _) => definition,
        (_, Some(definition)) => definition,
        _ => return,
    };
    let (own, state) = (definition.run.clone(), state.clone());
    // Those of another state folder are not ours to judge.
    let driven = move |run: &str| run == own || state.run(run).is_err() || heard(&state, run);
    dispatcher.sweep(definition, driven);
}

/// Whether a runner of that run takes connections.
fn heard(state: &StateDir, run: &str) -> bool {
    state.control_socket(run).is_ok_and(|socket| std::os::unix::net::UnixStream::connect(socket).is_ok())
}

/// Claims the targets of open releases again; what they had returned to stable becomes part of `Resumed`.
async fn hold_again(
    world: &Arc<LocalWorld>,
    places: &Places,
    life: &mut Life,
) -> Result<BTreeMap<machine::Name, supervise::Epoch>, Failure> {
    let held = reacquire(&**world, places, &life.run).await;
    let (epochs, found) =
        held.map_err(|error| Failure::unexpected(format!("{error}; resume again later")))?;
    if let Event::Resumed { restored, .. } = &mut life.first {
        *restored = found;
        failpoint("resume.held");
    }
    Ok(epochs)
}

async fn finish(
    driven: Option<Result<(), DriveError>>,
    state: &StateDir,
    run: &mut Run,
    writer: JournalWriter,
) -> Result<i32, Failure> {
    match driven {
        None => {
            writer.leave();
            Ok(14)
        }
        Some(Ok(())) => {
            let code = run.pipeline().map_or(1, |pipeline| pipeline.conclusion().code);
            failpoint("close.before");
            writer
                .close()
                .map_err(|error| Failure::unexpected(format!("the journal could not be closed: {error}")))?;
            failpoint("close.after");
            Ok(code)
        }
        Some(Err(error)) => {
            let returned = return_all(state.path(), run).await;
            Err(Failure {
                code: if returned { 11 } else { 1 },
                message: format!("{error}; {}", said(returned)),
            })
        }
    }
}

const fn said(returned: bool) -> &'static str {
    if returned { "all traffic was returned to stable" } else { "no release was open" }
}

/// The way back that needs no journal: every open release's target returns its traffic.
async fn return_all(state: &Path, run: &Run) -> bool {
    let Some(definition) = run.definition() else { return false };
    let id = RunId::new(&definition.run);
    let mut returned = false;
    for (_, rollout) in run.rollouts().filter(|(_, r)| r.release.progress() != machine::Progress::Ended) {
        let site = target(state, rollout.target.as_str());
        let restored = ports::Target::restore_stable(&site, &id);
        returned |= matches!(tokio::time::timeout(LAST_WORDS, restored).await, Ok(Ok(_)));
    }
    returned
}

/// The journal, watched: when only its reserve is left, the run goes back while that can still be recorded.
struct Watched {
    writer: JournalWriter,
    events: mpsc::Sender<Arrived<Event>>,
    alarmed: bool,
}

impl Journal for Watched {
    fn append(&mut self, entry: Entry, durability: Durability) -> Result<(), PortError> {
        let before = self.writer.on_reserve();
        if let Err(error) = self.writer.append(entry.clone(), durability) {
            if before || !self.writer.on_reserve() {
                return Err(error);
            }
            // The disk has just become full, and the reserve was given back: this and the way back have room.
            self.writer.append(entry, durability)?;
        }
        if self.writer.on_reserve() && !self.alarmed {
            self.alarmed = true;
            let by = "the disk is full".to_owned();
            let abort = Event::Command(Command::Cancel { by });
            // A full queue means that events are on their way; the next append tries again.
            self.alarmed = self.events.try_send(abort.into()).is_ok();
        }
        Ok(())
    }
}
