//! Children of two kinds: jobs of a run, which never outlive it, and instances of revisions, which do.
//!
//! Jobs are started by a guardian (our own binary, started once a run), which kills all that descends from them
//! when the run's runner is gone. Instances are started by the target, in sessions of their own.

pub mod guardian;
pub mod instances;
pub mod mask;
mod proc;
