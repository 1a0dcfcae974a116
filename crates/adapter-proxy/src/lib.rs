//! A weighted HTTP/1.1 splitter between the revisions of one target.
//!
//! ```text
//! client -> serve -> forward -> picker (smooth weights) -> upstream (pool of connections) -> instance
//!                       |
//!                       +-> counters by revision
//! ```
//!
//! The table is swapped as one value. A revision without a ready instance is routed around; a connection that is
//! refused counts against the revision and the request goes to another instance. Nothing here decides about shares.
//! Not done: HTTP/2, upgrades (answered 501), TLS.

mod body;
mod counters;
mod forward;
mod headers;
mod picker;
mod serve;
mod splitter;
mod upstream;

pub use body::Body;
pub use counters::{BUCKETS_US, Counted, Served};
pub use serve::{Doors, serve};
pub use splitter::{Limits, Splitter};
