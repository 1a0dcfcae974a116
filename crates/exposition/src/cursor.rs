//! Walks over one line, byte by byte, and knows where it is.

use crate::{ErrorKind, ParseError};

/// A place in one line.
pub(crate) struct Cursor<'a> {
    line: usize,
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(line: usize, text: &'a str) -> Self {
        Self { line, text, at: 0 }
    }

    /// Where it is, for [`Cursor::error_at`].
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    /// Takes the byte if it stands here.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Takes bytes while they fit. What is asked for must never be a part of a character that is not ASCII, unless
    /// all its parts fit.
    pub(crate) fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !fits(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Takes everything up to the next blank or the end.
    pub(crate) fn word(&mut self) -> &'a str {
        self.take_while(|byte| !matches!(byte, b' ' | b'\t'))
    }

    /// Takes one whole character.
    pub(crate) fn character(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// What stands here, for a message: one character, or the end of the line.
    pub(crate) fn found(&self) -> String {
        match self.rest().chars().next() {
            Some(next) => format!("{next:?}"),
            None => "the end of the line".to_owned(),
        }
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> ParseError {
        self.error_at(self.at, kind)
    }

    pub(crate) fn error_at(&self, at: usize, kind: ErrorKind) -> ParseError {
        let before = self.text.get(..at).unwrap_or(self.text);
        ParseError { line: self.line, column: before.chars().count() + 1, kind }
    }
}
