//! One line: a sample, a HELP, a TYPE, a UNIT, the end, or nothing that matters.

use std::borrow::Cow;

use crate::cursor::Cursor;
use crate::labels::{braces, metric_name};
use crate::{Dialect, ErrorKind, Exemplar, Kind, Limits, ParseError, Sample, number};

/// Characters that the labels of one exemplar may have together, by the OpenMetrics specification.
const EXEMPLAR_CHARACTERS: usize = 128;

/// What a line says.
pub(crate) enum Line<'a> {
    /// Blank, or a comment.
    Nothing,
    Help {
        name: Cow<'a, str>,
        text: Cow<'a, str>,
    },
    Type {
        name: Cow<'a, str>,
        kind: Kind,
    },
    Unit {
        name: Cow<'a, str>,
        unit: Cow<'a, str>,
    },
    /// `# EOF`
    End,
    Sample(Sample<'a>),
}

/// Reads one line without its newline.
pub(crate) fn line<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Line<'a>, ParseError> {
    cursor.skip_blanks();
    match cursor.peek() {
        None if cursor.dialect.is_rigid() => Err(cursor.error(ErrorKind::Stray)),
        None => Ok(Line::Nothing),
        Some(b'#') => comment(cursor, limits),
        Some(_) => sample(cursor, limits).map(Line::Sample),
    }
}

fn comment<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Line<'a>, ParseError> {
    let rigid = cursor.dialect.is_rigid();
    let at = cursor.at();
    cursor.eat(b'#');
    if rigid && !cursor.eat(b' ') {
        return Err(cursor.error_at(at, ErrorKind::Stray));
    }
    cursor.skip_blanks();
    match cursor.word() {
        "HELP" => {
            let name = declared(cursor, limits)?;
            let text = if gap_or_end(cursor)? { help_text(cursor)? } else { Cow::Borrowed("") };
            Ok(Line::Help { name, text })
        }
        "TYPE" => {
            let name = declared(cursor, limits)?;
            gap_or_end(cursor)?;
            let at = cursor.at();
            let word = cursor.word();
            let kind = spelled(word, cursor.dialect).map_err(|kind| cursor.error_at(at, kind))?;
            end(cursor)?;
            Ok(Line::Type { name, kind })
        }
        "UNIT" if rigid => {
            let name = declared(cursor, limits)?;
            gap_or_end(cursor)?;
            let unit = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
            end(cursor)?;
            Ok(Line::Unit { name, unit: Cow::Borrowed(unit) })
        }
        "EOF" if rigid => {
            end(cursor)?;
            Ok(Line::End)
        }
        _ if rigid => Err(cursor.error_at(at, ErrorKind::Stray)),
        _ => Ok(Line::Nothing),
    }
}

/// The name after HELP, TYPE or UNIT.
fn declared<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Cow<'a, str>, ParseError> {
    cursor.gap();
    metric_name(cursor, limits)
}

/// Whether more stands behind the name.
fn gap_or_end(cursor: &mut Cursor<'_>) -> Result<bool, ParseError> {
    if cursor.gap() {
        return Ok(true);
    }
    if cursor.peek().is_none() { Ok(false) } else { Err(cursor.expected("a blank after the name")) }
}

fn spelled(word: &str, dialect: Dialect) -> Result<Kind, ErrorKind> {
    let kind = match word {
        "counter" => Some(Kind::Counter),
        "gauge" => Some(Kind::Gauge),
        "histogram" => Some(Kind::Histogram),
        "summary" => Some(Kind::Summary),
        "untyped" if !dialect.is_rigid() => Some(Kind::Untyped),
        "unknown" if dialect.is_rigid() => Some(Kind::Untyped),
        "gaugehistogram" if dialect.is_rigid() => Some(Kind::GaugeHistogram),
        "info" if dialect.is_rigid() => Some(Kind::Info),
        "stateset" if dialect.is_rigid() => Some(Kind::StateSet),
        _ => None,
    };
    let known = if dialect.is_rigid() {
        "counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown"
    } else {
        "counter, gauge, histogram, summary, untyped"
    };
    kind.ok_or_else(|| ErrorKind::UnknownType { found: word.to_owned(), known })
}

fn sample<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Sample<'a>, ParseError> {
    let start = cursor.at();
    let (name, labels) = series(cursor, limits)?;
    cursor.skip_blanks();
    let value = value(cursor)?;
    let mut timestamp_ms = None;
    let mut exemplar = None;
    if cursor.gap() && cursor.peek().is_some() {
        let marked = cursor.dialect.is_rigid() && cursor.peek() == Some(b'#');
        if !marked {
            timestamp_ms = Some(timestamp(cursor)?);
        }
        if marked || (cursor.dialect.is_rigid() && cursor.rest().starts_with(" #") && cursor.gap()) {
            exemplar = Some(Box::new(exemplar_of(cursor, limits)?));
        }
    }
    end(cursor)?;
    if exemplar.is_some() && !(name.ends_with("_total") || name.ends_with("_bucket")) {
        return Err(cursor.error_at(start, ErrorKind::ExemplarPlace(name.into_owned())));
    }
    Ok(Sample { name, labels, value, timestamp_ms, exemplar })
}

type Series<'a> = (Cow<'a, str>, crate::Labels<'a>);

fn series<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Series<'a>, ParseError> {
    let quoted_inside = cursor.peek() == Some(b'{') && cursor.dialect.quotes_names();
    let name = if quoted_inside { None } else { Some(metric_name(cursor, limits)?) };
    let spaced = name.is_some() && cursor.peek() != Some(b'{');
    if spaced && !gap_or_end(cursor)? {
        return Err(cursor.expected("a value"));
    }
    // In OpenMetrics a brace behind a space begins a composite value, not labels.
    if (spaced && cursor.dialect.is_rigid()) || !cursor.eat(b'{') {
        return Ok((name.unwrap_or_default(), Vec::new()));
    }
    let (inner, labels) = braces(cursor, limits, name.is_some())?;
    let Some(name) = name.or(inner) else {
        return Err(cursor.error(ErrorKind::MetricName { found: "a series without one".to_owned() }));
    };
    if cursor.dialect.is_rigid() && !cursor.eat(b' ') {
        return Err(cursor.expected("one space and a value"));
    }
    Ok((name, labels))
}

fn value(cursor: &mut Cursor<'_>) -> Result<f64, ParseError> {
    let at = cursor.at();
    let word = cursor.word();
    if word.is_empty() {
        return Err(cursor.expected("a value"));
    }
    if word.starts_with('{') {
        return Err(cursor.error_at(at, ErrorKind::NativeHistogram));
    }
    number::value(word, cursor.dialect).ok_or_else(|| cursor.error_at(at, ErrorKind::Value(shortened(word))))
}

/// A message never repeats more than this of what it found.
fn shortened(word: &str) -> String {
    word.chars().take(80).collect()
}

fn timestamp(cursor: &mut Cursor<'_>) -> Result<i64, ParseError> {
    let at = cursor.at();
    let word = cursor.word();
    let (read, unit) = if cursor.dialect.is_rigid() {
        (number::seconds(word), "seconds")
    } else {
        (number::timestamp(word), "whole milliseconds")
    };
    read.ok_or_else(|| cursor.error_at(at, ErrorKind::Timestamp { found: shortened(word), unit }))
}

/// From its `#`.
fn exemplar_of<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Exemplar<'a>, ParseError> {
    let at = cursor.at();
    cursor.eat(b'#');
    if !(cursor.eat(b' ') && cursor.eat(b'{')) {
        return Err(cursor.expected("the labels of an exemplar"));
    }
    let (_, labels) = braces(cursor, limits, true)?;
    let characters: usize = labels.iter().map(|(n, v)| n.chars().count() + v.chars().count()).sum();
    if characters > EXEMPLAR_CHARACTERS {
        return Err(cursor.error_at(at, ErrorKind::ExemplarTooLong { limit: EXEMPLAR_CHARACTERS }));
    }
    if !cursor.eat(b' ') {
        return Err(cursor.expected("one space and a value"));
    }
    let value = value(cursor)?;
    let timestamp_ms = if cursor.eat(b' ') { Some(timestamp(cursor)?) } else { None };
    Ok(Exemplar { labels, value, timestamp_ms })
}

/// Text up to the end. OpenMetrics escapes quotes too.
fn help_text<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, ParseError> {
    let first = cursor.take_while(|byte| byte != b'\\');
    if cursor.peek().is_none() {
        return Ok(Cow::Borrowed(first));
    }
    let mut text = first.to_owned();
    loop {
        let at = cursor.at();
        if !cursor.eat(b'\\') {
            return Ok(Cow::Owned(text));
        }
        match cursor.character() {
            Some('n') => text.push('\n'),
            Some('\\') => text.push('\\'),
            Some('"') if cursor.dialect.is_rigid() => text.push('"'),
            next => {
                let next = next.map(String::from).unwrap_or_default();
                return Err(cursor.error_at(at, ErrorKind::Escape(next)));
            }
        }
        text.push_str(cursor.take_while(|byte| byte != b'\\'));
    }
}

fn end(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    cursor.skip_blanks();
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(cursor.error(ErrorKind::Trailing { found: cursor.found() })),
    }
}
