//! The whole text: size, encoding, lines, families.

use crate::cursor::Cursor;
use crate::families::Families;
use crate::line::{Line, line};
use crate::{Dialect, ErrorKind, Exposition, Limits, ParseError};

/// Reads Prometheus text 0.0.4. An empty input is an exposition without families.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(input: impl AsRef<[u8]>, limits: &Limits) -> Result<Exposition, ParseError> {
    parse_as(Dialect::PrometheusText, input, limits)
}

/// Reads one dialect.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse_as(
    dialect: Dialect,
    input: impl AsRef<[u8]>,
    limits: &Limits,
) -> Result<Exposition, ParseError> {
    match dialect {
        Dialect::PrometheusText => prometheus_text(input.as_ref(), limits),
    }
}

fn prometheus_text(input: &[u8], limits: &Limits) -> Result<Exposition, ParseError> {
    if input.len() > limits.bytes {
        return Err(ParseError { line: 1, column: 1, kind: ErrorKind::TooLarge { limit: limits.bytes } });
    }
    let mut families = Families::default();
    for (index, bytes) in input.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        let text = utf8(number, bytes)?;
        let Some(text) = text.strip_suffix('\n') else {
            return Err(Cursor::new(number, text).error_at(text.len(), ErrorKind::Truncated));
        };
        take(&mut families, number, text, limits)?;
    }
    Ok(families.finish())
}

fn take(families: &mut Families, number: usize, text: &str, limits: &Limits) -> Result<(), ParseError> {
    let mut cursor = Cursor::new(number, text);
    cursor.skip_blanks();
    let start = cursor.at();
    let taken = match line(&mut cursor, limits)? {
        Line::Nothing => Ok(()),
        Line::Help { name, text } => families.help(name, text),
        Line::Type { name, kind } => families.kind(name, kind),
        Line::Sample(_) if families.series() == limits.series => {
            Err(ErrorKind::TooManySeries { limit: limits.series })
        }
        Line::Sample(sample) => families.sample(sample),
    };
    taken.map_err(|kind| cursor.error_at(start, kind))
}

fn utf8(line: usize, bytes: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let column = String::from_utf8_lossy(good).chars().count() + 1;
        ParseError { line, column, kind: ErrorKind::NotUtf8 }
    })
}
