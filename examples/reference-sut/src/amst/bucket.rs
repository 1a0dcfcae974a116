//! A token bucket (RFC 2697 family): a rate, and how much of it may be saved up.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tokens are bytes.
pub(super) struct Bucket {
    /// Bytes a second.
    rate: f64,
    burst: f64,
    /// What there is, and when that was so.
    state: Mutex<(f64, Instant)>,
}

impl Bucket {
    pub(super) fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, state: Mutex::new((burst, Instant::now())) }
    }

    /// Takes so many bytes, going into debt; gives how long the debt has to be waited for before they may go.
    pub(super) fn take(&self, bytes: usize) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let saved = (state.0 + now.duration_since(state.1).as_secs_f64() * self.rate).min(self.burst);
        let left = saved - bytes as f64;
        *state = (left, now);
        Duration::from_secs_f64((-left / self.rate).max(0.0))
    }
}
