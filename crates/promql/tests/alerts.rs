//! The state of alerts over time: for, keep_firing_for, resolved, absent series, rules that fail.

use promql::{AlertState, EvalError, Group, Labels, Options, RuleFile, STALE, Store, evaluate, parse};

const STEP: i64 = 60_000;

struct Bench {
    group: Group,
    store: Store,
    now: i64,
}

impl Bench {
    fn new(rule: &str) -> Self {
        let text = format!("groups:\n- name: g\n  rules:\n{rule}");
        let mut file = RuleFile::read(&text).unwrap_or_else(|errors| panic!("{errors:?}"));
        Self { group: Group::new(file.groups.remove(0)), store: Store::default(), now: 0 }
    }

    /// One step: the sample, the evaluation, the states.
    fn step(&mut self, value: Option<f64>) -> Vec<AlertState> {
        if let Some(value) = value {
            self.store.append(&Labels::new([("__name__", "a"), ("job", "x")]), self.now, value);
        }
        let failures = self.group.evaluate(self.now, &mut self.store, &Options::default());
        assert_eq!(failures, []);
        self.now += STEP;
        self.group.alerts().map(|(_, alert)| alert.state).collect()
    }

    fn query(&self, expr: &str) -> usize {
        let expr = parse(expr).expect("legal");
        let value = evaluate(&expr, self.now - STEP, &self.store, &Options::default()).expect("a value");
        value.into_points().len()
    }
}

use AlertState::{Firing, Pending, Resolved};

#[test]
fn an_alert_fires_only_after_it_held_for_long_enough_and_resolves_at_once() {
    let mut bench = Bench::new("  - alert: A\n    expr: a > 1\n    for: 2m\n");
    assert_eq!(bench.step(Some(2.0)), [Pending]);
    assert_eq!(bench.step(Some(2.0)), [Pending]);
    assert_eq!(bench.query("ALERTS{alertstate=\"pending\"}"), 1);
    assert_eq!(bench.step(Some(2.0)), [Firing]);
    assert_eq!(bench.query("ALERTS{alertstate=\"firing\"}"), 1);
    assert_eq!(bench.query("ALERTS{alertstate=\"pending\"}"), 0, "its series has ended");
    assert_eq!(bench.step(Some(1.0)), [Resolved]);
    assert_eq!(bench.query("ALERTS"), 0);
    assert_eq!(bench.step(Some(2.0)), [Pending], "it begins anew");
    assert_eq!(bench.step(Some(1.0)), [], "one that never fired is forgotten");
}

#[test]
fn a_resolved_alert_is_kept_for_a_quarter_of_an_hour() {
    let mut bench = Bench::new("  - alert: A\n    expr: a > 1\n");
    assert_eq!(bench.step(Some(2.0)), [Firing]);
    for _ in 0..16 {
        assert_eq!(bench.step(Some(0.0)), [Resolved]);
    }
    assert_eq!(bench.step(Some(0.0)), []);
}

#[test]
fn keep_firing_for_bridges_a_gap_and_ends() {
    let mut bench = Bench::new("  - alert: A\n    expr: a > 1\n    keep_firing_for: 2m\n");
    let states: Vec<_> = [2.0, 0.0, 2.0, 0.0, 0.0, 0.0].map(|value| bench.step(Some(value))).concat();
    assert_eq!(states, [Firing, Firing, Firing, Firing, Firing, Resolved]);
}

#[test]
fn a_series_that_goes_is_gone_after_five_minutes_or_at_its_mark() {
    let mut bench = Bench::new("  - alert: A\n    expr: a > 1\n");
    assert_eq!(bench.step(Some(2.0)), [Firing]);
    for _ in 0..5 {
        assert_eq!(bench.step(None), [Firing]);
    }
    assert_eq!(bench.step(None), [Resolved]);
    let mut bench = Bench::new("  - alert: A\n    expr: absent(a{job=\"x\"})\n    for: 1m\n");
    assert_eq!(bench.step(Some(2.0)), []);
    assert_eq!(bench.step(Some(STALE)), [Pending]);
    assert_eq!(bench.step(None), [Firing]);
    let labels = bench.group.alerts().next().map(|(_, alert)| alert.labels.to_string());
    assert_eq!(labels.as_deref(), Some("{alertname=\"A\", job=\"x\"}"));
}

#[test]
fn a_nan_is_no_breach_and_no_recovery_is_made_up() {
    let mut bench = Bench::new("  - alert: A\n    expr: a > 1\n");
    assert_eq!(bench.step(Some(f64::NAN)), []);
    assert_eq!(bench.step(Some(f64::INFINITY)), [Firing]);
}

#[test]
fn a_rule_that_fails_changes_nothing() {
    let mut bench = Bench::new("  - alert: A\n    expr: a * on () b\n");
    for (name, x) in [("a", "1"), ("b", "1"), ("b", "2")] {
        bench.store.append(&Labels::new([("__name__", name), ("x", x)]), 0, 1.0);
    }
    let failures = bench.group.evaluate(0, &mut bench.store, &Options::default());
    assert!(matches!(failures[0].why, EvalError::ManyToMany(_)), "{failures:?}");
    assert_eq!(bench.group.alerts().count(), 0);
}

#[test]
fn a_limit_of_results_is_an_error_and_fires_nothing() {
    let text = "groups:\n- name: g\n  limit: 1\n  rules:\n  - alert: A\n    expr: a\n";
    let mut group = Group::new(RuleFile::read(text).expect("legal").groups.remove(0));
    let mut store = Store::default();
    for x in ["1", "2"] {
        store.append(&Labels::new([("__name__", "a"), ("x", x)]), 0, 1.0);
    }
    let failures = group.evaluate(0, &mut store, &Options::default());
    assert_eq!(failures[0].why, EvalError::OverLimit(1));
    assert_eq!(group.alerts().count(), 0);
}

#[test]
fn samples_out_of_order_are_refused_and_old_ones_are_forgotten() {
    let mut store = Store::default();
    let labels = Labels::new([("__name__", "a")]);
    assert!(
        store.append(&labels, 10, 1.0) && !store.append(&labels, 10, 2.0) && !store.append(&labels, 9, 2.0)
    );
    store.forget_before(11);
    assert!(store.is_empty());
}

#[test]
fn an_evaluation_that_would_never_end_is_refused() {
    let expr = parse("max_over_time(vector(1)[1y:1ms])").expect("legal");
    let value = evaluate(
        &expr,
        40_000_000_000,
        &Store::default(),
        &Options { samples_max: 10_000, ..Options::default() },
    );
    assert_eq!(value, Err(EvalError::TooMany(10_000)));
}
