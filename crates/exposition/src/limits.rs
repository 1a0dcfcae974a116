//! How much a parser accepts, and in which dialect.

/// Which text format is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// Prometheus text, version 0.0.4: `text/plain; version=0.0.4`.
    #[default]
    PrometheusText,
    /// Prometheus text, version 1.0.0, with names in quotes: `text/plain; version=1.0.0`.
    PrometheusUtf8,
    /// OpenMetrics 1.0: `application/openmetrics-text`. Names in quotes are read as Prometheus 3 writes them.
    OpenMetrics,
}

impl Dialect {
    /// The dialect that a `Content-Type` names, `None` when it is none of these. An absent version of `text/plain`
    /// means 0.0.4, as the format says.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
        let media = parts.next().unwrap_or_default();
        let version = parts.find_map(|part| {
            part.strip_prefix("version=").map(|version| version.trim_matches('"').to_owned())
        });
        match (media.as_str(), version.as_deref()) {
            ("text/plain", None | Some("0.0.4")) => Some(Self::PrometheusText),
            ("text/plain", Some("1.0.0")) => Some(Self::PrometheusUtf8),
            // 0.0.1 is what the clients of the draft say; the text is the same.
            ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => Some(Self::OpenMetrics),
            _ => None,
        }
    }

    /// Whether blanks, comments and empty lines stand only where they must.
    pub(crate) const fn is_rigid(self) -> bool {
        matches!(self, Self::OpenMetrics)
    }

    pub(crate) const fn quotes_names(self) -> bool {
        !matches!(self, Self::PrometheusText)
    }
}

/// Bounds on what is accepted. Whatever is over a bound is an error, never cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole input.
    pub bytes: usize,
    /// Series (samples) of the whole input.
    pub series: usize,
    /// Bytes of a metric or label name.
    pub name_bytes: usize,
    /// Labels of one series.
    pub labels: usize,
    /// Bytes of one label value, after its escapes are resolved.
    pub label_value_bytes: usize,
}

impl Default for Limits {
    /// 16 MiB, 100 000 series, names of 256 bytes, 64 labels a series, label values of 4 KiB.
    fn default() -> Self {
        Self {
            bytes: 16 * 1024 * 1024,
            series: 100_000,
            name_bytes: 256,
            labels: 64,
            label_value_bytes: 4 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_names_its_dialect_and_nothing_is_guessed() {
        for (text, dialect) in [
            ("text/plain", Some(Dialect::PrometheusText)),
            ("text/plain; version=0.0.4; charset=utf-8", Some(Dialect::PrometheusText)),
            ("text/plain;version=1.0.0;escaping=allow-utf-8", Some(Dialect::PrometheusUtf8)),
            ("application/openmetrics-text; version=1.0.0", Some(Dialect::OpenMetrics)),
            ("application/openmetrics-text; version=2.0.0", None),
            ("application/vnd.google.protobuf", None),
            ("text/html", None),
            ("text/plain; version=7", None),
        ] {
            assert_eq!(Dialect::of_content_type(text), dialect, "{text}");
        }
    }
}
