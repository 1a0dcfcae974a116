//! What an exposition says: families, in the order of the text, each with its samples.

/// A whole exposition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// In the order of their first line.
    pub families: Vec<Family>,
}

/// All that is said about one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Without `_bucket`, `_sum`, `_count`.
    pub name: String,
    /// `Untyped` when there is no TYPE line.
    pub kind: Kind,
    /// `None` when there is no HELP line.
    pub help: Option<String>,
    /// In the order of the text. A family that is only declared has none.
    pub samples: Vec<Sample>,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Rises, or starts again at zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// `_bucket` by `le`, `_sum`, `_count`.
    Histogram,
    /// Samples by `quantile`, `_sum`, `_count`.
    Summary,
    /// Nothing is known.
    #[default]
    Untyped,
}

impl Kind {
    /// As a TYPE line spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }

    /// Reads what a TYPE line spells.
    pub(crate) fn spelled(text: &str) -> Option<Self> {
        [Self::Counter, Self::Gauge, Self::Histogram, Self::Summary, Self::Untyped]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// One line with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// As it stands, with `_bucket`, `_sum`, `_count`.
    pub name: String,
    /// In the order of the text; names are unique.
    pub labels: Vec<(String, String)>,
    /// May be NaN or infinite: the format allows it, the reader must decide.
    pub value: f64,
    /// Milliseconds since 1970, when one is given.
    pub timestamp_ms: Option<i64>,
}

impl Exposition {
    /// The family of that name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// All samples of exactly that name, e.g. `x_bucket`, in the order of the text.
    pub fn samples<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> + 'a {
        self.families.iter().flat_map(|family| &family.samples).filter(move |sample| sample.name == name)
    }
}

impl Sample {
    /// Value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}
