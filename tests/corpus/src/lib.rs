//! Traces of rollouts from seeds.
