//! Times, sizes and shares as people write them.

/// `250ms`, `10s`, `5m`, `24h`, `7d`, in milliseconds; a bare number is refused. At most ten years.
pub fn millis_of(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
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
    let (number, unit) = split(text)?;
    let shift = match unit {
        "B" => 0,
        "KiB" | "Ki" => 10,
        "MiB" | "Mi" => 20,
        "GiB" | "Gi" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift).filter(|bytes| *bytes <= 1 << 60)
}

/// `1%`, `0.5%`: as a share from 0 to 1.
pub fn share_of(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let share = number.parse::<f64>().ok().filter(|_| plain)? / 100.0;
    (0.0..=1.0).contains(&share).then_some(share)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

/// A span for people: `45 s`, `12 min`, `3.5 h`, `6.9 d`.
pub fn span(ms: u64) -> String {
    let seconds = ms as f64 / 1_000.0;
    match ms {
        0..10_000 => format!("{seconds:.1} s"),
        10_000..180_000 => format!("{seconds:.0} s"),
        180_000..10_800_000 => format!("{:.0} min", seconds / 60.0),
        10_800_000..259_200_000 => format!("{:.1} h", seconds / 3_600.0),
        _ => format!("{:.1} d", seconds / 86_400.0),
    }
}

/// A share for people: as per cent, with as many places as it needs.
pub fn percent(share: f64) -> String {
    let hundred = share * 100.0;
    let places = if hundred >= 10.0 || hundred == 0.0 {
        1
    } else if hundred >= 0.1 {
        2
    } else {
        3
    };
    format!("{hundred:.places$} %")
}

/// A wall time in milliseconds since 1970, as `2026-11-29T21:34:23Z`.
pub fn clock(ms: i64) -> String {
    let seconds = ms.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to a date: Hinnant, chrono-compatible low-level date algorithms.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let part = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * part + 2) / 5 + 1, if part < 10 { part + 3 } else { part - 9 });
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `2026-11-29T21:34:23Z` in milliseconds since 1970; `None` for another form or a day that is none.
pub fn wall_of(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let parts = |text: &str, by: char| -> Option<[i64; 3]> {
        let numbers: Option<Vec<i64>> = text.split(by).map(|part| part.parse().ok()).collect();
        numbers?.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (parts(date, '-')?, parts(time, ':')?);
    if !(1..=12).contains(&month) || !(1_970..10_000).contains(&year) {
        return None;
    }
    // The inverse of `clock`.
    let year = year - i64::from(month <= 2);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let of_era = year.rem_euclid(400) * 365 + year.rem_euclid(400) / 4 - year.rem_euclid(400) / 100 + of_year;
    let days = year.div_euclid(400) * 146_097 + of_era - 719_468;
    let ms = (days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000;
    (clock(ms) == text).then_some(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sizes_and_shares_are_read_exactly_or_refused() {
        assert_eq!((millis_of("15m"), millis_of("250ms")), (Some(900_000), Some(250)));
        assert_eq!(bytes_of("256MiB"), Some(268_435_456));
        assert_eq!((share_of("1%"), share_of("0.5%")), (Some(0.01), Some(0.005)));
        for bad in ["", "15", "1.5s", "-1s", "99999999999999999999s", "5000d", "1 s"] {
            assert_eq!(millis_of(bad), None, "{bad}");
        }
        for bad in ["1", "-1%", "101%", "nan%", "%", "1e3%"] {
            assert_eq!(share_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_written_can_be_read_by_people() {
        for ms in [0, 1_796_074_463_000, 951_782_400_000] {
            assert_eq!(wall_of(&clock(ms)), Some(ms));
        }
        for bad in ["2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T25:00:00Z", "x"] {
            assert_eq!(wall_of(bad), None, "{bad}");
        }
        assert_eq!(clock(0), "1970-01-01T00:00:00Z");
        assert_eq!(clock(1_796_074_463_000), "2026-11-30T21:34:23Z");
        assert_eq!(clock(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(
            [span(1_250), span(45_000), span(720_000), span(12_600_000)],
            ["1.2 s", "45 s", "12 min", "3.5 h"]
        );
        assert_eq!([percent(0.5), percent(0.0123), percent(0.00012)], ["50.0 %", "1.23 %", "0.012 %"]);
    }
}
