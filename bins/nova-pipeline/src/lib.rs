//! What the binaries around a run share: the world of one machine, sessions, screens, and messages.
//!
//! `nova-rollout` and `nova-replay` are built from the same parts (decision record 0002).

pub mod back;
pub mod call;
pub mod control;
pub mod entry;
pub mod failure;
pub mod file;
pub mod graph;
pub mod history;
pub mod init;
mod postbox;
pub mod preflight;
pub mod prune;
mod say;
pub mod screen;
pub mod session;
pub mod story;
pub mod summary;
pub mod view;
pub mod world;
