//! Telling people: a notice as JSON to a webhook.
//!
//! One connection per notice, one deadline over all of it, no retry: a notice may be lost and changes nothing.
//! Not here: TLS, chat and mail.

mod address;
mod webhook;

pub use address::{Address, AddressError};
pub use webhook::{DEADLINE, Webhook};
