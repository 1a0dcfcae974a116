//! Prometheus rule files, and the part of PromQL that the design's rules, dashboards and common delivery templates
//! use.
//!
//! ```text
//!  rule file ── RuleFile::read ──► groups of rules ── Group::evaluate(t, store) ──► Alert: pending, firing, resolved
//!  expression ── parse ──► Expr ── evaluate(expr, t, store) ──► Value
//!                └─ not in the subset: an error that names what, with line and column
//!                lint(rule) ──► what cannot mean what it says, with the mend
//! ```
//!
//! The semantics are those of Prometheus 2.42, which `promtool test rules` judges (`prove promql`); [`Edges`] has the
//! one difference of Prometheus 3 that changes values. Samples and time come from outside; nothing is fetched here.
//! Outside the subset: native histograms (`histogram_count`, `_sum`, `_fraction`: an error at load; there is no oracle for
//! them either, for the test language of promtool 2.42 cannot write a series of them), the `@` modifier, `exp`, `ln`, `log2`, `log10`, trigonometry,
//! `holt_winters`. A real server answers those.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/querying/basics/>.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod aggregate;
mod alerts;
mod ast;
mod binary;
mod calendar;
mod duration;
mod error;
mod eval;
mod functions;
mod grammar;
mod guarding;
mod lint;
mod matcher;
mod numbers;
mod operand;
mod pattern;
mod quantile;
mod range;
mod rules;
mod spelled;
mod store;
mod template;
mod token;

pub use alerts::{Alert, AlertState, Group, RuleFailure};
pub use ast::{Aggregation, Expr, Grouping, Matching, Operator, Selector, Side, ValueKind};
pub use error::{EvalError, SyntaxError, SyntaxKind};
pub use eval::{Edges, Options, Point, Value, evaluate};
pub use grammar::{matchers, parse};
pub use guarding::GuardingAlert;
pub use lint::{Finding, lint};
pub use matcher::{MatchOp, Matcher};
pub use pattern::compile as anchored;
pub use regex::Regex;
pub use rules::{Rule, RuleError, RuleFile, RuleGroup};
pub use store::{Labels, STALE, Store, is_stale};
pub use template::{Template, TemplateError};
