//! Walks over one line, byte by byte, and knows where it is.

use crate::{Dialect, ErrorKind, ParseError};

/// A place in one line.
pub(crate) struct Cursor<'a> {
    line: usize,
    text: &'a str,
    at: usize,
    pub(crate) dialect: Dialect,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(line: usize, text: &'a str, dialect: Dialect) -> Self {
        Self { line, text, at: 0, dialect }
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

    /// Goes over blanks where the dialect lets them stand.
    pub(crate) fn skip_blanks(&mut self) {
        if !self.dialect.is_rigid() {
            self.skip_any_blanks();
        }
    }

    pub(crate) fn skip_any_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// What stands between two words: blanks, in a rigid dialect exactly one space.
    pub(crate) fn gap(&mut self) -> bool {
        if self.dialect.is_rigid() {
            return self.eat(b' ');
        }
        let from = self.at;
        self.skip_any_blanks();
        self.at > from
    }

    /// Takes the byte if it stands here.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Takes bytes while they fit. What is asked for must never be a part of a character that is not ASCII, unless
    /// all its parts fit.
    #[inline]
    pub(crate) fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a str {
        let bytes = self.text.as_bytes();
        let from = self.at;
        while bytes.get(self.at).is_some_and(|byte| fits(*byte)) {
            self.at += 1;
        }
        self.text.get(from..self.at).unwrap_or_default()
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

    pub(crate) fn expected(&self, expected: &'static str) -> ParseError {
        self.error(ErrorKind::Expected { expected, found: self.found() })
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> ParseError {
        self.error_at(self.at, kind)
    }

    pub(crate) fn error_at(&self, at: usize, kind: ErrorKind) -> ParseError {
        let before = self.text.get(..at).unwrap_or(self.text);
        ParseError { line: self.line, column: before.chars().count() + 1, kind }
    }
}
