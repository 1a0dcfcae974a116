//! The corpus: traces of rollouts from seeds, rules that judge them, and what each rule costs.
//!
//! A scenario and a seed make a trace; a rule hears its scrapes and decides. The same seeds give the same traces on
//! every platform. Every fifth seed is held out and reported separately.

pub mod arms;
pub mod bars;
pub mod bench;
pub mod decisions;
pub mod durations;
pub mod false_alarms;
pub mod gaussian;
pub mod generate;
pub mod leaks;
pub mod literal;
pub mod oracle;
pub mod ours;
pub mod peers;
pub mod piped;
pub mod random;
pub mod recorded;
pub mod report;
pub mod rule;
pub mod scenario;
pub mod sides;
pub mod trace;
