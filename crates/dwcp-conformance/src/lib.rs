//! Requirements, cases, driver and report for the five parts of DWCP v3.

pub mod bus;
pub mod rng;
pub mod series;
pub mod sim;
pub mod stats;
