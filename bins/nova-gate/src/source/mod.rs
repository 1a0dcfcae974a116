//! Where looks come from: scraped targets, files, a Prometheus, a JSON document.

mod direct;
mod files;
mod native;
mod server;
mod values;
mod web;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gate::{Gate, Observation, OwnRules};
use health::checks::url;

use crate::failure::Failure;
use crate::files as disk;
use direct::Direct;
use files::Files;
use server::Server;
use web::Web;

/// Bytes of a rule file or a configuration.
const TEXT_MAX: u64 = 4 << 20;

/// The wall clock, in milliseconds since 1970.
pub(crate) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The clock of a gate: wall time at its beginning, monotonic from there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Instant,
    pub(crate) began_ms: i64,
}

impl Clock {
    fn new() -> Self {
        Self { began: Instant::now(), began_ms: wall_ms() }
    }

    fn at_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A source of looks.
pub(crate) enum Source {
    Direct(Box<Direct>),
    Files(Box<Files>),
    Server(Box<Server>),
    Web(Web),
}

/// How a source is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// At once, with the past where there is one.
    Check,
    /// From now on.
    Watch,
}

impl Source {
    /// Opens what the gate names.
    pub(crate) async fn open(gate: &Gate, how: Use) -> Result<Self, Failure> {
        let clock = Clock::new();
        if let Some(web) = &gate.web {
            return Ok(Self::Web(Web::new(web, gate.setup.bounded.clone(), clock)?));
        }
        if let Some(server) = &gate.prometheus {
            return Ok(Self::Server(Box::new(Server::open(gate, server, how, clock).await?)));
        }
        let arms = [Some(&gate.canary), gate.stable.as_ref()];
        let all: Vec<&String> = arms.iter().flatten().flat_map(|arm| &arm.from).collect();
        let urls = all.iter().filter(|from| url::is_url(from)).count();
        if all.is_empty() {
            let mend = "nova-gate check --canary http://HOST:PORT/metrics --stable http://HOST:PORT/metrics";
            return Err(Failure::usage(format!("nothing to look at; e.g. {mend}")));
        }
        if urls != 0 && urls != all.len() {
            return Err(Failure::usage("URLs and files in one gate: give only one of the two kinds"));
        }
        if urls == 0 {
            return Files::open(gate, own_rules(gate)?).map(|files| Self::Files(Box::new(files)));
        }
        Ok(Self::Direct(Box::new(Direct::open(gate, own_rules(gate)?, clock)?)))
    }

    /// The next look; `None` when there are no more.
    pub(crate) async fn look(&mut self) -> Result<Option<Observation>, Failure> {
        match self {
            Self::Direct(direct) => Ok(Some(direct.look().await)),
            Self::Files(files) => Ok(files.look()),
            Self::Server(server) => Ok(server.look().await),
            Self::Web(web) => Ok(Some(web.look().await)),
        }
    }

    /// Whether a look is about now, so that the next one needs time.
    pub(crate) fn live(&self) -> bool {
        match self {
            Self::Direct(_) | Self::Web(_) => true,
            Self::Files(_) => false,
            Self::Server(server) => server.live(),
        }
    }

    /// Looks that are to come, about: at most so long for what is live.
    pub(crate) fn planned(&self, gate: &Gate, at_most: Duration) -> u32 {
        let span = match self {
            Self::Files(files) => return u32::try_from(files.looks()).unwrap_or(u32::MAX).max(1),
            Self::Server(server) if !server.live() => gate.look_back_ms,
            _ => u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX),
        };
        u32::try_from(span / gate.every_ms.max(1)).unwrap_or(u32::MAX).max(1)
    }

    /// Wall time of the beginning.
    pub(crate) fn began_ms(&self) -> i64 {
        match self {
            Self::Direct(direct) => direct.clock.began_ms,
            Self::Files(files) => files.began_ms,
            Self::Server(server) => server.began_ms,
            Self::Web(web) => web.clock.began_ms,
        }
    }

    /// In words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Direct(direct) => format!("{} scraped targets", direct.count()),
            Self::Files(files) => format!("{} files", files.count()),
            Self::Server(server) => format!("Prometheus {}", server.address),
            Self::Web(web) => format!("JSON {}", web.url),
        }
    }

    /// What is to be known of the way the numbers were made.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self {
            Self::Files(files) => files.notes.clone(),
            _ => Vec::new(),
        }
    }
}

/// The gate's rule files for our own evaluator. What is outside its subset is an error that names it.
fn own_rules(gate: &Gate) -> Result<OwnRules, Failure> {
    let mut files = Vec::new();
    for name in &gate.alerts {
        let text = disk::text(Path::new(name), TEXT_MAX)?;
        let bad: Vec<gate::lint::Linted> =
            gate::lint::rules(&text).into_iter().filter(|it| it.error).collect();
        if bad.is_empty() {
            files.extend(promql::RuleFile::read(&text));
        } else {
            let lines: Vec<String> = bad.iter().map(|it| place(name, it)).collect();
            return Err(Failure::usage(lines.join("\n")));
        }
    }
    Ok(OwnRules::new(files))
}

/// A finding of the lint with its place and mend.
pub(crate) fn place(file: &str, it: &gate::lint::Linted) -> String {
    let mend = if it.mend.is_empty() { String::new() } else { format!("\n    mend: {}", it.mend) };
    format!("{file}:{}:{}: {}{mend}", it.line, it.column, it.what)
}

/// The text of a file that the gate names.
fn named_text(name: &str) -> Result<String, Failure> {
    disk::text(Path::new(name), TEXT_MAX)
}
