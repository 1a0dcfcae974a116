//! The period of a series, by its autocorrelation.

/// Shortest and longest that is looked for.
const SHORTEST: usize = 8;
const LONGEST: usize = 300;
/// How much of the past is looked at.
pub(super) const LOOK_BACK: usize = 720;
/// Less than that correlation is none.
const LEAST: f64 = 0.3;

/// The lag of the highest peak of the autocorrelation of differences from the mean; `None` when there is none.
pub(super) fn period(values: &[f64]) -> Option<usize> {
    let values = &values[values.len().saturating_sub(LOOK_BACK)..];
    if values.len() < 4 * SHORTEST {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let power: f64 = centred.iter().map(|value| value * value).sum::<f64>() / centred.len() as f64;
    if power <= 0.0 {
        return None;
    }
    let correlation = |lag: usize| {
        let pairs = centred[lag..].iter().zip(&centred);
        pairs.map(|(a, b)| a * b).sum::<f64>() / ((centred.len() - lag) as f64 * power)
    };
    let longest = LONGEST.min(centred.len() / 2);
    let all: Vec<f64> = (0..=longest).map(correlation).collect();
    // Only a peak behind a valley is a period: near lag 0 everything is alike.
    let valley = all.iter().position(|value| *value < 0.0)?;
    let peak = (valley.max(SHORTEST)..=longest).max_by(|a, b| all[*a].total_cmp(&all[*b]))?;
    (all[peak] >= LEAST).then_some(peak)
}
