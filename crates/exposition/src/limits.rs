//! How much a parser accepts, and in which dialect.

/// Which text format is read. OpenMetrics will be a second one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// Prometheus text, version 0.0.4: `text/plain; version=0.0.4`.
    #[default]
    PrometheusText,
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
