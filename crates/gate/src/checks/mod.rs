//! Health checks as a gate: their file, what is written on a command line, and their result as data and as text.
//!
//! Tries are made elsewhere (`adapter-probe`), and what a row of them says is decided in `health::checks`.

mod file;
mod raw;
mod report;
mod written;

pub use file::read;
pub use report::{Report, Row, Verdict, line, text};
pub use written::{command, grpc, http, metrics, tcp};
