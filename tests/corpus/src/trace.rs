//! A trace: what a scraper saw of one rollout, with the truth in its header. One file of JSON lines.

use std::io::{self, BufRead, Write};

use health::sequential::Counts;
use serde::{Deserialize, Serialize};

/// What a rule should end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// Nothing is wrong with the release: it must not go back.
    Healthy,
    /// It is worse: it must go back.
    Regressed,
    /// Both revisions suffer: hold, no rollback.
    Incident,
    /// One instance is bad: not the release.
    Instance,
}

/// The first line of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The seed.
    pub seed: u64,
    /// The scenario by name.
    pub scenario: String,
    /// When things change, in milliseconds.
    pub change_ms: u64,
    /// Error rate of the canary after the change.
    pub canary_rate: f64,
    /// Error rate of stable.
    pub stable_rate: f64,
    /// What a rule should end with.
    pub truth: Truth,
    /// Scrapes to come.
    pub scrapes: u32,
    /// Between two scrapes, in milliseconds.
    pub scrape_ms: u64,
    /// What stable did over the last six hours.
    pub recorded: Counts,
    /// By minute and instance, the last hours of stable; empty where it is nothing special.
    pub minutes: Vec<Vec<Counts>>,
    /// Upper bounds of the histogram in microseconds; empty without one.
    pub bounds_us: Vec<u64>,
    /// The recorded histogram of stable, cumulative by bound, the last one without bound.
    pub recorded_buckets: Vec<u64>,
}

/// How the scrape of an instance went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// With values.
    #[default]
    Ok,
    /// No answer.
    Lost,
    /// An answer whose values are NaN.
    Nan,
}

/// One instance at one scrape; counters are cumulative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Of the canary, or of stable.
    pub canary: bool,
    /// Its number within its arm.
    pub pod: u32,
    /// How the scrape went.
    pub answer: Answer,
    /// Requests that ended.
    pub requests: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Requests at or below each bound, the last one without bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<u64>,
    /// When its process started, in milliseconds of the rollout.
    pub started_ms: i64,
}

/// One endpoint of one arm at one scrape; counters are cumulative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its number.
    pub endpoint: u32,
    /// What the canary did there.
    pub canary: Counts,
    /// What stable did there.
    pub stable: Counts,
}

/// One scrape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scrape {
    /// Its time as the scraper says, in milliseconds.
    pub at_ms: u64,
    /// The canary's share of the traffic from now on, in percent.
    pub percent: u8,
    /// All instances.
    pub pods: Vec<Pod>,
    /// All endpoints, where they are counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
}

/// A whole trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Its first line.
    pub header: Header,
    /// Its other lines.
    pub scrapes: Vec<Scrape>,
}

/// The longest line that is read.
const MOST_LINE: u64 = 4 << 20;

impl Trace {
    /// Writes it as JSON lines.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        line(to, &self.header)?;
        self.scrapes.iter().try_for_each(|scrape| line(to, scrape))
    }

    /// Reads JSON lines; a line that is none is an error with its number.
    pub fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let header = parsed(&next_line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?, 1)?;
        let mut scrapes = Vec::new();
        while let Some(text) = next_line(from)? {
            scrapes.push(parsed(&text, scrapes.len() + 2)?);
        }
        Ok(Self { header, scrapes })
    }
}

/// Writes one line and passes it on.
pub fn line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")?;
    to.flush()
}

/// The next line, `None` at the end.
pub fn next_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut text = String::new();
    let read = io::Read::take(&mut *from, MOST_LINE).read_line(&mut text)?;
    if read as u64 == MOST_LINE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than 4 MiB"));
    }
    Ok((read > 0).then_some(text))
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str, number: usize) -> io::Result<T> {
    let named = |why| io::Error::new(io::ErrorKind::InvalidData, format!("line {number}: {why}"));
    serde_json::from_str(text).map_err(named)
}
