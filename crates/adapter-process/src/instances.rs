//! Instances of revisions: processes that outlive whoever started them, known by pid and start time.
