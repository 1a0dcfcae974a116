//! Names, labels and what stands in quotes.

use std::borrow::Cow;

use crate::cursor::Cursor;
use crate::{ErrorKind, Labels, Limits, ParseError};

/// Labels that a series has as a rule; room for them is made at once.
const USUAL: usize = 4;

/// A metric name, in quotes where the dialect has that.
pub(crate) fn metric_name<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Cow<'a, str>, ParseError> {
    match cursor.peek() {
        Some(b'"') => quoted_name(cursor, limits),
        Some(b'{') if !cursor.dialect.quotes_names() => Err(cursor.error(ErrorKind::QuotedName)),
        _ => plain_name(cursor, limits, |byte| byte == b':', |found| ErrorKind::MetricName { found })
            .map(Cow::Borrowed),
    }
}

/// What stands between `{` and `}`, and the `}`. A name in quotes without a value is the name of the metric, which
/// can only stand first and only when there was none before the `{`. A comma may stand before the `}`, except in
/// OpenMetrics.
pub(crate) fn braces<'a>(
    cursor: &mut Cursor<'a>,
    limits: &Limits,
    named: bool,
) -> Result<(Option<Cow<'a, str>>, Labels<'a>), ParseError> {
    let (mut metric, mut labels): (_, Labels<'a>) = (None, Vec::new());
    loop {
        cursor.skip_blanks();
        let bare = labels.is_empty() && metric.is_none();
        if (bare || !cursor.dialect.is_rigid()) && cursor.eat(b'}') {
            return Ok((metric, labels));
        }
        let at = cursor.at();
        let name = label_name(cursor, limits)?;
        cursor.skip_blanks();
        if matches!(name, Name::Quoted(_)) && bare && !named && cursor.peek() != Some(b'=') {
            metric = Some(name.text());
        } else {
            push(cursor, limits, &mut labels, name, at)?;
        }
        cursor.skip_blanks();
        if cursor.peek() == Some(b'}') {
            cursor.eat(b'}');
            return Ok((metric, labels));
        }
        if !cursor.eat(b',') {
            return Err(cursor.expected("',' or '}'"));
        }
    }
}

fn push<'a>(
    cursor: &mut Cursor<'a>,
    limits: &Limits,
    labels: &mut Labels<'a>,
    name: Name<'a>,
    at: usize,
) -> Result<(), ParseError> {
    if labels.len() == limits.labels {
        return Err(cursor.error_at(at, ErrorKind::TooManyLabels { limit: limits.labels }));
    }
    let name = name.text();
    if name == "__name__" {
        return Err(cursor.error_at(at, ErrorKind::ReservedLabel));
    }
    if labels.iter().any(|(known, _)| *known == name) {
        return Err(cursor.error_at(at, ErrorKind::DuplicateLabel(name.into_owned())));
    }
    if !cursor.eat(b'=') {
        return Err(cursor.expected("'='"));
    }
    cursor.skip_blanks();
    if cursor.peek() != Some(b'"') {
        return Err(cursor.expected("'\"'"));
    }
    let limit = limits.label_value_bytes;
    let value = quoted(cursor, limit, ErrorKind::LabelValueTooLong { limit })?;
    if labels.is_empty() {
        labels.reserve_exact(USUAL);
    }
    labels.push((name, value));
    Ok(())
}

/// A label name as it stands.
enum Name<'a> {
    Plain(&'a str),
    Quoted(Cow<'a, str>),
}

impl<'a> Name<'a> {
    fn text(self) -> Cow<'a, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Quoted(text) => text,
        }
    }
}

fn label_name<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Name<'a>, ParseError> {
    if cursor.peek() == Some(b'"') {
        return quoted_name(cursor, limits).map(Name::Quoted);
    }
    plain_name(cursor, limits, |_| false, |found| ErrorKind::LabelName { found }).map(Name::Plain)
}

fn quoted_name<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Cow<'a, str>, ParseError> {
    if !cursor.dialect.quotes_names() {
        return Err(cursor.error(ErrorKind::QuotedName));
    }
    let at = cursor.at();
    let limit = limits.name_bytes;
    let name = quoted(cursor, limit, ErrorKind::NameTooLong { limit })?;
    if name.is_empty() {
        return Err(cursor.error_at(at, ErrorKind::MetricName { found: "an empty name".to_owned() }));
    }
    Ok(name)
}

fn plain_name<'a>(
    cursor: &mut Cursor<'a>,
    limits: &Limits,
    also: impl Fn(u8) -> bool,
    otherwise: impl Fn(String) -> ErrorKind,
) -> Result<&'a str, ParseError> {
    let at = cursor.at();
    let digit = cursor.peek().is_some_and(|byte| byte.is_ascii_digit());
    let name = if digit {
        ""
    } else {
        cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || also(byte))
    };
    if name.is_empty() {
        return Err(cursor.error(otherwise(cursor.found())));
    }
    if name.len() > limits.name_bytes {
        return Err(cursor.error_at(at, ErrorKind::NameTooLong { limit: limits.name_bytes }));
    }
    Ok(name)
}

/// What stands in quotes, with both of them. Borrowed when it has no escape.
fn quoted<'a>(cursor: &mut Cursor<'a>, limit: usize, over: ErrorKind) -> Result<Cow<'a, str>, ParseError> {
    cursor.eat(b'"');
    let start = cursor.at();
    let first = cursor.take_while(|byte| !matches!(byte, b'"' | b'\\'));
    if first.len() <= limit && cursor.eat(b'"') {
        return Ok(Cow::Borrowed(first));
    }
    let mut value = String::new();
    let mut part = first;
    loop {
        if value.len() + part.len() > limit {
            return Err(cursor.error_at(start, over));
        }
        value.push_str(part);
        if cursor.eat(b'"') {
            return Ok(Cow::Owned(value));
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
        part = cursor.take_while(|byte| !matches!(byte, b'"' | b'\\'));
    }
}
