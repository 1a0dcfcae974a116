//! An open-loop HTTP load generator, and a small webhook sink.
//!
//! Open loop: the time at which each request is due is fixed by the rate before the first one is sent, and slow
//! answers do not slow it down. What users would have felt is what is measured: durations count from the due time.
//!
//! Not here: TLS, HTTP/2, think time, scripts.

pub mod failures;
pub mod fetch;
pub mod generate;
pub mod options;
pub mod pool;
pub mod request;
pub mod schedule;
pub mod sink;
pub mod summary;
pub mod terminate;
