//! Silences for the deployment window, over version 2 of the API of an Alertmanager.
//!
//! | way out of a window | what removes the silence |
//! |---|---|
//! | the work ends, well or not | [`AlertmanagerSilences::during`] lifts it |
//! | the work panics or is dropped | its guard lifts it in a task of its own |
//! | the process is killed | the next one finds it by owner and run (`standing`) and lifts it |
//! | nobody ever comes back | its end, which it always has |
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
