//! An implementation of DWCP v3 to hold the conformance harness against, and to read.
//!
//! It shares no code with the harness: what both must agree on (payload recipes, frames) is written twice. Each part
//! is small and plain; `mutants` lists the faults that can be switched on one at a time.

pub mod acp;
pub mod amst;
pub mod ass;
pub mod b64;
pub mod dispatch;
pub mod hde;
pub mod metrics;
pub mod mutants;
pub mod payload;
pub mod pba;
pub mod refusal;
