//! Values and timestamps: spelled as the format says, nothing more lenient.

/// Reads a value: a decimal number, `NaN`, `+Inf` or `-Inf`. `None` for all else, also for what overflows.
pub(crate) fn value(text: &str) -> Option<f64> {
    match text {
        "NaN" => return Some(f64::NAN),
        "+Inf" => return Some(f64::INFINITY),
        "-Inf" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    // The standard parser also takes `inf`, `infinity` and `nan` in any case; only these letters can be in a number.
    if !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E')) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Reads whole milliseconds, negative ones too.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Spells a value so that [`value`] reads the same one.
pub(crate) fn spell(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        // Debug spells the shortest text that reads back equal, with an exponent where it is large or small.
        format!("{value:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_spelled_and_nothing_else() {
        for (text, expected) in [
            ("7", 7.0),
            ("-0.5", -0.5),
            ("1e3", 1000.0),
            ("+2.5E-1", 0.25),
            (".5", 0.5),
            ("+Inf", f64::INFINITY),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        assert!(value("NaN").is_some_and(f64::is_nan));
        for text in
            ["", "oops", "inf", "Inf", "nan", "infinity", "0x10", "1_000", "1e", "--1", "1e999", "1,5", "٣"]
        {
            assert_eq!(value(text), None, "{text}");
        }
    }

    #[test]
    fn timestamps_are_whole_milliseconds() {
        assert_eq!(timestamp("1395066363000"), Some(1_395_066_363_000));
        assert_eq!(timestamp("-1"), Some(-1));
        for text in ["", "-", "1.5", "1e3", "+1", "99999999999999999999"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
