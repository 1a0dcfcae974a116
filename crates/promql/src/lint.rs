//! What a rule cannot mean as it is written, and the mend.
//!
//! These are opinions about common mistakes, not errors: every rule that is linted can be evaluated.

use crate::ast::{Aggregation, Expr, Grouping, Operator, Selector};
use crate::{Matcher, Rule, duration};

/// One opinion about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the rule.
    pub rule: String,
    /// What is wrong, in one sentence.
    pub what: String,
    /// What to write instead.
    pub mend: String,
}

/// Labels that tell errors from the rest.
const STATUS: [&str; 5] = ["status", "code", "status_code", "http_status", "grpc_code"];

/// Looks at one rule.
pub fn lint(rule: &Rule) -> Vec<Finding> {
    let mut found = Vec::new();
    rate_as_ratio(rule, &mut found);
    value_as_percent(rule, &mut found);
    down_but_not_gone(rule, &mut found);
    quantile_of_each(&rule.expr, rule, &mut found);
    rate_of_gauge(&rule.expr, rule, &mut found);
    found
}

fn add(found: &mut Vec<Finding>, rule: &Rule, what: String, mend: String) {
    found.push(Finding { rule: rule.name.clone(), what, mend });
}

/// The left side and the number of a comparison at the top.
fn threshold(expr: &Expr) -> Option<(&Expr, Operator, f64)> {
    match expr {
        Expr::Binary { operator, left, right, .. } if operator.is_comparison() => match right.as_ref() {
            Expr::Number(number) => Some((left, *operator, *number)),
            _ => None,
        },
        _ => None,
    }
}

/// The selector and range of a rate that is not divided by anything.
fn bare_rate(expr: &Expr) -> Option<(&'static str, &Selector, i64)> {
    match expr {
        Expr::Call { function: function @ ("rate" | "irate"), arguments } => match arguments.first()? {
            Expr::Range { selector, range_ms } => Some((function, selector, *range_ms)),
            _ => None,
        },
        Expr::Aggregate { inner, .. } => bare_rate(inner),
        _ => None,
    }
}

/// Errors a second compared with what reads as a share of all requests.
fn rate_as_ratio(rule: &Rule, found: &mut Vec<Finding>) {
    let Some((left, operator, limit)) = threshold(&rule.expr) else { return };
    let Some((function, selector, range_ms)) = bare_rate(left) else { return };
    let status = |matcher: &&Matcher| STATUS.contains(&matcher.label.as_str());
    let Some(filter) = selector.matchers.iter().find(status) else { return };
    if !(limit > 0.0 && limit < 1.0) {
        return;
    }
    let rest = selector.matchers.iter().filter(|matcher| !status(matcher)).cloned().collect();
    let all = Selector { matchers: rest, offset_ms: selector.offset_ms };
    let rate =
        |selector: Selector| Expr::Call { function, arguments: vec![Expr::Range { selector, range_ms }] };
    let sum = |inner: Expr| Expr::Aggregate {
        by: Aggregation::Sum,
        grouping: Grouping::By(Vec::new()),
        parameter: None,
        inner: Box::new(inner),
    };
    let mend = Expr::Binary {
        operator,
        left: Box::new(Expr::Binary {
            operator: Operator::Div,
            left: Box::new(sum(rate(selector.clone()))),
            right: Box::new(sum(rate(all))),
            returns_bool: false,
            matching: crate::Matching::default(),
        }),
        right: Box::new(Expr::Number(limit)),
        returns_bool: false,
        matching: crate::Matching::default(),
    };
    let what = format!(
        "it compares errors per second with {limit}, which reads as a ratio: {function} of the series with \
         {}{}{:?} is requests a second, so at 1 000 requests a second it fires at a share of {}, and at one request a \
         minute it fires at none less than {}; it is also evaluated for every series alone",
        filter.label,
        filter.op.as_str(),
        filter.value,
        limit / 1000.0,
        limit * 60.0
    );
    add(found, rule, what, mend.to_string());
}

/// A share from 0 to 1 printed with a percent sign behind it.
fn value_as_percent(rule: &Rule, found: &mut Vec<Finding>) {
    let share = threshold(&rule.expr).is_some_and(|(_, _, limit)| limit > 0.0 && limit <= 1.0);
    for (name, text) in rule.annotations.iter().filter(|(_, text)| text.has_bare_value_before("%")) {
        if share {
            let what =
                format!("annotation {name} prints a share from 0 to 1 as per cent: 0.95 becomes \"0.95%\"");
            add(found, rule, what, "{{ $value | humanizePercentage }}".to_owned());
            let _ = text;
        }
    }
}

/// `up == 0` says nothing about a target that is no longer scraped.
fn down_but_not_gone(rule: &Rule, found: &mut Vec<Finding>) {
    let Some((Expr::Latest(selector), Operator::Equal, 0.0)) = threshold(&rule.expr) else { return };
    if selector.matchers.first().is_none_or(|matcher| matcher.value != "up") {
        return;
    }
    let series = Expr::Latest(selector.clone());
    let what =
        "it does not fire when the target is no longer discovered: then there is no series `up`".to_owned();
    add(found, rule, what, format!("{} or absent({series})", rule.expr));
}

/// A quantile of every instance and path is not the quantile of the service.
fn quantile_of_each(expr: &Expr, rule: &Rule, found: &mut Vec<Finding>) {
    if let Expr::Call { function: "histogram_quantile", arguments } = expr
        && let [q, inner] = arguments.as_slice()
        && matches!(inner, Expr::Call { function: "rate" | "irate" | "increase", .. })
    {
        let what = "it takes the quantile of every series alone, so one rare path of one instance decides";
        add(found, rule, what.to_owned(), format!("histogram_quantile({q}, sum by (le) ({inner}))"));
    }
    for child in children(expr) {
        quantile_of_each(child, rule, found);
    }
}

/// A rate of what does not look like a counter.
fn rate_of_gauge(expr: &Expr, rule: &Rule, found: &mut Vec<Finding>) {
    if let Expr::Call { function: function @ ("rate" | "irate" | "increase"), arguments } = expr
        && let Some(Expr::Range { selector, range_ms }) = arguments.first()
        && let Some(name) = selector.matchers.iter().find(|matcher| matcher.label == "__name__")
        && !["_total", "_count", "_sum", "_bucket"].iter().any(|ending| name.value.ends_with(ending))
        && !name.value.contains(':')
    {
        let what = format!(
            "{function} of {}, whose name is not that of a counter: each fall counts as a restart",
            name.value
        );
        let mend = format!(
            "deriv({}[{}]) for a gauge, or a name that ends in _total",
            name.value,
            duration::spell(*range_ms)
        );
        add(found, rule, what, mend);
    }
    for child in children(expr) {
        rate_of_gauge(child, rule, found);
    }
}

fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Number(_) | Expr::Text(_) | Expr::Latest(_) | Expr::Range { .. } => Vec::new(),
        Expr::Subquery { inner, .. } | Expr::Negated(inner) => vec![inner],
        Expr::Call { arguments, .. } => arguments.iter().collect(),
        Expr::Aggregate { parameter, inner, .. } => {
            parameter.as_deref().into_iter().chain(std::iter::once(inner.as_ref())).collect()
        }
        Expr::Binary { left, right, .. } => vec![left, right],
    }
}
