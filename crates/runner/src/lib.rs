//! The imperative shell around a machine: it waits, records, carries out, and decides nothing.
//!
//! [`drive`] is the one loop: it is used by the runner of a pipeline, by the embedded target and by the simulator.
//! [`Dispatcher`] carries out what a run wants through the ports of a [`World`].

mod artifacts;
mod checks;
mod clock;
mod control;
mod dispatch;
mod drive;
mod environment;
mod failpoint;
mod jobs;
mod keeper;
mod log;
mod outputs;
mod pilot;
mod quiet;
mod replay;
mod sighting;
mod signals;
mod watcher;
mod world;

pub use artifacts::{ArtifactError, artifact_path, keep};
pub use clock::{BootClock, Clock, boot_id, boot_now_ms};
pub use control::{Asked, ControlError, Told, ask, serve};
pub use dispatch::{Dispatcher, Observer};
pub use drive::{Arrived, Dispatch, DriveError, Log, Recorded, Verdict, drive};
pub use failpoint::{FAILPOINT, FAILPOINTS, failpoint};
pub use keeper::Keeper;
pub use log::{JournalLog, entry_of};
pub use replay::{Difference, Replayed, replay};
pub use signals::forward_signals;
pub use world::{Places, Site, World, reacquire};
