//! One line: a sample, a HELP, a TYPE, or nothing that matters.

use crate::cursor::Cursor;
use crate::{ErrorKind, Kind, Limits, ParseError, Sample, number};

/// What a line says.
pub(crate) enum Line {
    /// Blank, or a comment.
    Nothing,
    Help {
        name: String,
        text: String,
    },
    Type {
        name: String,
        kind: Kind,
    },
    Sample(Sample),
}

/// Reads one line without its newline.
pub(crate) fn line(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<Line, ParseError> {
    cursor.skip_blanks();
    match cursor.peek() {
        None => Ok(Line::Nothing),
        Some(b'#') => comment(cursor, limits),
        Some(_) => sample(cursor, limits).map(Line::Sample),
    }
}

fn comment(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<Line, ParseError> {
    cursor.eat(b'#');
    cursor.skip_blanks();
    match cursor.word() {
        "HELP" => {
            cursor.skip_blanks();
            let name = metric_name(cursor, limits)?;
            blank_or_end(cursor)?;
            cursor.skip_blanks();
            Ok(Line::Help { name, text: help_text(cursor)? })
        }
        "TYPE" => {
            cursor.skip_blanks();
            let name = metric_name(cursor, limits)?;
            blank_or_end(cursor)?;
            cursor.skip_blanks();
            let at = cursor.at();
            let word = cursor.word();
            let kind = Kind::spelled(word)
                .ok_or_else(|| cursor.error_at(at, ErrorKind::UnknownType(word.to_owned())))?;
            end(cursor)?;
            Ok(Line::Type { name, kind })
        }
        _ => Ok(Line::Nothing),
    }
}

fn sample(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<Sample, ParseError> {
    let name = metric_name(cursor, limits)?;
    if cursor.peek() != Some(b'{') {
        blank_or_end(cursor)?;
    }
    cursor.skip_blanks();
    let labels = if cursor.eat(b'{') { labels(cursor, limits)? } else { Vec::new() };
    cursor.skip_blanks();
    let at = cursor.at();
    let word = cursor.word();
    if word.is_empty() {
        let found = cursor.found();
        return Err(cursor.error(ErrorKind::Expected { expected: "a value", found }));
    }
    let value = number::value(word).ok_or_else(|| cursor.error_at(at, ErrorKind::Value(word.to_owned())))?;
    cursor.skip_blanks();
    let timestamp_ms = timestamp(cursor)?;
    end(cursor)?;
    Ok(Sample { name, labels, value, timestamp_ms })
}

fn timestamp(cursor: &mut Cursor<'_>) -> Result<Option<i64>, ParseError> {
    let at = cursor.at();
    match cursor.word() {
        "" => Ok(None),
        word => number::timestamp(word)
            .map(Some)
            .ok_or_else(|| cursor.error_at(at, ErrorKind::Timestamp(word.to_owned()))),
    }
}

/// The labels after `{`, and the `}`. A comma may stand before the `}`.
fn labels(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<Vec<(String, String)>, ParseError> {
    let mut labels: Vec<(String, String)> = Vec::new();
    loop {
        cursor.skip_blanks();
        if cursor.eat(b'}') {
            return Ok(labels);
        }
        if labels.len() == limits.labels {
            return Err(cursor.error(ErrorKind::TooManyLabels { limit: limits.labels }));
        }
        let at = cursor.at();
        let name = label_name(cursor, limits)?;
        if labels.iter().any(|(known, _)| *known == name) {
            return Err(cursor.error_at(at, ErrorKind::DuplicateLabel(name)));
        }
        cursor.skip_blanks();
        expect(cursor, b'=', "'='")?;
        cursor.skip_blanks();
        expect(cursor, b'"', "'\"'")?;
        labels.push((name, label_value(cursor, limits)?));
        cursor.skip_blanks();
        if !cursor.eat(b',') && cursor.peek() != Some(b'}') {
            let found = cursor.found();
            return Err(cursor.error(ErrorKind::Expected { expected: "',' or '}'", found }));
        }
    }
}

/// The value after its opening quote, and the closing one.
fn label_value(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<String, ParseError> {
    let start = cursor.at();
    let mut value = String::new();
    loop {
        value.push_str(cursor.take_while(|byte| !matches!(byte, b'"' | b'\\')));
        if value.len() > limits.label_value_bytes {
            return Err(
                cursor.error_at(start, ErrorKind::LabelValueTooLong { limit: limits.label_value_bytes })
            );
        }
        if cursor.eat(b'"') {
            return Ok(value);
        }
        let at = cursor.at();
        if !cursor.eat(b'\\') {
            return Err(cursor.error_at(start, ErrorKind::OpenQuote));
        }
        match cursor.character() {
            Some('n') => value.push('\n'),
            Some(next @ ('"' | '\\')) => value.push(next),
            Some(next) => return Err(cursor.error_at(at, ErrorKind::Escape(next.to_string()))),
            None => return Err(cursor.error_at(start, ErrorKind::OpenQuote)),
        }
    }
}

fn help_text(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    let mut text = String::new();
    loop {
        text.push_str(cursor.take_while(|byte| byte != b'\\'));
        let at = cursor.at();
        if !cursor.eat(b'\\') {
            return Ok(text);
        }
        match cursor.character() {
            Some('n') => text.push('\n'),
            Some('\\') => text.push('\\'),
            next => {
                let next = next.map(String::from).unwrap_or_default();
                return Err(cursor.error_at(at, ErrorKind::Escape(next)));
            }
        }
    }
}

fn metric_name(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<String, ParseError> {
    if matches!(cursor.peek(), Some(b'{' | b'"')) {
        return Err(cursor.error(ErrorKind::QuotedName));
    }
    let found = cursor.found();
    name(cursor, limits, |byte| byte == b':', ErrorKind::MetricName { found })
}

fn label_name(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<String, ParseError> {
    if cursor.peek() == Some(b'"') {
        return Err(cursor.error(ErrorKind::QuotedName));
    }
    let at = cursor.at();
    let found = cursor.found();
    let name = name(cursor, limits, |_| false, ErrorKind::LabelName { found })?;
    if name == "__name__" {
        return Err(cursor.error_at(at, ErrorKind::ReservedLabel));
    }
    Ok(name)
}

fn name(
    cursor: &mut Cursor<'_>,
    limits: &Limits,
    also: impl Fn(u8) -> bool,
    otherwise: ErrorKind,
) -> Result<String, ParseError> {
    let at = cursor.at();
    if cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        return Err(cursor.error(otherwise));
    }
    let name = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || also(byte));
    if name.is_empty() {
        return Err(cursor.error(otherwise));
    }
    if name.len() > limits.name_bytes {
        return Err(cursor.error_at(at, ErrorKind::NameTooLong { limit: limits.name_bytes }));
    }
    Ok(name.to_owned())
}

fn expect(cursor: &mut Cursor<'_>, byte: u8, expected: &'static str) -> Result<(), ParseError> {
    if cursor.eat(byte) {
        return Ok(());
    }
    let found = cursor.found();
    Err(cursor.error(ErrorKind::Expected { expected, found }))
}

fn blank_or_end(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    match cursor.peek() {
        None | Some(b' ' | b'\t') => Ok(()),
        Some(_) => {
            let found = cursor.found();
            Err(cursor.error(ErrorKind::Expected { expected: "a blank after the name", found }))
        }
    }
}

fn end(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    cursor.skip_blanks();
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(cursor.error(ErrorKind::Trailing { found: cursor.found() })),
    }
}
