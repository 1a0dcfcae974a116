//! Times, sizes and shares as people write them.

use machine::Millis;

/// `250ms`, `10s`, `5m`, `24h`, `7d`; a bare number is refused. At most ten years.
pub fn millis_of(text: &str) -> Option<Millis> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor).filter(|ms| *ms <= 3_650 * 86_400_000)
}

/// `512KiB`, `256MiB`, `2GiB`; also `B`. At most an exbibyte.
pub fn bytes_of(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let shift = match unit {
        "B" => 0,
        "KiB" | "Ki" => 10,
        "MiB" | "Mi" => 20,
        "GiB" | "Gi" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift).filter(|bytes| *bytes <= 1 << 60)
}

/// `1%`, `0.5%`, `200%`: in parts per million of the whole.
pub(super) fn ppm_of(text: &str) -> Option<u64> {
    decimal(text.strip_suffix('%')?, 4)
}

/// `2x`, `1.5x`: in percent.
pub(super) fn times_of(text: &str) -> Option<u64> {
    decimal(text.strip_suffix('x')?, 2)
}

/// A decimal number times ten to the power of `places`; more decimals than that are refused.
fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || part.len() > places || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<places$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sizes_and_shares_are_read_exactly_or_refused() {
        assert_eq!(millis_of("15m"), Some(900_000));
        assert_eq!(bytes_of("256MiB"), Some(268_435_456));
        assert_eq!((ppm_of("1%"), ppm_of("0.5%"), ppm_of("0.0001%")), (Some(10_000), Some(5_000), Some(1)));
        assert_eq!((times_of("2x"), times_of("1.5x")), (Some(200), Some(150)));
        for bad in ["", "15", "1.5s", "-1s", "99999999999999999999s", "5000d", "1 s"] {
            assert_eq!(millis_of(bad), None, "{bad}");
        }
        assert_eq!(
            (bytes_of("1MB"), ppm_of("1"), ppm_of("0.00001%"), times_of("x")),
            (None, None, None, None)
        );
    }
}
