//! Regular expressions as Prometheus means them: the whole value must match, `\d`, `\w` and `\s` are ASCII.

use regex::{Regex, RegexBuilder};

use crate::SyntaxKind;

/// Bytes that a compiled expression may take.
const SIZE_LIMIT: usize = 1 << 20;

/// Compiles it. Matching takes time that is linear in the text, whatever the expression.
///
/// # Errors
/// It is no regular expression, or too large.
pub fn compile(pattern: &str) -> Result<Regex, SyntaxKind> {
    let wrong = |why: String| SyntaxKind::Regex { pattern: pattern.chars().take(80).collect(), why };
    let whole = format!("^(?:{})$", ascii_classes(pattern));
    RegexBuilder::new(&whole).size_limit(SIZE_LIMIT).nest_limit(64).build().map_err(|error| {
        let text = error.to_string();
        wrong(text.lines().last().unwrap_or_default().trim().to_owned())
    })
}

/// The classes `\d`, `\w`, `\s` written out, because the Rust library means all of Unicode by them.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut chars = pattern.chars();
    while let Some(next) = chars.next() {
        match next {
            '\\' => match chars.next() {
                Some(class) => out.push_str(&escaped(class, depth > 0)),
                None => out.push('\\'),
            },
            '[' => {
                depth += 1;
                out.push('[');
            }
            ']' => {
                depth = depth.saturating_sub(1);
                out.push(']');
            }
            _ => out.push(next),
        }
    }
    out
}

fn escaped(class: char, bracketed: bool) -> String {
    let inner = match class.to_ascii_lowercase() {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\f\\r ",
        _ => return format!("\\{class}"),
    };
    match (class.is_ascii_uppercase(), bracketed) {
        (false, true) => inner.to_owned(),
        (false, false) => format!("[{inner}]"),
        (true, _) => format!("[^{inner}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_must_match_and_classes_are_ascii() {
        for (pattern, text, matches) in [
            ("5..", "500", true),
            ("5..", "1500", false),
            ("a|b", "ab", false),
            ("\\d+", "٣", false),
            ("[\\d.]+", "1.2", true),
            ("\\W", "é", true),
            ("(?i)get", "GET", true),
            ("\\\\d", "\\d", true),
            ("", "", true),
        ] {
            assert_eq!(compile(pattern).unwrap().is_match(text), matches, "{pattern} {text}");
        }
        for pattern in ["(", "a{100000}{1000}", "(?=a)", "*"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
