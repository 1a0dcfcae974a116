//! Text inside other formats.

/// For XML and HTML: the five characters escaped, control characters replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            // XML 1.0 has no control characters, and no U+FFFE and U+FFFF.
            _ if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

/// For a cell of a Markdown table.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}

/// A figure with as many digits as make sense.
pub(super) fn figure(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 || value == 0.0 {
        format!("{value:.0}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_implementation_says_cannot_leave_its_place() {
        assert_eq!(escaped("<b a=\"'\">&\u{0}"), "&lt;b a=&quot;&#39;&quot;&gt;&amp;\u{fffd}");
        assert_eq!(cell("a|b\n<c"), "a\\|b &lt;c");
        assert_eq!(
            (figure(1234.5), figure(2.345), figure(0.01)),
            ("1234".into(), "2.35".into(), "0.0100".into())
        );
    }
}
