//! The port: place, lift, list.

use std::time::Duration;

use hyper::{Method, StatusCode};
use ports::{PortError, Silences, Standing, Window};
use promql::GuardingAlert;

use crate::guard::refusal;
use crate::http::call;
use crate::mark::{OWNER, comment, run_of};
use crate::wire::{Created, Listed, Posted, read, spelled};

/// The longest window, a day.
const LASTS_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// Silences of one Alertmanager. `now_ms` is the wall clock, in milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct AlertmanagerSilences<C> {
    address: String,
    prefix: String,
    deadline: Duration,
    guards: Vec<GuardingAlert>,
    now_ms: C,
}

impl<C: Fn() -> i64 + Send + Sync> AlertmanagerSilences<C> {
    /// The Alertmanager at `HOST:PORT`, and the alerts that are never kept quiet. A call takes at most 3 s.
    pub fn new(address: impl Into<String>, guards: Vec<GuardingAlert>, now_ms: C) -> Self {
        let (address, prefix, deadline) = (address.into(), String::new(), Duration::from_secs(3));
        Self { address, prefix, deadline, guards, now_ms }
    }

    /// The same below a path, e.g. `/alertmanager`.
    #[must_use]
    pub fn with_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// The same with another deadline of each call.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, bytes::Bytes), PortError> {
        let path = format!("{}/api/v2/{path}", self.prefix);
        call(&self.address, self.deadline, method, &path, body).await
    }

    async fn remove(&self, id: &str) -> Result<(), PortError> {
        // A name that is none would be a path of its own.
        if !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(PortError::Malformed(format!("alertmanager: {id:?} is no name of a silence")));
        }
        match self.call(Method::DELETE, &format!("silence/{id}"), Vec::new()).await? {
            // Whoever was faster has done the same.
            (StatusCode::OK | StatusCode::NOT_FOUND, _) => Ok(()),
            (status, body) => Err(said(status, &body)),
        }
    }
}

impl<C: Fn() -> i64 + Send + Sync> Silences for AlertmanagerSilences<C> {
    async fn place(&self, window: &Window) -> Result<String, PortError> {
        if let Some(why) = refusal(window, &self.guards, LASTS_MAX_MS) {
            return Err(PortError::Refused(format!("silence: {why}")));
        }
        let now = (self.now_ms)();
        let ends = now.saturating_add(i64::try_from(window.lasts_ms).unwrap_or(i64::MAX));
        // The same window, placed a moment ago by a call whose answer was lost, ends a little sooner than asked now.
        let slack = i64::try_from(self.deadline.as_millis()).unwrap_or(0).saturating_mul(4);
        let standing = self.standing().await?;
        let same = |it: &&Standing| {
            it.run == window.run && it.matchers == window.matchers && it.ends_ms + slack >= ends
        };
        if let Some(known) = standing.iter().find(same) {
            return Ok(known.id.clone());
        }
        let posted = Posted {
            matchers: window.matchers.iter().map(Into::into).collect(),
            starts_at: spelled(now),
            ends_at: spelled(ends),
            created_by: OWNER.to_owned(),
            comment: comment(&window.run, window.comment.trim()),
        };
        let body = serde_json::to_vec(&posted).map_err(|error| PortError::Refused(error.to_string()))?;
        match self.call(Method::POST, "silences", body).await? {
            (StatusCode::OK, body) => {
                let created: Created = serde_json::from_slice(&body).map_err(|error| malformed(&error))?;
                Ok(created.id)
            }
            (StatusCode::BAD_REQUEST, body) => {
                Err(PortError::Refused(format!("alertmanager: {}", String::from_utf8_lossy(&body))))
            }
            (status, body) => Err(said(status, &body)),
        }
    }

    async fn lift(&self, run: &str) -> Result<usize, PortError> {
        let mut lifted = 0;
        for standing in self.standing().await?.iter().filter(|it| it.run == run) {
            self.remove(&standing.id).await?;
            lifted += 1;
        }
        Ok(lifted)
    }

    async fn standing(&self) -> Result<Vec<Standing>, PortError> {
        let (status, body) = self.call(Method::GET, "silences", Vec::new()).await?;
        if status != StatusCode::OK {
            return Err(said(status, &body));
        }
        let listed: Vec<Listed> = serde_json::from_slice(&body).map_err(|error| malformed(&error))?;
        let mut standing = Vec::new();
        for it in listed.into_iter().filter(|it| it.status.state != "expired") {
            let Some(run) = run_of(&it.created_by, &it.comment) else { continue };
            let ends_ms =
                read(&it.ends_at).ok_or_else(|| malformed(&format!("{:?} is no time in UTC", it.ends_at)))?;
            let matchers = it.matchers.into_iter().map(Into::into).collect();
            standing.push(Standing {
                id: it.id,
                run,
                matchers,
                ends_ms,
                owner: it.created_by,
                comment: it.comment,
            });
        }
        Ok(standing)
    }
}

fn malformed(error: &dyn std::fmt::Display) -> PortError {
    PortError::Malformed(format!("alertmanager: {error}"))
}

/// A status that is none of those agreed. What cannot be answered now may be asked again.
fn said(status: StatusCode, body: &[u8]) -> PortError {
    let text: String = String::from_utf8_lossy(body).chars().take(200).collect();
    let text = format!("alertmanager: answered {status}: {text}");
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        PortError::Unreachable(text)
    } else {
        PortError::Malformed(text)
    }
}
