//! Rollback triggers: the design's five where nothing is said, changed key by key.

use machine::Millis;
use release::{Action, Otherwise, Policy, RuleName, Rules};

use super::commands::{Context, at};
use super::raw::{RawTrigger, RawTriggers, Text};
use super::units::{millis_of, ppm_of, times_of};

pub(super) fn compile(
    context: &mut Context<'_>,
    raw: &RawTriggers,
    memory_limit_bytes: Option<u64>,
    min_requests: Option<u64>,
) -> (Rules, Policy) {
    let mut rules = Rules::design(memory_limit_bytes);
    let mut policy = Policy::design();
    rules.min_requests = min_requests.unwrap_or(rules.min_requests);
    let all = [
        (RuleName::HealthCheck, &raw.health_check),
        (RuleName::ErrorRate, &raw.error_rate),
        (RuleName::ResponseTime, &raw.response_time),
        (RuleName::ServerErrors, &raw.server_errors),
        (RuleName::Memory, &raw.memory),
    ];
    for (rule, trigger) in all {
        let Some(trigger) = trigger else { continue };
        unfitting(context, rule, trigger);
        change(context, &mut rules, rule, trigger);
        if let Some(action) = action(context, trigger, policy.action(rule)) {
            policy = policy.with(rule, action);
        }
        if let (RuleName::Memory, Some(window)) = (rule, &trigger.window) {
            policy.restart_window_ms = context.millis(Some(window), policy.restart_window_ms);
        }
    }
    (rules, policy)
}

fn change(context: &mut Context<'_>, rules: &mut Rules, rule: RuleName, trigger: &RawTrigger) {
    match rule {
        RuleName::HealthCheck => {
            if let Some(rule) = &mut rules.health_check {
                rule.failures = context.count(trigger.failures.as_ref(), rule.failures, 1_000);
            }
            rules.health_check = rules.health_check.filter(|_| !trigger.off);
        }
        RuleName::ErrorRate => {
            if let Some(rule) = &mut rules.error_rate {
                rule.over_ppm = share(context, trigger.over.as_ref(), rule.over_ppm);
                rule.window_ms = window(context, trigger.window.as_ref(), rule.window_ms);
                rule.min_requests = trigger.min_requests.unwrap_or(rule.min_requests);
                rule.min_errors = trigger.min_errors.unwrap_or(rule.min_errors);
            }
            rules.error_rate = rules.error_rate.filter(|_| !trigger.off);
        }
        RuleName::ResponseTime => {
            if let Some(rule) = &mut rules.response_time {
                rule.over_percent = times(context, trigger.over.as_ref(), rule.over_percent);
                rule.window_ms = window(context, trigger.window.as_ref(), rule.window_ms);
                rule.min_requests = trigger.min_requests.unwrap_or(rule.min_requests);
                rule.min_diff_us = context.millis(trigger.min_diff.as_ref(), rule.min_diff_us / 1000) * 1000;
            }
            rules.response_time = rules.response_time.filter(|_| !trigger.off);
        }
        RuleName::ServerErrors => {
            if let Some(rule) = &mut rules.server_errors {
                rule.per_minute = trigger.per_minute.unwrap_or(rule.per_minute);
                rule.over_ppm = share(context, trigger.over.as_ref(), rule.over_ppm);
            }
            rules.server_errors = rules.server_errors.filter(|_| !trigger.off);
        }
        RuleName::Memory => {
            if let Some(rule) = &mut rules.memory {
                rule.over_percent =
                    share(context, trigger.over.as_ref(), rule.over_percent * 10_000) / 10_000;
            }
            rules.memory = rules.memory.filter(|_| !trigger.off);
        }
    }
}

/// A key that says nothing to this rule is an error: silence would be taken for effect.
fn unfitting(context: &mut Context<'_>, rule: RuleName, trigger: &RawTrigger) {
    use RuleName::{ErrorRate, HealthCheck, Memory, ResponseTime, ServerErrors};
    let text_keys: [(&str, Option<&Text>, &[RuleName]); 4] = [
        ("over", trigger.over.as_ref(), &[ErrorRate, ResponseTime, ServerErrors, Memory]),
        ("window", trigger.window.as_ref(), &[ErrorRate, ResponseTime, Memory]),
        ("min_diff", trigger.min_diff.as_ref(), &[ResponseTime]),
        ("baseline", trigger.baseline.as_ref(), &[ResponseTime]),
    ];
    for (key, value, rules) in text_keys {
        if let Some(value) = value.filter(|_| !rules.contains(&rule)) {
            context.problem(at(value), format!("{rule} takes no {key}"), "take it away".to_owned());
        }
    }
    if let Some(failures) = trigger.failures.as_ref().filter(|_| rule != HealthCheck) {
        context.problem(at(failures), format!("{rule} takes no failures"), "take it away".to_owned());
    }
    if let Some(baseline) = trigger.baseline.as_ref().filter(|b| b.value != "concurrent") {
        let mend = "write concurrent: stable at the same time; at 100 % what it showed last".to_owned();
        context.problem(at(baseline), format!("the baseline {} is not known", baseline.value), mend);
    }
}

fn action(context: &mut Context<'_>, trigger: &RawTrigger, before: Action) -> Option<Action> {
    let (within_before, otherwise_before) = match before {
        Action::Ask { within_ms, otherwise } => (within_ms, otherwise),
        _ => (900_000, Otherwise::Abort),
    };
    let within_ms = context.millis(trigger.within.as_ref(), within_before);
    let otherwise = match trigger.otherwise.as_ref().map(|o| (o, o.value.as_str())) {
        None => otherwise_before,
        Some((_, "abort")) => Otherwise::Abort,
        Some((_, "continue")) => Otherwise::Continue,
        Some((place, other)) => {
            let mend = "write abort or continue".to_owned();
            context.problem(at(place), format!("otherwise: {other} is not known"), mend);
            otherwise_before
        }
    };
    match trigger.then.as_ref().map(|t| (t, t.value.as_str())) {
        Some((_, "abort")) => Some(Action::Abort),
        Some((_, "restart")) => Some(Action::Restart),
        Some((_, "alert")) => Some(Action::Alert),
        Some((_, "ask")) => Some(Action::Ask { within_ms, otherwise }),
        None if matches!(before, Action::Ask { .. }) => Some(Action::Ask { within_ms, otherwise }),
        None => None,
        Some((place, other)) => {
            let mend = "write abort, ask, restart or alert".to_owned();
            context.problem(at(place), format!("then: {other} is not known"), mend);
            None
        }
    }
}

pub(super) fn share(context: &mut Context<'_>, text: Option<&Text>, before: u64) -> u64 {
    let part = |text: &str| ppm_of(text).filter(|ppm| *ppm <= 1_000_000);
    read(context, text, before, part, "no share", "write a percentage up to 100%, e.g. 1%")
}

fn times(context: &mut Context<'_>, text: Option<&Text>, before: u64) -> u64 {
    read(context, text, before, times_of, "no multiple", "write a multiple, e.g. 2x")
}

fn window(context: &mut Context<'_>, text: Option<&Text>, before: Millis) -> Millis {
    let positive = |text: &str| millis_of(text).filter(|ms| *ms > 0);
    read(context, text, before, positive, "no window", "write a time longer than nothing, e.g. 5m")
}

fn read(
    context: &mut Context<'_>,
    text: Option<&Text>,
    before: u64,
    parse: impl Fn(&str) -> Option<u64>,
    what: &str,
    mend: &str,
) -> u64 {
    let Some(text) = text else { return before };
    parse(&text.value).unwrap_or_else(|| {
        context.problem(at(text), format!("{:?} is {what}", text.value), mend.to_owned());
        before
    })
}
