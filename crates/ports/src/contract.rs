//! Contract suites: what every adapter behind a port must do, whatever world stands behind it.
//!
//! A suite is called from the tests of an adapter and of the simulator, and says in one line what was broken.

pub mod target;
