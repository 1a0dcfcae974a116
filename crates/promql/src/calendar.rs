//! Parts of a date, in UTC.

/// A part of the date of that many seconds since 1970, `None` for a name that is none.
pub(crate) fn part(name: &str, seconds: f64) -> Option<f64> {
    if !seconds.is_finite() {
        return None;
    }
    let seconds = seconds as i64;
    let day = seconds.div_euclid(86_400);
    let second = seconds.rem_euclid(86_400);
    let (year, month, date) = civil(day);
    let value = match name {
        "minute" => second / 60 % 60,
        "hour" => second / 3_600,
        "day_of_week" => (day + 4).rem_euclid(7),
        "day_of_month" => date,
        "month" => month,
        "year" => year,
        "days_in_month" => {
            let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            days(next_year, next, 1) - days(year, month, 1)
        }
        "day_of_year" => day - days(year, 1, 1) + 1,
        _ => return None,
    };
    Some(value as f64)
}

/// Days since 1970 of a date, by counting years from March.
fn days(year: i64, month: i64, date: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + date - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_known_dates() {
        // 2024-02-29 13:45:07 UTC, a Thursday.
        let at = 1_709_214_307.0;
        for (name, value) in [
            ("minute", 45.0),
            ("hour", 13.0),
            ("day_of_week", 4.0),
            ("day_of_month", 29.0),
            ("month", 2.0),
            ("year", 2024.0),
            ("days_in_month", 29.0),
            ("day_of_year", 60.0),
        ] {
            assert_eq!(part(name, at), Some(value), "{name}");
        }
        assert_eq!(part("hour", -1.0), Some(23.0));
        assert_eq!(part("year", -1.0), Some(1969.0));
        assert_eq!(part("hour", f64::NAN), None);
    }
}
