//! Jobs of a run under a guardian.
