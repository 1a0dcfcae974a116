//! What is wrong with an exposition, and where.

/// The first thing that is wrong. Look at what wrote the exposition; nothing of it may be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// From 1, counted in characters.
    pub column: usize,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// The kinds of mistakes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is larger than the limit.
    #[error("the input is over {limit} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// There are more series than the limit.
    #[error("more than {limit} series")]
    TooManySeries {
        /// Series allowed.
        limit: usize,
    },
    /// One series has more labels than the limit.
    #[error("more than {limit} labels on one series")]
    TooManyLabels {
        /// Labels allowed.
        limit: usize,
    },
    /// A label value is longer than the limit.
    #[error("a label value of more than {limit} bytes")]
    LabelValueTooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// A metric or label name is longer than the limit.
    #[error("a name of more than {limit} bytes")]
    NameTooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// The last line has no newline: the input was cut.
    #[error("the last line does not end in a newline: the input was cut")]
    Truncated,
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A metric name was expected.
    #[error("expected a metric name, found {found}")]
    MetricName {
        /// What stands there.
        found: String,
    },
    /// A label name was expected.
    #[error("expected a label name, found {found}")]
    LabelName {
        /// What stands there.
        found: String,
    },
    /// A name in quotes, which is not part of this dialect.
    #[error("a name in quotes is not part of text format 0.0.4")]
    QuotedName,
    /// One certain thing was expected.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A label value, or the text of a HELP line, with a backslash before something else than `\`, `"` or `n`.
    #[error("unknown escape \\{0}")]
    Escape(String),
    /// The line ends inside a label value.
    #[error("the label value has no closing quote")]
    OpenQuote,
    /// Not a number.
    #[error("not a number: {0}")]
    Value(String),
    /// Not a whole number of milliseconds.
    #[error("not a timestamp in whole milliseconds: {0}")]
    Timestamp(String),
    /// Something follows where the line should end.
    #[error("expected the end of the line, found {found}")]
    Trailing {
        /// What stands there.
        found: String,
    },
    /// The same label name twice in one series.
    #[error("label {0} stands twice")]
    DuplicateLabel(String),
    /// The label `__name__`, which would be a second name.
    #[error("label __name__ is reserved")]
    ReservedLabel,
    /// The same name with the same labels twice.
    #[error("series {0} stands twice")]
    DuplicateSeries(String),
    /// Not one of the five types.
    #[error("unknown type {0}: one of counter, gauge, histogram, summary, untyped")]
    UnknownType(String),
    /// A second TYPE of one family.
    #[error("second TYPE of {0}")]
    DuplicateType(String),
    /// A second HELP of one family.
    #[error("second HELP of {0}")]
    DuplicateHelp(String),
    /// TYPE or HELP after the family's first sample.
    #[error("TYPE and HELP of {0} must stand before its samples")]
    Late(String),
    /// The lines of a family do not stand together.
    #[error("the lines of {0} do not stand together")]
    Scattered(String),
    /// A name that belongs to a histogram or summary is declared as a family of its own.
    #[error("{name} belongs to {family}")]
    Clash {
        /// The name declared.
        name: String,
        /// The family that owns it.
        family: String,
    },
    /// A sample whose name or labels do not fit the type of its family.
    #[error("{name} does not fit a {kind}: {reason}")]
    Misfit {
        /// Name of the sample.
        name: String,
        /// Type of its family.
        kind: &'static str,
        /// Why.
        reason: &'static str,
    },
}
