//! Attempts of command jobs as processes: one line of `run:` after the other, outputs and artifacts at the end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use machine::Name;
use pipeline_core::{Ended, Event as JobEvent, ProbeAnswer};
use ports::{Command, Jobs, PortError};
use run::{CommandSpec, Definition, Event, ReadyCheck};
use tokio::sync::mpsc;

use crate::environment::{Environment, environment};
use crate::outputs::collect;
use crate::signals::process_name;
use crate::world::Shared;
use crate::{Arrived, Clock, Places, World, failpoint};

/// What all attempts of a run share.
pub(crate) struct Workshop<W> {
    pub(crate) world: Shared<W>,
    pub(crate) places: Places,
    pub(crate) clock: Arc<dyn Clock + Send + Sync>,
    pub(crate) definition: Arc<Definition>,
    pub(crate) events: mpsc::Sender<Arrived<Event>>,
}

/// One attempt to run.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) job: Name,
    pub(crate) number: u32,
    pub(crate) reads: BTreeMap<String, String>,
    /// Set when it shall end: no further line is started.
    pub(crate) stopped: Arc<AtomicBool>,
}

/// How a sequence of commands ended.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) remark: Option<String>,
}

impl<W> Clone for Workshop<W> {
    fn clone(&self) -> Self {
        Self {
            world: self.world.clone(),
            places: self.places.clone(),
            clock: self.clock.clone(),
            definition: self.definition.clone(),
            events: self.events.clone(),
        }
    }
}

impl Attempt {
    /// The name under which it is known to the guardian, the log and the state folder.
    pub(crate) fn path(&self) -> Name {
        Name::new(format!("{}#{}", self.job, self.number))
    }
}

impl<W: World> Workshop<W> {
    pub(crate) async fn tell(&self, event: JobEvent) {
        // The run is over when nobody takes events any more.
        let _ = self.events.send(Event::Job(event).into()).await;
    }

    /// Runs an attempt to its end and tells it.
    pub(crate) async fn attempt(self, attempt: Attempt) {
        let (job, number) = (attempt.job.clone(), attempt.number);
        let ended = match self.definition.commands.get(job.as_str()) {
            Some(spec) => self.run_attempt(spec, &attempt).await,
            None => failed("it has no command".to_owned()),
        };
        failpoint("job.ended");
        self.tell(JobEvent::Ended { job, attempt: number, ended }).await;
    }

    async fn run_attempt(&self, spec: &CommandSpec, attempt: &Attempt) -> Ended {
        let (work, outputs) = (self.work(&attempt.job), self.outputs(&attempt.path()));
        let made = std::fs::create_dir_all(&work)
            .and_then(|()| if spec.outputs.is_empty() { Ok(()) } else { std::fs::create_dir_all(&outputs) });
        if let Err(error) = made {
            return failed(format!("its folders could not be made: {error}"));
        }
        let said = self.said(&attempt.job, attempt.number);
        let environment = match environment(spec, &attempt.reads, &said, |name| std::env::var(name).ok()) {
            Ok(environment) => environment,
            Err(why) => return failed(why),
        };
        let finished = self.lines(spec, attempt, &environment).await;
        if finished.code != Some(0) {
            return Ended { code: finished.code, outputs: BTreeMap::new(), remark: finished.remark };
        }
        match collect(&self.places.state, spec, &work, &outputs, &environment.secrets) {
            Ok(outputs) => Ended { code: Some(0), outputs, remark: finished.remark },
            Err(why) => failed(why),
        }
    }

    /// What the runner says to every command of a job.
    pub(crate) fn said(&self, job: &Name, attempt: u32) -> BTreeMap<String, String> {
        let path = Name::new(format!("{job}#{attempt}"));
        let run = &self.definition.run;
        BTreeMap::from(
            [
                ("NOVA_RUN", run.clone()),
                ("NOVA_JOB", job.to_string()),
                ("NOVA_ATTEMPT", attempt.to_string()),
                ("NOVA_WORK", self.work(job).display().to_string()),
                ("NOVA_OUTPUTS", self.outputs(&path).display().to_string()),
                ("NOVA_EFFECT_KEY", format!("{run}-{job}")),
                ("NOVA_BIN", self.places.bin.display().to_string()),
                ("NOVA_STATE", self.places.state.display().to_string()),
                ("NOVA_PIPELINE", self.definition.name.clone()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        )
    }

    fn work(&self, job: &Name) -> PathBuf {
        self.places.run.join("work").join(job.as_str())
    }

    fn outputs(&self, path: &Name) -> PathBuf {
        self.places.run.join("outputs").join(path.as_str())
    }

    /// The log of an attempt, a probe or a check.
    pub(crate) fn log(&self, path: &Name) -> PathBuf {
        self.places.run.join("logs").join(format!("{path}.log"))
    }

    /// One command after the other, until one fails.
    pub(crate) async fn lines(&self, spec: &CommandSpec, attempt: &Attempt, env: &Environment) -> Finished {
        let mut finished = Finished { code: Some(0), remark: None };
        for (line, argv) in spec.run.iter().enumerate() {
            if attempt.stopped.load(Ordering::SeqCst) {
                return Finished { code: None, remark: Some("it was stopped".to_owned()) };
            }
            finished = match self.line(spec, attempt, env, line, argv).await {
                Ok(finished) => finished,
                Err(error) => Finished { code: Some(127), remark: Some(error.to_string()) },
            };
            if finished.code != Some(0) {
                break;
            }
        }
        finished
    }

    async fn line(
        &self,
        spec: &CommandSpec,
        attempt: &Attempt,
        env: &Environment,
        line: usize,
        argv: &[String],
    ) -> Result<Finished, PortError> {
        let command = Command {
            name: process_name(&attempt.path(), line),
            argv: argv.to_vec(),
            env: env.values.clone(),
            dir: PathBuf::from(&self.definition.folder).join(&spec.dir),
            log: self.log(&attempt.path()),
            secrets: env.secrets.clone(),
            grace_ms: spec.grace_ms,
        };
        let name = command.name.clone();
        failpoint("job.before");
        let (started, ended) = self.world.jobs().start(command).await?;
        failpoint("job.started");
        if attempt.stopped.load(Ordering::SeqCst) {
            // Asked to end between the lines: the stop has not seen this process.
            self.world.jobs().stop(&name).await?;
        }
        // Checks of a release are no jobs of the pipeline; nobody waits for their start.
        if line == 0 && self.definition.commands.contains_key(attempt.job.as_str()) {
            let (job, number) = (attempt.job.clone(), attempt.number);
            self.tell(JobEvent::Started { job, attempt: number, pid: started.pid }).await;
            self.await_ready(spec, attempt, &name);
        }
        let ended = ended.await.map_err(|_| PortError::Unreachable("the guardian is gone".to_owned()))?;
        let failed = ended.code != Some(0);
        let how = match (ended.code, ended.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, signal) => format!("ended by signal {}", signal.unwrap_or(0)),
        };
        // A command that wrote nothing has no log.
        let log = match ended.log.bytes {
            0 => "it wrote nothing".to_owned(),
            _ => format!("log: {}", self.log(&attempt.path()).display()),
        };
        let remark = failed.then(|| format!("{how}; {log}"));
        Ok(Finished { code: ended.code, remark })
    }

    /// Tells when a service is ready; ends it when it is not in time.
    fn await_ready(&self, spec: &CommandSpec, attempt: &Attempt, name: &str) {
        let Some(ready) = spec.ready.clone() else { return };
        let (workshop, attempt, name) = (self.clone(), attempt.clone(), name.to_owned());
        tokio::spawn(async move {
            if is_ready(&ready, &attempt.stopped).await {
                let (job, number) = (attempt.job.clone(), attempt.number);
                workshop.tell(JobEvent::ServiceReady { job, attempt: number }).await;
            } else {
                // It ends, which is heard as any end of an attempt.
                let _ = workshop.world.jobs().stop(&name).await;
            }
        });
    }

    /// Asks whether a lost effect had happened.
    pub(crate) async fn probe(self, attempt: Attempt) {
        let (job, number) = (attempt.job.clone(), attempt.number);
        let answer = match self.definition.commands.get(job.as_str()).cloned() {
            Some(CommandSpec { probe: Some(probe), env, pass_env, dir, grace_ms, .. }) => {
                let spec =
                    CommandSpec { run: vec![probe], env, pass_env, dir, grace_ms, ..CommandSpec::default() };
                self.ask_probe(&spec, &attempt).await
            }
            _ => ProbeAnswer::Unknown,
        };
        self.tell(JobEvent::Probed { job, attempt: number, answer }).await;
    }

    async fn ask_probe(&self, spec: &CommandSpec, attempt: &Attempt) -> ProbeAnswer {
        let said = self.said(&attempt.job, attempt.number);
        let Ok(env) = environment(spec, &attempt.reads, &said, |name| std::env::var(name).ok()) else {
            return ProbeAnswer::Unknown;
        };
        let of_probe = Attempt { job: Name::new(format!("{}.probe", attempt.job)), ..attempt.clone() };
        let Some(argv) = spec.run.first() else { return ProbeAnswer::Unknown };
        let command = Command {
            name: process_name(&of_probe.path(), 0),
            argv: argv.clone(),
            env: env.values,
            dir: PathBuf::from(&self.definition.folder).join(&spec.dir),
            log: self.log(&of_probe.path()),
            secrets: env.secrets,
            grace_ms: spec.grace_ms,
        };
        let Ok((_, ended)) = self.world.jobs().start(command).await else { return ProbeAnswer::Unknown };
        match ended.await.map(|ended| ended.code) {
            Ok(Some(0)) => ProbeAnswer::Done,
            Ok(Some(1)) => ProbeAnswer::NotDone,
            _ => ProbeAnswer::Unknown,
        }
    }

    /// Ends an attempt, or what it runs at present.
    pub(crate) async fn stop(self, attempt: Attempt) {
        attempt.stopped.store(true, Ordering::SeqCst);
        let lines = self.definition.commands.get(attempt.job.as_str()).map_or(1, |spec| spec.run.len());
        for line in 0..lines {
            // One that does not run is no error; one that cannot be stopped ends with its guardian.
            let _ = self.world.jobs().stop(&process_name(&attempt.path(), line)).await;
        }
    }
}

fn failed(remark: String) -> Ended {
    Ended { code: Some(1), outputs: BTreeMap::new(), remark: Some(remark) }
}

async fn is_ready(ready: &ReadyCheck, stopped: &AtomicBool) -> bool {
    let ReadyCheck::Tcp { port, within_ms } = *ready else { return true };
    let connects = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if stopped.load(Ordering::SeqCst) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_millis(within_ms), connects).await.is_ok()
}
