//! Baselines of a service by hour of the week: their file, what is taken into it, and what a gate makes of one.

mod basis;
mod file;
mod table;
mod taken;

pub use basis::Basis;
pub use file::BaselineFile;
pub use table::{Row, rows, table};
pub use taken::{NotTaken, Taken};
