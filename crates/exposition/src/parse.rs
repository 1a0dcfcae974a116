//! The whole text: size, encoding, lines, families.

use crate::cursor::Cursor;
use crate::families::Families;
use crate::line::{Line, line};
use crate::{Dialect, ErrorKind, Exposition, Limits, ParseError};

/// Reads Prometheus text 0.0.4. An empty input is an exposition without families.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse<'a, T: AsRef<[u8]> + ?Sized>(
    input: &'a T,
    limits: &Limits,
) -> Result<Exposition<'a>, ParseError> {
    parse_as(Dialect::PrometheusText, input, limits)
}

/// Reads one dialect.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse_as<'a, T: AsRef<[u8]> + ?Sized>(
    dialect: Dialect,
    input: &'a T,
    limits: &Limits,
) -> Result<Exposition<'a>, ParseError> {
    let input = input.as_ref();
    if input.len() > limits.bytes {
        return Err(ParseError { line: 1, column: 1, kind: ErrorKind::TooLarge { limit: limits.bytes } });
    }
    let (text, broken) = utf8(input);
    let mut families = Families::new(dialect);
    let mut ended = false;
    let mut lines = 0;
    for whole in text.split_inclusive('\n') {
        lines += 1;
        let taken = one_line(&mut families, lines, whole, limits, &mut ended);
        if let Err(error) = taken {
            // A broken character further on is what is wrong with a last line that seems cut.
            let cut = matches!(error.kind, ErrorKind::Truncated | ErrorKind::MissingEof);
            families.no_twins()?;
            return Err(broken.filter(|_| cut).unwrap_or(error));
        }
    }
    families.no_twins()?;
    if let Some(error) = broken {
        return Err(error);
    }
    if dialect.is_rigid() && !ended {
        return Err(ParseError { line: lines + 1, column: 1, kind: ErrorKind::MissingEof });
    }
    Ok(families.finish())
}

fn one_line<'a>(
    families: &mut Families<'a>,
    number: usize,
    whole: &'a str,
    limits: &Limits,
    ended: &mut bool,
) -> Result<(), ParseError> {
    let dialect = families.dialect();
    let text = whole.strip_suffix('\n');
    let mut cursor = Cursor::new(number, text.unwrap_or(whole), dialect);
    if *ended {
        return Err(cursor.error(ErrorKind::AfterEof));
    }
    if text.is_none() && !(dialect.is_rigid() && whole == "# EOF") {
        let kind = if dialect.is_rigid() { ErrorKind::MissingEof } else { ErrorKind::Truncated };
        return Err(cursor.error_at(whole.len(), kind));
    }
    cursor.skip_blanks();
    let start = cursor.at();
    let taken = match line(&mut cursor, limits)? {
        Line::Nothing => Ok(()),
        Line::Help { name, text } => families.help(name, text),
        Line::Type { name, kind } => families.kind(name, kind),
        Line::Unit { name, unit } => families.unit(name, unit),
        Line::End => {
            *ended = true;
            Ok(())
        }
        Line::Sample(_) if families.series() == limits.series => {
            Err(ErrorKind::TooManySeries { limit: limits.series })
        }
        Line::Sample(sample) => return families.sample(sample, number),
    };
    taken.map_err(|kind| cursor.error_at(start, kind))
}

/// The text up to the first character that is broken, and where that is.
fn utf8(input: &[u8]) -> (&str, Option<ParseError>) {
    let error = match std::str::from_utf8(input) {
        Ok(text) => return (text, None),
        Err(error) => error,
    };
    let good = input.get(..error.valid_up_to()).unwrap_or_default();
    let good = std::str::from_utf8(good).unwrap_or_default();
    let line = good.matches('\n').count() + 1;
    let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (good, Some(ParseError { line, column, kind: ErrorKind::NotUtf8 }))
}
