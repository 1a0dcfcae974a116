//! One condition about one label.

use regex::Regex;

use crate::{Labels, SyntaxKind, pattern};

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `=~`
    Matches,
    /// `!~`
    Differs,
}

impl MatchOp {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Matches => "=~",
            Self::Differs => "!~",
        }
    }
}

/// A label, how it is compared, and with what. A label that is absent is the empty text.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// Its name.
    pub label: String,
    /// How.
    pub op: MatchOp,
    /// With what.
    pub value: String,
    regex: Option<Regex>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label && self.op == other.op && self.value == other.value
    }
}

impl Matcher {
    /// A new one.
    ///
    /// # Errors
    /// The value is no regular expression, and must be one.
    pub fn new(label: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Result<Self, SyntaxKind> {
        let value = value.into();
        let regex = match op {
            MatchOp::Matches | MatchOp::Differs => Some(pattern::compile(&value)?),
            MatchOp::Equal | MatchOp::Unequal => None,
        };
        Ok(Self { label: label.into(), op, value, regex })
    }

    /// Whether a value fits.
    pub fn fits(&self, value: &str) -> bool {
        let regex = self.regex.as_ref();
        match self.op {
            MatchOp::Equal => value == self.value,
            MatchOp::Unequal => value != self.value,
            MatchOp::Matches => regex.is_some_and(|regex| regex.is_match(value)),
            MatchOp::Differs => regex.is_some_and(|regex| !regex.is_match(value)),
        }
    }

    /// Whether a series fits.
    pub fn fits_series(&self, labels: &Labels) -> bool {
        self.fits(labels.value(&self.label))
    }
}
