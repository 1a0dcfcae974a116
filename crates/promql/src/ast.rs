//! An expression as it was read and checked.

use crate::Matcher;

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// One number.
    Scalar,
    /// A text, only as an argument.
    Text,
    /// One number a series.
    Vector,
    /// Samples over a time, a series.
    Matrix,
}

impl ValueKind {
    /// For messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "a number",
            Self::Text => "a text",
            Self::Vector => "an instant vector",
            Self::Matrix => "a range vector",
        }
    }
}

/// An expression of the subset.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// The last sample of each series.
    Latest(Selector),
    /// The samples of each series over a time.
    Range {
        /// Which series.
        selector: Selector,
        /// How far back, in milliseconds.
        range_ms: i64,
    },
    /// An expression evaluated over a time.
    Subquery {
        /// What.
        inner: Box<Expr>,
        /// How far back, in milliseconds.
        range_ms: i64,
        /// How often, in milliseconds.
        step_ms: i64,
        /// How long ago, in milliseconds.
        offset_ms: i64,
    },
    /// With the other sign.
    Negated(Box<Expr>),
    /// A function.
    Call {
        /// Its name.
        function: &'static str,
        /// What it is given.
        arguments: Vec<Expr>,
    },
    /// Series put together.
    Aggregate {
        /// How.
        by: Aggregation,
        /// Along which labels.
        grouping: Grouping,
        /// Of `topk`, `bottomk`, `quantile`, `count_values`.
        parameter: Option<Box<Expr>>,
        /// What.
        inner: Box<Expr>,
    },
    /// Two values put together.
    Binary {
        /// How.
        operator: Operator,
        /// The left one.
        left: Box<Expr>,
        /// The right one.
        right: Box<Expr>,
        /// A comparison gives 0 or 1 instead of leaving out.
        returns_bool: bool,
        /// Which series belong together.
        matching: Matching,
    },
}

/// Which series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    /// All must match; the name is the label `__name__`.
    pub matchers: Vec<Matcher>,
    /// How long ago, in milliseconds; negative is ahead.
    pub offset_ms: i64,
}

/// Aggregations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of PromQL")]
pub enum Aggregation {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    Quantile,
    CountValues,
}

impl Aggregation {
    /// All of them with their names.
    pub const ALL: [(&'static str, Self); 12] = [
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("min", Self::Min),
        ("max", Self::Max),
        ("count", Self::Count),
        ("group", Self::Group),
        ("stddev", Self::Stddev),
        ("stdvar", Self::Stdvar),
        ("topk", Self::Topk),
        ("bottomk", Self::Bottomk),
        ("quantile", Self::Quantile),
        ("count_values", Self::CountValues),
    ];

    /// The kind of its parameter, when it has one.
    pub const fn parameter(self) -> Option<ValueKind> {
        match self {
            Self::Topk | Self::Bottomk | Self::Quantile => Some(ValueKind::Scalar),
            Self::CountValues => Some(ValueKind::Text),
            _ => None,
        }
    }
}

/// Along which labels series are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Only these stay.
    By(Vec<String>),
    /// All but these and the name stay.
    Without(Vec<String>),
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of PromQL")]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    Unequal,
    Greater,
    Less,
    AtLeast,
    AtMost,
    And,
    Or,
    Unless,
}

impl Operator {
    /// How each is written, and how strongly it binds.
    pub(crate) const ALL: [(&'static str, Self, u8); 16] = [
        ("or", Self::Or, 1),
        ("and", Self::And, 2),
        ("unless", Self::Unless, 2),
        ("==", Self::Equal, 3),
        ("!=", Self::Unequal, 3),
        (">", Self::Greater, 3),
        ("<", Self::Less, 3),
        (">=", Self::AtLeast, 3),
        ("<=", Self::AtMost, 3),
        ("+", Self::Add, 4),
        ("-", Self::Sub, 4),
        ("*", Self::Mul, 5),
        ("/", Self::Div, 5),
        ("%", Self::Mod, 5),
        ("atan2", Self::Atan2, 5),
        ("^", Self::Pow, 6),
    ];

    /// Whether it compares.
    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::Unequal | Self::Greater | Self::Less | Self::AtLeast | Self::AtMost
        )
    }

    /// Whether it works on sets of series.
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

/// Which series of two sides belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matching {
    /// The labels that must be equal, or that may differ.
    pub labels: Grouping,
    /// The side that may have several series for one of the other.
    pub many: Option<Side>,
    /// Labels that are taken over from the side of one.
    pub include: Vec<String>,
}

impl Default for Matching {
    fn default() -> Self {
        Self { labels: Grouping::Without(Vec::new()), many: None, include: Vec::new() }
    }
}

/// A side of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `group_left`
    Left,
    /// `group_right`
    Right,
}

impl Expr {
    /// The kind of its value.
    pub fn kind(&self) -> ValueKind {
        match self {
            Self::Number(_) => ValueKind::Scalar,
            Self::Text(_) => ValueKind::Text,
            Self::Latest(_) | Self::Aggregate { .. } => ValueKind::Vector,
            Self::Range { .. } | Self::Subquery { .. } => ValueKind::Matrix,
            Self::Negated(inner) => inner.kind(),
            Self::Call { function, .. } => {
                if matches!(*function, "time" | "scalar") {
                    ValueKind::Scalar
                } else {
                    ValueKind::Vector
                }
            }
            Self::Binary { left, right, .. } => match (left.kind(), right.kind()) {
                (ValueKind::Scalar, ValueKind::Scalar) => ValueKind::Scalar,
                _ => ValueKind::Vector,
            },
        }
    }
}
