//! The query API of a Prometheus server: one deadline over all tries, retries only of what may pass.

use std::fmt::Write;
use std::time::Duration;

use hyper::StatusCode;
use ports::PortError;
use tokio::time::{Instant, timeout_at};

use crate::Source;
use crate::answer::{self, Answer, AnswerError};
use crate::fetch::ask;

/// Bytes of a query.
const QUERY_MAX: usize = 16 * 1024;
/// The pause before the first retry; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// No answer within the deadline, tries included.
    #[error("no answer within {ms} ms ({tries} tries{last})")]
    TimedOut {
        /// The deadline.
        ms: u128,
        /// How often it was asked.
        tries: u32,
        /// What the last try ended with, or nothing.
        last: String,
    },
    /// Nobody is there, or the connection broke, every time.
    #[error("{0}")]
    Unreachable(String),
    /// It is there and cannot answer now (429, 502, 503, 504), every time.
    #[error("answered {status} {tries} times")]
    Busy {
        /// The last status.
        status: u16,
        /// How often it was asked.
        tries: u32,
    },
    /// A status that no retry mends, without an answer of the API.
    #[error("answered {0}")]
    Status(u16),
    /// The body is over the limit.
    #[error("{0}")]
    TooLarge(String),
    /// The query is over the limit.
    #[error("a query of more than {0} bytes: record it as a rule")]
    LongQuery(usize),
    /// The answer says that it is an error, or is none.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl From<QueryError> for PortError {
    fn from(error: QueryError) -> Self {
        let text = format!("query: {error}");
        match error {
            QueryError::TimedOut { .. } | QueryError::Unreachable(_) | QueryError::Busy { .. } => {
                Self::Unreachable(text)
            }
            QueryError::LongQuery(_) => Self::Refused(text),
            _ => Self::Malformed(text),
        }
    }
}

/// Whether another try may pass.
enum Again {
    /// It cannot.
    Never,
    /// After a pause of ours.
    Soon,
    /// After the pause that the server asks for.
    After(Duration),
}

/// Asks one server.
#[derive(Clone, Debug)]
pub struct QueryClient {
    source: Source,
    prefix: String,
    deadline: Duration,
    tries: u32,
    bytes: usize,
}

impl QueryClient {
    /// Asks within 5 s, at most 3 times, and takes answers up to 16 MiB.
    pub fn new(source: Source) -> Self {
        let (deadline, prefix) = (Duration::from_secs(5), String::new());
        Self { source, prefix, deadline, tries: 3, bytes: 16 * 1024 * 1024 }
    }

    /// The same below a path, e.g. `/prometheus`.
    #[must_use]
    pub fn with_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// The same with another deadline over all tries, and at most so many.
    #[must_use]
    pub fn with_patience(self, deadline: Duration, tries: u32) -> Self {
        Self { deadline, tries: tries.max(1), ..self }
    }

    /// The same with another limit of bytes of an answer.
    #[must_use]
    pub fn with_bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// The value at a time in milliseconds since 1970; the server's own time without one.
    ///
    /// # Errors
    /// There is no answer, and why.
    pub async fn instant(&self, query: &str, at_ms: Option<i64>) -> Result<Answer, QueryError> {
        let time = at_ms.map(|ms| format!("&time={}", seconds(ms))).unwrap_or_default();
        self.ask(query, &format!("query?query={}{time}", encoded(query))).await
    }

    /// The values from a time to another, every step, all in milliseconds.
    ///
    /// # Errors
    /// There is no answer, and why.
    pub async fn range(
        &self,
        query: &str,
        from_ms: i64,
        to_ms: i64,
        step_ms: i64,
    ) -> Result<Answer, QueryError> {
        let times = format!("&start={}&end={}&step={}", seconds(from_ms), seconds(to_ms), seconds(step_ms));
        self.ask(query, &format!("query_range?query={}{times}", encoded(query))).await
    }

    async fn ask(&self, query: &str, call: &str) -> Result<Answer, QueryError> {
        if query.len() > QUERY_MAX {
            return Err(QueryError::LongQuery(QUERY_MAX));
        }
        // The server shall not work longer for us than we wait.
        let path = format!("{}/api/v1/{call}&timeout={}s", self.prefix, self.deadline.as_secs_f64());
        let until = Instant::now() + self.deadline;
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        let mut last: Option<QueryError> = None;
        loop {
            tries += 1;
            let late = |last: Option<&QueryError>| QueryError::TimedOut {
                ms: self.deadline.as_millis(),
                tries,
                last: last.map(|error| format!(", the last: {error}")).unwrap_or_default(),
            };
            let Ok(once) = timeout_at(until, self.once(&path, tries)).await else {
                return Err(late(last.as_ref()));
            };
            let (error, wait) = match once {
                Ok(answer) => return Ok(answer),
                Err((error, Again::Never)) => return Err(error),
                Err((error, Again::Soon)) => (error, pause),
                Err((error, Again::After(wait))) => (error, wait),
            };
            if tries == self.tries {
                return Err(error);
            }
            last = Some(error);
            // Never added to the clock: the other side may ask for more seconds than a clock has.
            if wait >= until.saturating_duration_since(Instant::now()) {
                return Err(late(last.as_ref()));
            }
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
    }

    /// One try. With an error: whether and when another try may pass.
    async fn once(&self, path: &str, tries: u32) -> Result<Answer, (QueryError, Again)> {
        let got =
            ask(&self.source, path, "application/json", self.bytes).await.map_err(|error| match error {
                PortError::Unreachable(why) => (QueryError::Unreachable(why), Again::Soon),
                PortError::Malformed(why) | PortError::Refused(why) => {
                    (QueryError::TooLarge(why), Again::Never)
                }
            })?;
        let status = got.status;
        if status == StatusCode::OK {
            return answer::read(&got.body).map_err(|error| (error.into(), Again::Never));
        }
        if matches!(status.as_u16(), 429 | 502 | 503 | 504) {
            let wait = got.retry_after_s.map(Duration::from_secs).map_or(Again::Soon, Again::After);
            return Err((QueryError::Busy { status: status.as_u16(), tries }, wait));
        }
        // A bad query is answered with 400 or 422 and says why.
        match answer::read(&got.body) {
            Err(error @ AnswerError::Said { .. }) => Err((error.into(), Again::Never)),
            _ => Err((QueryError::Status(status.as_u16()), Again::Never)),
        }
    }
}

fn seconds(ms: i64) -> String {
    format!("{}", ms as f64 / 1000.0)
}

/// As a part of a URL.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
