//! The contract with the exporter: metric and label names.
//!
//! Every family is declared with its TYPE, even while it has no series. A revision that has a series in one of the
//! four request families has one in all four. A slot that has failed checks has restarts too; its resident bytes
//! are left out when they could not be read. What an instance served is left out where it is not counted. No sample carries a timestamp or a further label.

/// Counter by revision: requests begun and ended, in whatever way.
pub const REQUESTS: &str = "nova_requests_total";
/// Counter by revision: of these, answered with 500 or above.
pub const SERVER_ERRORS: &str = "nova_server_errors_total";
/// Counter by revision: of these, without any answer.
pub const FAILURES: &str = "nova_failures_total";
/// Histogram by revision, in seconds.
pub const DURATION: &str = "nova_request_duration_seconds";
/// Gauge by revision and slot: consecutive failed health checks.
pub const FAILED_CHECKS: &str = "nova_instance_failed_checks";
/// Gauge by revision and slot, in bytes.
pub const RESIDENT_BYTES: &str = "nova_instance_resident_bytes";
/// Counter by revision and slot: restarts by order.
pub const RESTARTS: &str = "nova_instance_restarts_total";
/// Counter by revision and slot: requests begun and ended, in whatever way.
pub const INSTANCE_REQUESTS: &str = "nova_instance_requests_total";
/// Counter by revision and slot: of these, answered with 500 or above, or without any answer.
pub const INSTANCE_ERRORS: &str = "nova_instance_errors_total";
/// Label: whose.
pub const REVISION: &str = "revision";
/// Label: which instance, from 0.
pub const SLOT: &str = "slot";
