//! From text to tokens, each with its place.

use crate::duration;
use crate::{SyntaxError, SyntaxKind};

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name of a metric, label, function or operator.
    Word(String),
    Number(f64),
    /// Milliseconds.
    Duration(i64),
    Text(String),
    Sign(&'static str),
    End,
}

/// A token and the byte where it begins.
pub(crate) type Placed = (Token, usize);

/// Signs, longer ones first.
const SIGNS: [&str; 23] = [
    "==", "!=", "=~", "!~", "<=", ">=", "(", ")", "{", "}", "[", "]", ",", "+", "-", "*", "/", "%", "^", "=",
    "<", ">", "@",
];

/// All tokens; the last one is the end.
pub(crate) fn tokens(text: &str) -> Result<Vec<Placed>, SyntaxError> {
    let mut found = Vec::new();
    let (mut at, mut brackets) = (0, 0_usize);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (token, length) = one(rest, brackets > 0).map_err(|kind| SyntaxError::at(text, at, kind))?;
        match token {
            Token::Sign("[") => brackets += 1,
            Token::Sign("]") => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        found.push((token, at));
        at += length;
    }
    found.push((Token::End, text.len()));
    Ok(found)
}

fn one(rest: &str, bracketed: bool) -> Result<(Token, usize), SyntaxKind> {
    let first = rest.chars().next().unwrap_or_default();
    let second = rest.chars().nth(1).unwrap_or_default();
    if bracketed && first == ':' {
        return Ok((Token::Sign(":"), 1));
    }
    if first.is_ascii_digit() || (first == '.' && second.is_ascii_digit()) {
        return number(rest);
    }
    if matches!(first, '"' | '\'' | '`') {
        return quoted(rest, first);
    }
    if first.is_ascii_alphabetic() || matches!(first, '_' | ':') {
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == ':' && !bracketed);
        let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let token = match word.to_ascii_lowercase().as_str() {
            "inf" => Token::Number(f64::INFINITY),
            "nan" => Token::Number(f64::NAN),
            _ => Token::Word(word.to_owned()),
        };
        return Ok((token, length));
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    sign.map(|sign| (Token::Sign(sign), sign.len())).ok_or(SyntaxKind::Character(first))
}

/// A number or a duration: what follows the digits says which.
fn number(rest: &str) -> Result<(Token, usize), SyntaxKind> {
    let hex = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"));
    if let Some(digits) = hex {
        let length = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
        let text = digits.get(..length).unwrap_or_default();
        let value = u64::from_str_radix(text, 16).map_err(|_| SyntaxKind::Number(format!("0x{text}")))?;
        return Ok((Token::Number(value as f64), length + 2));
    }
    let bytes = rest.as_bytes();
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let signed =
            matches!(byte, b'+' | b'-') && length > 0 && matches!(bytes.get(length - 1), Some(b'e' | b'E'));
        if !(byte.is_ascii_alphanumeric() || *byte == b'.' || signed) {
            break;
        }
        length += 1;
    }
    let text = rest.get(..length).unwrap_or_default();
    let plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if plain {
        let value = text.parse().map_err(|_| SyntaxKind::Number(text.to_owned()))?;
        return Ok((Token::Number(value), length));
    }
    let millis = duration::read(text).ok_or_else(|| SyntaxKind::Duration(text.to_owned()))?;
    Ok((Token::Duration(millis), length))
}

/// Text in quotes. In backticks nothing is escaped.
fn quoted(rest: &str, quote: char) -> Result<(Token, usize), SyntaxKind> {
    let mut text = String::new();
    let mut inner = rest.char_indices().skip(1);
    while let Some((at, next)) = inner.next() {
        match next {
            _ if next == quote => return Ok((Token::Text(text), at + 1)),
            '\n' if quote != '`' => return Err(SyntaxKind::OpenQuote),
            '\\' if quote != '`' => match inner.next().map(|(_, escaped)| escaped) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(escaped) if escaped == quote || escaped == '\\' => text.push(escaped),
                Some(escaped) => return Err(SyntaxKind::Escape(escaped.to_string())),
                None => return Err(SyntaxKind::OpenQuote),
            },
            _ => text.push(next),
        }
    }
    Err(SyntaxKind::OpenQuote)
}

impl Token {
    /// For a message.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("{word:?}"),
            Self::Number(number) => format!("the number {number}"),
            Self::Duration(millis) => format!("the duration {}", duration::spell(*millis)),
            Self::Text(_) => "a text".to_owned(),
            Self::Sign(sign) => format!("'{sign}'"),
            Self::End => "the end".to_owned(),
        }
    }
}
