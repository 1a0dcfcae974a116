//! What goes over the wire: silences as the API writes them, and times.

use ports::SilenceMatcher;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireMatcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Posted {
    pub(crate) matchers: Vec<WireMatcher>,
    pub(crate) starts_at: String,
    pub(crate) ends_at: String,
    pub(crate) created_by: String,
    pub(crate) comment: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Created {
    #[serde(rename = "silenceID")]
    pub(crate) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) matchers: Vec<WireMatcher>,
    pub(crate) ends_at: String,
    pub(crate) created_by: String,
    pub(crate) comment: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) state: String,
}

impl From<&SilenceMatcher> for WireMatcher {
    fn from(it: &SilenceMatcher) -> Self {
        Self { name: it.label.clone(), value: it.value.clone(), is_regex: it.regex, is_equal: it.equal }
    }
}

impl From<WireMatcher> for SilenceMatcher {
    fn from(it: WireMatcher) -> Self {
        Self { label: it.name, value: it.value, regex: it.is_regex, equal: it.is_equal }
    }
}

/// Milliseconds since 1970 as RFC 3339, in UTC.
pub(crate) fn spelled(ms: i64) -> String {
    let (day, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // Days are counted from 1 March of the year 0, so that a leap day ends a year.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let (date, month) = (of_year - (153 * march + 2) / 5 + 1, if march < 10 { march + 3 } else { march - 9 });
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Reads RFC 3339 in UTC, to the millisecond. `None` for all else.
pub(crate) fn read(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, by: char| -> Option<Vec<i64>> {
        text.split(by).map(|part| part.parse().ok().filter(|number| *number >= 0)).collect()
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let (date, time) = (numbers(date, '-')?, numbers(time, ':')?);
    let ([year, month, day], [hour, minute, second]) = (date.as_slice(), time.as_slice()) else {
        return None;
    };
    if !(1..=12).contains(month) || !(1..=31).contains(day) || *hour > 23 || *minute > 59 || *second > 60 {
        return None;
    }
    let milli: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let year = if *month <= 2 { year - 1 } else { *year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1_000 + milli)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_and_read() {
        assert_eq!(spelled(1_709_214_307_042), "2024-02-29T13:45:07.042Z");
        for ms in [0, 1_709_214_307_042, 1_735_689_599_999, 951_782_400_000, 4_102_444_800_000] {
            assert_eq!(read(&spelled(ms)), Some(ms));
        }
        assert_eq!(read("2024-02-29T13:45:07Z"), Some(1_709_214_307_000));
        assert_eq!(read("2024-02-29T13:45:07.123456789Z"), Some(1_709_214_307_123));
        for text in ["", "2024-02-29", "2024-13-01T00:00:00Z", "2024-02-29T13:45:07+01:00", "x-y-zT1:2:3Z"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
