//! Values and timestamps: spelled as the format says, nothing more lenient.

use crate::Dialect;

/// Largest number up to which every whole number has a float of its own, in digits.
const EXACT_DIGITS: usize = 15;

/// Reads a value: a decimal number, `NaN`, `+Inf` or `-Inf`. `None` for all else, also for what overflows.
/// OpenMetrics spells the last ones in any case, and `Inf`, `+Infinity` too.
pub(crate) fn value(text: &str, dialect: Dialect) -> Option<f64> {
    let bytes = text.as_bytes();
    if bytes.len() <= EXACT_DIGITS && bytes.iter().all(u8::is_ascii_digit) && !bytes.is_empty() {
        let whole = bytes.iter().fold(0_u64, |sum, byte| sum * 10 + u64::from(byte & 15));
        return Some(whole as f64);
    }
    match text {
        "NaN" => return Some(f64::NAN),
        "+Inf" => return Some(f64::INFINITY),
        "-Inf" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    // The standard parser also takes `inf`, `infinity` and `nan` in any case; only these letters can be in a number.
    if !bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E')) {
        return dialect.is_rigid().then(|| word(text)).flatten();
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// What OpenMetrics spells with letters.
fn word(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "inf" | "+inf" | "infinity" | "+infinity" => Some(f64::INFINITY),
        "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Reads whole milliseconds, negative ones too.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Reads seconds with a fraction as milliseconds, to the nearest one.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let millis = value(text, Dialect::PrometheusText).filter(|value| value.is_finite())? * 1000.0;
    // Past 2^53 a millisecond is no longer exact: 285 000 years.
    (millis.abs() < 9_007_199_254_740_992.0).then(|| millis.round() as i64)
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
        let value = |text| value(text, Dialect::PrometheusText);
        for (text, expected) in [
            ("7", 7.0),
            ("-0.5", -0.5),
            ("1e3", 1000.0),
            ("+2.5E-1", 0.25),
            (".5", 0.5),
            ("+Inf", f64::INFINITY),
            ("999999999999999", 999_999_999_999_999.0),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
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
    fn openmetrics_spells_infinity_in_more_ways() {
        for text in ["Inf", "+inf", "+Infinity", "infinity"] {
            assert_eq!(value(text, Dialect::OpenMetrics), Some(f64::INFINITY), "{text}");
        }
        assert_eq!(value("-Infinity", Dialect::OpenMetrics), Some(f64::NEG_INFINITY));
        assert_eq!(value("infinite", Dialect::OpenMetrics), None);
    }

    #[test]
    fn timestamps_are_whole_milliseconds() {
        assert_eq!(timestamp("1395066363000"), Some(1_395_066_363_000));
        assert_eq!(timestamp("-1"), Some(-1));
        for text in ["", "-", "1.5", "1e3", "+1", "99999999999999999999"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_become_milliseconds() {
        assert_eq!(seconds("1395066363.123"), Some(1_395_066_363_123));
        assert_eq!(seconds("-0.5"), Some(-500));
        assert_eq!(seconds("1e9"), Some(1_000_000_000_000));
        for text in ["", "NaN", "+Inf", "1e300", "x"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
