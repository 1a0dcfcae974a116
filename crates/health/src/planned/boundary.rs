//! Boundaries by recursive numerical integration: the density of the statistic among the ways that were never above one.

use super::Spending;
use super::normal::{above, density, upper_quantile};
use crate::sequential::numerics::bisect;

/// Below this z there is less than 1e-15.
const LOWEST: f64 = -8.0;
/// No boundary lies above: less than 1e-22 can be spent there.
const HIGHEST: f64 = 10.0;
/// Intervals of Simpson's rule; even. Half of the least deviation between two looks of a plan, and less.
const INTERVALS: u32 = 240;

/// The z at each look from which the null is rejected: one-sided, so that up to each look `spending` is spent. `parts` are
/// the parts of the plan at the looks, rising; information is taken as proportional to them.
pub fn boundaries(alpha: f64, spending: Spending, parts: &[f64]) -> Vec<f64> {
    let (mut found, mut spent) = (Vec::new(), 0.0);
    let mut under: Option<Under> = None;
    for part in parts {
        let upto = spending.spent(alpha, *part);
        let now = (upto - spent).max(0.0);
        spent = upto;
        let bound = match &under {
            None => upper_quantile(now).min(HIGHEST),
            Some(under) => bisect(LOWEST, HIGHEST, |bound| under.crossing(*part, bound) > now),
        };
        under = Some(match under {
            None => Under::first(*part, bound),
            Some(under) => under.next(*part, bound),
        });
        found.push(bound);
    }
    found
}

/// The statistic at one look, among the ways that were under every boundary up to it.
struct Under {
    part: f64,
    /// Points of z, each with its density times its weight in the integral.
    mass: Vec<(f64, f64)>,
}

impl Under {
    fn first(part: f64, bound: f64) -> Self {
        Self { part, mass: integrand(bound, density) }
    }

    /// Probability to be above `bound` at the next look and under all before.
    fn crossing(&self, part: f64, bound: f64) -> f64 {
        let (own, sd) = self.step(part);
        self.mass.iter().map(|(z, mass)| mass * above((bound * libm::sqrt(part) - z * own) / sd)).sum()
    }

    fn next(&self, part: f64, bound: f64) -> Self {
        let (own, sd) = self.step(part);
        let root = libm::sqrt(part);
        let at = |next: f64| {
            let of = |(z, mass): &(f64, f64)| mass * density((next * root - z * own) / sd);
            self.mass.iter().map(of).sum::<f64>() * root / sd
        };
        Self { part, mass: integrand(bound, at) }
    }

    /// Scores are independent from look to look: the root of the part, and the deviation of what is added.
    fn step(&self, part: f64) -> (f64, f64) {
        (libm::sqrt(self.part), libm::sqrt((part - self.part).max(1e-12)))
    }
}

/// Simpson's rule from the lowest z to `bound`.
fn integrand(bound: f64, density: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let width = (bound - LOWEST).max(0.0) / f64::from(INTERVALS);
    let point = |at: u32| {
        let weight = match at {
            0 | INTERVALS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let z = LOWEST + width * f64::from(at);
        (z, density(z) * weight * width / 3.0)
    };
    (0..=INTERVALS).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(looks: u32) -> Vec<f64> {
        (1..=looks).map(|look| f64::from(look) / f64::from(looks)).collect()
    }

    #[test]
    fn they_are_those_of_the_printed_tables() {
        // One-sided 0.025 at equal looks: Jennison and Turnbull (2000), and the tables of gsDesign and rpact.
        let printed: [(Spending, &[f64]); 6] = [
            (Spending::ObrienFleming, &[4.877, 3.357, 2.680, 2.290, 2.031]),
            (Spending::Pocock, &[2.438, 2.427, 2.410, 2.397, 2.386]),
            (Spending::ObrienFleming, &[4.333, 2.963, 2.359, 2.014]),
            (Spending::ObrienFleming, &[3.710, 2.511, 1.993]),
            (Spending::ObrienFleming, &[2.963, 1.969]),
            (Spending::Pocock, &[1.960]),
        ];
        for (spending, printed) in printed {
            let found = boundaries(0.025, spending, &equal(printed.len() as u32));
            for (found, printed) in found.iter().zip(printed) {
                assert!((found - printed).abs() < 0.0006, "{spending:?}: {found} is not {printed}");
            }
        }
    }

    #[test]
    fn looks_that_nearly_meet_and_many_of_them_stay_exact() {
        // Whatever the looks, the last boundary spends what is left: between one look's and Bonferroni's.
        for parts in [vec![0.0125, 0.5, 0.5125, 0.9875, 1.0], equal(20)] {
            for spending in Spending::ALL {
                let found = boundaries(0.01, spending, &parts);
                assert!(found.iter().all(|bound| bound.is_finite()), "{found:?}");
                let last = *found.last().unwrap();
                assert!((2.326..3.3).contains(&last), "{spending:?}: {last}");
            }
        }
    }
}
