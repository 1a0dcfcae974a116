//! What the doors to figures (`measure`) and proofs (`prove`) open on, and what several test suites share.

pub mod crash;
pub mod door;
pub mod full_disk;
pub mod loss;
pub mod measure;
pub mod models;
pub mod programs;
pub mod prove;
pub mod record;
pub mod rig;
pub mod simulated;
pub mod survivors;
pub mod wayback;
pub mod worlds;
