//! Durations as Prometheus writes them: `5m`, `1h30m`, `100ms`.

/// Units from large to small, in milliseconds. A year has 365 days.
const UNITS: [(&str, i64); 7] = [
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a duration in milliseconds: units from large to small, each once; `0` alone has none. `None` for all else.
pub(crate) fn read(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut sum, mut next) = (text, 0_i64, 0);
    while !rest.is_empty() {
        let digits = rest.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (number, behind) = rest.split_at_checked(digits)?;
        let letters = behind.bytes().position(|byte| byte.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(letters)?;
        let at = UNITS.iter().position(|(name, _)| *name == unit)?;
        let (_, millis) = UNITS.get(at).filter(|_| at >= next)?;
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(*millis)?)?;
        next = at + 1;
        rest = behind;
    }
    (!text.is_empty()).then_some(sum)
}

/// Spells milliseconds so that [`read`] reads the same.
pub(crate) fn spell(millis: i64) -> String {
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut rest = millis;
    let mut text = String::new();
    // Years and weeks are left out: days read better than half weeks.
    for (unit, size) in UNITS.iter().skip(2) {
        if rest / size > 0 {
            text = format!("{text}{}{unit}", rest / size);
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_nothing_else() {
        for (text, millis) in [
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("100ms", 100),
            ("1d", 86_400_000),
            ("0", 0),
            ("1m1ms", 60_001),
        ] {
            assert_eq!(read(text), Some(millis), "{text}");
        }
        for text in ["", "5", "m", "5x", "30m1h", "1m1m", "1.5m", "99999999999999y", "-1m", "1h 30m"] {
            assert_eq!(read(text), None, "{text}");
        }
        for millis in [1, 999, 60_000, 5_400_000, 90_061_001] {
            assert_eq!(read(&spell(millis)), Some(millis));
        }
    }
}
