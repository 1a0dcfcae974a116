//! What is wrong with an expression, and what can go wrong when it is evaluated.

/// The first thing that is wrong with an expression. Nothing of it may be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct SyntaxError {
    /// From 1, within the expression.
    pub line: usize,
    /// From 1, counted in characters.
    pub column: usize,
    /// What is wrong.
    pub kind: SyntaxKind,
}

impl SyntaxError {
    /// At a byte of the text.
    pub(crate) fn at(text: &str, at: usize, kind: SyntaxKind) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column, kind }
    }
}

/// The kinds of mistakes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxKind {
    /// Something else was expected.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A character that no expression has.
    #[error("unexpected character {0:?}")]
    Character(char),
    /// Text without its closing quote.
    #[error("the text has no closing quote")]
    OpenQuote,
    /// A backslash before something that it does not escape.
    #[error("unknown escape \\{0}")]
    Escape(String),
    /// Not a number.
    #[error("not a number: {0}")]
    Number(String),
    /// Not a duration such as `5m` or `1h30m`.
    #[error("not a duration: {0}")]
    Duration(String),
    /// PromQL has it, or may have it, and this subset has not.
    #[error("{0} is outside the subset: let a Prometheus server evaluate this expression")]
    Outside(String),
    /// A function with the wrong number of arguments.
    #[error("{function} takes {expected} arguments, not {found}")]
    Arguments {
        /// Its name.
        function: String,
        /// How many it takes.
        expected: String,
        /// How many there are.
        found: usize,
    },
    /// A value of another kind than needed.
    #[error("{place} needs {expected}, not {found}")]
    Kind {
        /// Of what.
        place: String,
        /// Which kind.
        expected: &'static str,
        /// Which kind it is.
        found: &'static str,
    },
    /// A selector that would match every series.
    #[error("a selector needs a name or a matcher that does not match the empty text")]
    MatchesAll,
    /// A regular expression that is none, or too large.
    #[error("regular expression {pattern:?}: {why}")]
    Regex {
        /// As it stands.
        pattern: String,
        /// Why not.
        why: String,
    },
    /// Longer than the limit.
    #[error("an expression of more than {0} bytes: split it with a recording rule")]
    TooLong(usize),
    /// More operators than the limit.
    #[error("an expression of more than {0} operators: split it with a recording rule")]
    TooMany(usize),
    /// Nested deeper than the limit.
    #[error("an expression nested more than {0} deep: split it with a recording rule")]
    TooDeep(usize),
}

/// Why an expression has no value. The rule has failed; nothing may be concluded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// Two results with the same labels.
    #[error("two results with the labels {0}")]
    SameLabels(String),
    /// Several series on the side that must have one.
    #[error("several series for {0} on the side of one: match on more labels, or aggregate first")]
    ManyToMany(String),
    /// Several series match one, and no `group_left` or `group_right` allows it.
    #[error("several series match {0}: say group_left or group_right, or aggregate first")]
    ManyToOne(String),
    /// More samples would be read than the limit.
    #[error("more than {0} samples: ask for a shorter range, a longer step or fewer series")]
    TooMany(usize),
    /// More results than the group allows.
    #[error("more than {0} results, the limit of the group")]
    OverLimit(usize),
    /// A text or a range, which is a value only as an argument.
    #[error("{0} is not the value of an expression")]
    NoValue(&'static str),
    /// A label name that is none.
    #[error("{0:?} is not a label name")]
    LabelName(String),
}
