//! The texts of labels and annotations: what stands in double braces is replaced.
//!
//! The part of Go's templates that alerts use: `$value`, `$labels.NAME`, `.Value`, `.Labels.NAME`, the functions
//! `humanize`, `humanize1024`, `humanizePercentage`, `humanizeDuration` and `printf "%.2f"`, in front or behind a
//! pipe. Anything else is an error at load.

use crate::Labels;

/// Bytes of one template.
const LENGTH_MAX: usize = 16 * 1024;

/// Why a text is no template of the subset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("'{{{{' without '}}}}'")]
    Open,
    /// Outside the subset.
    #[error(
        "{{{{{0}}}}} is outside the subset: use $value or $labels.NAME, humanize, humanizePercentage, humanizeDuration or printf"
    )]
    Outside(String),
    /// Longer than the limit.
    #[error("a text of more than {0} bytes")]
    TooLong(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Label(String),
    Value(Vec<Filter>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Filter {
    Humanize,
    Humanize1024,
    Percentage,
    Duration,
    /// Text before, decimals, text behind.
    Printf(String, usize, String),
}

/// A text with places in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// It is outside the subset.
    pub fn read(text: &str) -> Result<Self, TemplateError> {
        if text.len() > LENGTH_MAX {
            return Err(TemplateError::TooLong(LENGTH_MAX));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (inner, behind) = behind.split_once("}}").ok_or(TemplateError::Open)?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(place(inner).ok_or_else(|| TemplateError::Outside(inner.to_owned()))?);
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// The text, when nothing in it is to be filled in.
    pub fn constant(&self) -> Option<String> {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Label(_) | Piece::Value(_) => None,
            })
            .collect()
    }

    /// With the labels and the value of an alert.
    pub fn filled(&self, labels: &Labels, value: f64) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Label(name) => labels.value(name).to_owned(),
            Piece::Value(filters) => filtered(value, filters),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// Whether the bare value stands directly before that text.
    pub(crate) fn has_bare_value_before(&self, text: &str) -> bool {
        self.pieces.windows(2).any(|pair| {
            matches!(pair, [Piece::Value(filters), Piece::Text(next)] if filters.is_empty() && next.starts_with(text))
        })
    }
}

/// What stands between the braces.
fn place(inner: &str) -> Option<Piece> {
    let mut parts = inner.split('|').map(str::trim);
    let first = parts.next()?;
    let mut filters = Vec::new();
    let piece = match source(first) {
        Some(piece) => piece,
        None => {
            // `humanize $value` is the same as `$value | humanize`.
            let (name, source_text) = first.rsplit_once(char::is_whitespace)?;
            filters.push(filter(name.trim())?);
            source(source_text)?
        }
    };
    for part in parts {
        filters.push(filter(part)?);
    }
    match piece {
        Piece::Value(_) => Some(Piece::Value(filters)),
        other => filters.is_empty().then_some(other),
    }
}

fn source(text: &str) -> Option<Piece> {
    if matches!(text, "$value" | ".Value") {
        return Some(Piece::Value(Vec::new()));
    }
    let name = text.strip_prefix("$labels.").or_else(|| text.strip_prefix(".Labels."))?;
    let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    good.then(|| Piece::Label(name.to_owned()))
}

fn filter(text: &str) -> Option<Filter> {
    match text {
        "humanize" => Some(Filter::Humanize),
        "humanize1024" => Some(Filter::Humanize1024),
        "humanizePercentage" => Some(Filter::Percentage),
        "humanizeDuration" => Some(Filter::Duration),
        _ => printf(text.strip_prefix("printf")?.trim()),
    }
}

fn printf(text: &str) -> Option<Filter> {
    let format = text.strip_prefix('"')?.strip_suffix('"')?.replace("%%", "\0");
    let (before, behind) = format.split_once('%')?;
    let (decimals, behind) = behind.split_once('f')?;
    let decimals = if decimals.is_empty() { 6 } else { decimals.strip_prefix('.')?.parse().ok()? };
    if behind.contains('%') || format.contains('\\') || decimals > 20 {
        return None;
    }
    Some(Filter::Printf(before.replace('\0', "%"), decimals, behind.replace('\0', "%")))
}

/// The first function makes a text; only `printf` could follow one, and that is no number any more.
fn filtered(value: f64, filters: &[Filter]) -> String {
    match filters.first() {
        None => shortest(value),
        Some(Filter::Humanize) => humanize(value, 1000.0, &["k", "M", "G", "T", "P", "E", "Z", "Y"], true),
        Some(Filter::Humanize1024) => {
            humanize(value, 1024.0, &["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"], false)
        }
        Some(Filter::Percentage) => format!("{}%", general(value * 100.0)),
        Some(Filter::Duration) => lasting(value),
        Some(Filter::Printf(before, decimals, behind)) => format!("{before}{value:.decimals$}{behind}"),
    }
}

fn unusual(value: f64) -> Option<String> {
    if value.is_nan() {
        Some("NaN".to_owned())
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned())
    } else {
        None
    }
}

/// As Go prints a float: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
fn shortest(value: f64) -> String {
    unusual(value).unwrap_or_else(|| {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        if (-4..6).contains(&exponent) { format!("{value}") } else { scientific(digits, exponent) }
    })
}

/// As `%.4g`.
fn general(value: f64) -> String {
    unusual(value).unwrap_or_else(|| {
        let text = format!("{value:.3e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        if !(-4..4).contains(&exponent) {
            return scientific(trimmed(digits), exponent);
        }
        let decimals = usize::try_from(3 - exponent).unwrap_or(0);
        trimmed(&format!("{value:.decimals$}")).to_owned()
    })
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

fn scientific(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

fn humanize(value: f64, step: f64, large: &[&str], small: bool) -> String {
    if value == 0.0 || !value.is_finite() || (value.abs() <= 1.0 && !small) {
        return general(value);
    }
    let (mut value, mut prefix) = (value, "");
    if value.abs() >= 1.0 {
        for next in large {
            if value.abs() < step {
                break;
            }
            prefix = next;
            value /= step;
        }
    } else {
        for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if value.abs() >= 1.0 {
                break;
            }
            prefix = next;
            value *= step;
        }
    }
    format!("{}{prefix}", general(value))
}

fn lasting(value: f64) -> String {
    if !value.is_finite() {
        return general(value);
    }
    if value == 0.0 {
        return "0s".to_owned();
    }
    if value.abs() < 1.0 {
        return format!("{}s", humanize(value, 1000.0, &[], true));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let seconds = value.abs() as u64;
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", general(value.abs())),
        (0, 0, _) => format!("{sign}{minutes}m {rest}s"),
        (0, ..) => format!("{sign}{hours}h {minutes}m {rest}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {rest}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, value: f64) -> String {
        let labels = Labels::new([("job", "api")]);
        Template::read(text).unwrap().filled(&labels, value)
    }

    #[test]
    fn places_are_filled_as_go_prints_them() {
        for (text, value, expected) in [
            ("is {{ $value }}s", 2.5, "is 2.5s"),
            ("{{$labels.job}} {{ .Labels.none }}|{{.Value}}", 1.0, "api |1"),
            ("{{ $value }}", 1_500_000.0, "1.5e+06"),
            ("{{ $value }}", 0.000_01, "1e-05"),
            ("{{ $value }}", f64::INFINITY, "+Inf"),
            ("{{ humanize $value }}", 1_234_567.0, "1.235M"),
            ("{{ $value | humanize }}", 0.001_5, "1.5m"),
            ("{{ $value | humanize1024 }}", 2048.0, "2ki"),
            ("{{ $value | humanizePercentage }}", 0.0123, "1.23%"),
            ("{{ $value | humanizeDuration }}", 3_725.0, "1h 2m 5s"),
            ("{{ $value | humanizeDuration }}", 0.25, "250ms"),
            ("{{ printf \"%.2f\" $value }}", 1.005, "1.00"),
            ("{{ $value | printf \"%.1f%%\" }}", 3.25, "3.2%"),
        ] {
            assert_eq!(filled(text, value), expected, "{text} {value}");
        }
    }

    #[test]
    fn what_is_outside_the_subset_is_an_error_that_names_it() {
        for text in
            ["{{ range query }}", "{{ $labels.a | humanize }}", "{{- $value }}", "{{ printf \"%d\" $value }}"]
        {
            assert!(matches!(Template::read(text), Err(TemplateError::Outside(_))), "{text}");
        }
        assert_eq!(Template::read("a {{ $value"), Err(TemplateError::Open));
        assert_eq!(Template::read(&"x".repeat(20_000)), Err(TemplateError::TooLong(LENGTH_MAX)));
    }
}
