//! An expression written again, so that it is read as the same one.

use std::fmt;

use crate::ast::{Aggregation, Expr, Grouping, Matching, Operator, Selector, Side};
use crate::{MatchOp, duration};

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => f.write_str(&number(*value)),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Latest(selector) => write!(f, "{}{}", bare(selector), offset(selector.offset_ms)),
            Self::Range { selector, range_ms } => {
                let (range, offset) = (duration::spell(*range_ms), offset(selector.offset_ms));
                write!(f, "{}[{range}]{offset}", bare(selector))
            }
            Self::Subquery { inner, range_ms, step_ms, offset_ms } => {
                let (range, step) = (duration::spell(*range_ms), duration::spell(*step_ms));
                write!(f, "({inner})[{range}:{step}]{}", offset(*offset_ms))
            }
            Self::Negated(inner) => write!(f, "(-({inner}))"),
            Self::Call { function, arguments } => {
                let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
                write!(f, "{function}({})", arguments.join(", "))
            }
            Self::Aggregate { by, grouping, parameter, inner } => {
                let name =
                    Aggregation::ALL.iter().find(|(_, known)| known == by).map_or("", |(name, _)| name);
                let parameter = parameter.as_ref().map(|it| format!("{it}, ")).unwrap_or_default();
                let grouping = match grouping {
                    Grouping::By(names) if names.is_empty() => String::new(),
                    Grouping::By(names) => format!(" by ({})", names.join(", ")),
                    Grouping::Without(names) => format!(" without ({})", names.join(", ")),
                };
                write!(f, "{name}{grouping}({parameter}{inner})")
            }
            Self::Binary { operator, left, right, returns_bool, matching } => {
                let name = Operator::ALL.iter().find(|(_, known, _)| known == operator);
                let name = name.map_or("", |(name, ..)| name);
                let bool = if *returns_bool { " bool" } else { "" };
                write!(f, "{} {name}{bool}{} {}", side(left), spelled_matching(matching), side(right))
            }
        }
    }
}

/// Brackets only where two operators meet.
fn side(expr: &Expr) -> String {
    if matches!(expr, Expr::Binary { .. }) { format!("({expr})") } else { expr.to_string() }
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Inf".to_owned() } else { "(-Inf)".to_owned() }
    } else {
        format!("{value:?}").trim_end_matches(".0").to_owned()
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{}\"", escaped.replace('\t', "\\t").replace('\r', "\\r"))
}

fn offset(millis: i64) -> String {
    match millis {
        0 => String::new(),
        millis if millis < 0 => format!(" offset -{}", duration::spell(-millis)),
        millis => format!(" offset {}", duration::spell(millis)),
    }
}

fn bare(selector: &Selector) -> String {
    let plain = |name: &str| {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        !name.is_empty() && name.chars().all(good) && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let keyword = |name: &str| {
        let words =
            ["inf", "nan", "bool", "on", "ignoring", "group_left", "group_right", "offset", "by", "without"];
        let lower = name.to_ascii_lowercase();
        words.contains(&lower.as_str()) || Operator::ALL.iter().any(|(word, ..)| *word == lower)
    };
    let name = selector.matchers.first().filter(|it| {
        it.label == "__name__" && it.op == MatchOp::Equal && plain(&it.value) && !keyword(&it.value)
    });
    let rest: Vec<String> = selector
        .matchers
        .iter()
        .skip(usize::from(name.is_some()))
        .map(|it| {
            let label =
                if plain(&it.label) && !keyword(&it.label) { it.label.clone() } else { quoted(&it.label) };
            format!("{label}{}{}", it.op.as_str(), quoted(&it.value))
        })
        .collect();
    let name = name.map_or("", |it| it.value.as_str());
    if rest.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", rest.join(",")) }
}

fn spelled_matching(matching: &Matching) -> String {
    let labels = match &matching.labels {
        Grouping::Without(names) if names.is_empty() && matching.many.is_none() => String::new(),
        Grouping::Without(names) => format!(" ignoring ({})", names.join(", ")),
        Grouping::By(names) => format!(" on ({})", names.join(", ")),
    };
    let many = match matching.many {
        None => "",
        Some(Side::Left) => " group_left",
        Some(Side::Right) => " group_right",
    };
    // Without brackets of their own, the labels would be taken for what stands in the next ones.
    let include =
        if matching.many.is_none() { String::new() } else { format!(" ({})", matching.include.join(", ")) };
    format!("{labels}{many}{include}")
}
