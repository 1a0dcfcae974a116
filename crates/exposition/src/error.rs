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
    #[error("the input is over {limit} bytes: raise the limit `bytes`, or let the exporter show less")]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// There are more series than the limit.
    #[error("more than {limit} series: raise the limit `series`, or drop a label with many values")]
    TooManySeries {
        /// Series allowed.
        limit: usize,
    },
    /// One series has more labels than the limit.
    #[error("more than {limit} labels on one series: raise the limit `labels`, or name fewer")]
    TooManyLabels {
        /// Labels allowed.
        limit: usize,
    },
    /// A label value is longer than the limit.
    #[error(
        "a label value of more than {limit} bytes: raise the limit `label_value_bytes`, or shorten the value"
    )]
    LabelValueTooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// A metric or label name is longer than the limit.
    #[error("a name of more than {limit} bytes: raise the limit `name_bytes`, or shorten the name")]
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
    /// Not a whole number of milliseconds (text), or not a number of seconds (OpenMetrics).
    #[error("not a timestamp in {unit}: {found}")]
    Timestamp {
        /// What stands there.
        found: String,
        /// What it should be.
        unit: &'static str,
    },
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
    /// Not one of the types of this dialect.
    #[error("unknown type {found}: one of {known}")]
    UnknownType {
        /// What stands there.
        found: String,
        /// Comma separated.
        known: &'static str,
    },
    /// A second TYPE of one family.
    #[error("second TYPE of {0}")]
    DuplicateType(String),
    /// A second UNIT of one family.
    #[error("second UNIT of {0}")]
    DuplicateUnit(String),
    /// The name of a family does not end in its unit.
    #[error("the name {name} does not end in its unit _{unit}")]
    Unit {
        /// The family.
        name: String,
        /// As UNIT says.
        unit: String,
    },
    /// OpenMetrics without its last line: the input was cut.
    #[error("the last line is not # EOF: the input was cut")]
    MissingEof,
    /// Something behind `# EOF`.
    #[error("something follows # EOF")]
    AfterEof,
    /// A line that OpenMetrics does not know: empty, or a comment of its own.
    #[error("OpenMetrics has only samples and the comments HELP, TYPE, UNIT and EOF")]
    Stray,
    /// An exemplar at a sample that can have none.
    #[error("an exemplar at {0}: only a counter's total and a bucket have one")]
    ExemplarPlace(String),
    /// The labels of an exemplar are longer than OpenMetrics allows.
    #[error("the labels of an exemplar have more than {limit} characters")]
    ExemplarTooLong {
        /// Characters allowed.
        limit: usize,
    },
    /// A composite value, as OpenMetrics 2 drafts it for native histograms.
    #[error(
        "a native histogram: no text format has a settled form of it; let the exporter show classic buckets"
    )]
    NativeHistogram,
    /// A second HELP of one family.
    #[error("second HELP of {0}")]
    DuplicateHelp(String),
    /// TYPE, HELP or UNIT after the family's first sample.
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
