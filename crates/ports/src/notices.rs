//! Telling people: a webhook now; chat and mail later.

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::PortError;

/// Something a person should hear. May be lost and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Notice {
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// One line.
    pub title: String,
    /// More lines.
    pub text: String,
    /// Which run.
    pub run: String,
}

/// Tells people.
pub trait Notices: Send + Sync {
    /// Sends one notice, with a deadline of its own.
    fn send(&self, notice: &Notice) -> impl Future<Output = Result<(), PortError>> + Send;
}
