//! Silences for the deployment window, over version 2 of the API of an Alertmanager.
//!
//! Each has an end, and a comment that names the window that it belongs to; by it the next process finds what one that
//! is gone has left.
//!
//! An alert that guards the rollout is never kept quiet: a silence that could match one is refused, and what is not
//! known of an alert counts as matching.

mod guard;
mod http;
mod mark;
mod silences;
mod wire;

pub use mark::OWNER;
pub use silences::AlertmanagerSilences;
