//! What an exposition says: families, in the order of the text, each with its samples.

use std::borrow::Cow;

/// A whole exposition. It borrows from the text where nothing had to be unescaped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition<'a> {
    /// In the order of their first line.
    pub families: Vec<Family<'a>>,
}

/// All that is said about one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Family<'a> {
    /// Without the endings that its type puts behind it (`_bucket`, `_total` in OpenMetrics).
    pub name: Cow<'a, str>,
    /// `Untyped` when there is no TYPE line.
    pub kind: Kind,
    /// `None` when there is no HELP line.
    pub help: Option<Cow<'a, str>>,
    /// `None` when there is no UNIT line, which only OpenMetrics has.
    pub unit: Option<Cow<'a, str>>,
    /// In the order of the text. A family that is only declared has none.
    pub samples: Vec<Sample<'a>>,
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
    /// Buckets that may fall, `_gcount`, `_gsum`; only OpenMetrics.
    GaugeHistogram,
    /// `_info`, always 1; only OpenMetrics.
    Info,
    /// One sample a state, 0 or 1; only OpenMetrics.
    StateSet,
    /// Nothing is known: `untyped`, in OpenMetrics `unknown`.
    #[default]
    Untyped,
}

/// Names and values of labels, in the order of the text; names are unique.
pub type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// One line with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// As it stands, with `_bucket`, `_sum`, `_count`.
    pub name: Cow<'a, str>,
    /// Its labels.
    pub labels: Labels<'a>,
    /// May be NaN or infinite: the format allows it, the reader must decide.
    pub value: f64,
    /// Milliseconds since 1970, when one is given. OpenMetrics writes seconds; what is finer than a millisecond is
    /// rounded to the nearest.
    pub timestamp_ms: Option<i64>,
    /// Only OpenMetrics has them.
    pub exemplar: Option<Box<Exemplar<'a>>>,
}

/// One measurement that went into a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar<'a> {
    /// A trace id as a rule.
    pub labels: Labels<'a>,
    /// What was measured.
    pub value: f64,
    /// Milliseconds since 1970, when one is given.
    pub timestamp_ms: Option<i64>,
}

impl Kind {
    /// As a TYPE line of text 0.0.4 spells it; those that only OpenMetrics has, as OpenMetrics does.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Untyped => "untyped",
        }
    }
}

impl<'a> Exposition<'a> {
    /// The family of that name.
    pub fn family(&self, name: &str) -> Option<&Family<'a>> {
        self.families.iter().find(|family| family.name == name)
    }

    /// All samples of exactly that name, e.g. `x_bucket`, in the order of the text.
    pub fn samples<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Sample<'a>> + 's {
        self.families.iter().flat_map(|family| &family.samples).filter(move |sample| sample.name == name)
    }

    /// The same without the text it was read from.
    pub fn into_owned(self) -> Exposition<'static> {
        Exposition { families: self.families.into_iter().map(Family::into_owned).collect() }
    }
}

impl Family<'_> {
    fn into_owned(self) -> Family<'static> {
        Family {
            name: owned(self.name),
            kind: self.kind,
            help: self.help.map(owned),
            unit: self.unit.map(owned),
            samples: self.samples.into_iter().map(Sample::into_owned).collect(),
        }
    }
}

impl Sample<'_> {
    /// Value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_ref())
    }

    fn into_owned(self) -> Sample<'static> {
        let exemplar = self.exemplar.map(|it| {
            Box::new(Exemplar {
                labels: owned_labels(it.labels),
                value: it.value,
                timestamp_ms: it.timestamp_ms,
            })
        });
        Sample {
            name: owned(self.name),
            labels: owned_labels(self.labels),
            value: self.value,
            timestamp_ms: self.timestamp_ms,
            exemplar,
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn owned_labels(labels: Labels<'_>) -> Labels<'static> {
    labels.into_iter().map(|(name, value)| (owned(name), owned(value))).collect()
}
