//! How the program was called, so that every command that it prints can be typed as it stands.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The present wall time in milliseconds since 1970.
pub fn wall_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// A new run id: date, time and process, e.g. `20261125-094801-4711`.
pub fn new_run_id() -> String {
    let seconds = wall_ms() / 1000;
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{}", std::process::id())
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// Who runs this: the user's name, or its number.
pub fn user() -> String {
    let uid = nix::unistd::geteuid();
    nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

/// The program as it was called.
pub fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "nova-pipeline".to_owned())
}

/// Another program of the same build, as it can be called.
pub fn sibling(name: &str) -> String {
    let own = PathBuf::from(program());
    match own.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => parent.join(name).display().to_string(),
        None => name.to_owned(),
    }
}

/// The folder of this binary: its siblings lie there.
pub fn bin_folder() -> PathBuf {
    std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned)).unwrap_or_default()
}

/// The state folder: as given, else `$NOVA_STATE`, else `.nova` beside the pipeline file (or here).
pub fn state_folder(given: Option<&Path>, file: Option<&Path>) -> PathBuf {
    let from_environment = || std::env::var_os("NOVA_STATE").filter(|v| !v.is_empty()).map(PathBuf::from);
    let beside = || {
        let folder = file.and_then(Path::parent).filter(|f| !f.as_os_str().is_empty());
        folder.unwrap_or_else(|| Path::new(".")).join(".nova")
    };
    given.map(Path::to_owned).or_else(from_environment).unwrap_or_else(beside)
}

/// `KEY=VALUE`.
///
/// # Errors
/// There is no `=`, or no key.
pub fn assignment(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(format!("--set {text}: write --set NAME=VALUE"))),
    }
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(20_782), (2026, 11, 25));
        assert_eq!(civil(11_016), (2000, 2, 29));
    }

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        assert_eq!(quoted("a/b-c=1"), "a/b-c=1");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
