//! A bet that ends above what decides has won more than it needs. What it may win so is known beforehand, since the split of
//! the bad events of a scrape has a known law under the null; it is paid back before the scrape is looked at. The promise
//! stays, and the evidence decides with fewer requests.
//!
//! With L(k) what all lanes are worth when k of the bad events fall on the canary, r what is in reserve and c the amount
//! that decides, every lane is multiplied by the b for which the mean of min(b L(K) + r, c) is what it was before. The
//! lanes grow with k, so the null's edge is its worst case.
//!
//! Source: Fischer and Ramdas: Improving Wald's (approximate) sequential probability ratio test by avoiding overshoot
//! (2024, arXiv 2410.16076).

/// Bad events of one scrape beyond which nothing is paid back: with so many, little is won beyond what decides.
const MOST: u64 = 400;
/// The chance that none falls on the canary is not smaller than this: what is below has no precision left.
const LEAST: f64 = 1e-250;

/// How the bad events of a scrape may split between canary and stable at the edge of the null, and what each split is
/// worth to a lane.
pub(super) struct Outcomes<'a, const N: usize> {
    /// Bad events of both arms.
    pub(super) bad: u64,
    /// The chance that none falls on the canary.
    pub(super) none: f64,
    /// ln e of each lane when none does.
    pub(super) ln_at_none: [f64; N],
    /// The chance of k + 1 on the canary by that of k.
    pub(super) odds: &'a dyn Fn(u64) -> f64,
    /// What a lane is worth at k + 1 by what it is worth at k.
    pub(super) gain: &'a dyn Fn(usize, u64) -> f64,
}

impl<const N: usize> Outcomes<'_, N> {
    /// ln b, at least 0. `capital` is what each lane is worth before the scrape, `reserve` what is not laid, `enough` the
    /// amount that decides.
    pub(super) fn ln_paid_back(&self, capital: [f64; N], reserve: f64, enough: f64) -> f64 {
        let before = reserve + capital.iter().sum::<f64>();
        if self.bad == 0 || self.bad > MOST || !self.precise() || before >= enough {
            return 0.0;
        }
        let mut lanes = capital;
        for (lane, ln) in lanes.iter_mut().zip(self.ln_at_none) {
            *lane *= libm::exp(ln);
        }
        let (mut chance, mut below, mut mean_below) = (self.none, 0.0, 0.0);
        for k in 0..=self.bad {
            let worth: f64 = lanes.iter().sum();
            // As if k were the first split that decides.
            let paid = (before - reserve * below - enough * (1.0 - below)) / mean_below;
            if mean_below > 0.0 && paid * worth + reserve >= enough {
                return libm::log(paid.max(1.0));
            }
            below += chance;
            mean_below += chance * worth;
            chance *= (self.odds)(k);
            for (number, lane) in lanes.iter_mut().enumerate() {
                *lane *= (self.gain)(number, k);
            }
        }
        0.0
    }

    fn precise(&self) -> bool {
        self.none >= LEAST
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATIOS: [f64; 3] = [2.0, 8.0, 40.0];

    fn of<R>(share: f64, bad: u64, then: impl FnOnce(&Outcomes<'_, 3>) -> R) -> R {
        let odds = |k: u64| (bad - k) as f64 / (k + 1) as f64 * share / (1.0 - share);
        let gain = |lane: usize, _| RATIOS[lane];
        then(&Outcomes {
            bad,
            none: (1.0 - share).powi(bad as i32),
            ln_at_none: RATIOS.map(|ratio| -(bad as f64) * (ratio * share + 1.0 - share).ln()),
            odds: &odds,
            gain: &gain,
        })
    }

    /// The mean of what counts, over all splits, with lanes multiplied by `paid`.
    fn mean(outcomes: &Outcomes<'_, 3>, capital: [f64; 3], reserve: f64, enough: f64, paid: f64) -> f64 {
        let (mut chance, mut lanes, mut mean) = (outcomes.none, capital, 0.0);
        for (lane, ln) in lanes.iter_mut().zip(outcomes.ln_at_none) {
            *lane *= ln.exp();
        }
        for k in 0..=outcomes.bad {
            mean += chance * (paid * lanes.iter().sum::<f64>() + reserve).min(enough);
            chance *= (outcomes.odds)(k);
            for (number, lane) in lanes.iter_mut().enumerate() {
                *lane *= (outcomes.gain)(number, k);
            }
        }
        mean
    }

    proptest! {
        #[test]
        fn what_is_paid_back_keeps_the_mean_and_no_more(
            capital in prop::array::uniform3(0.0..30.0_f64),
            reserve in 0.0..1.0_f64,
            share in 0.01..0.9_f64,
            bad in 0..40_u64,
        ) {
            let before = reserve + capital.iter().sum::<f64>();
            let paid = of(share, bad, |outcomes| outcomes.ln_paid_back(capital, reserve, 100.0)).exp();
            let after = of(share, bad, |outcomes| mean(outcomes, capital, reserve, 100.0, paid));
            prop_assert!(paid >= 1.0);
            prop_assert!((after - before).abs() < 1e-9 * before.max(1.0), "{before} became {after} by {paid}");
        }
    }

    #[test]
    fn nothing_is_paid_back_where_nothing_can_be_too_much_and_something_where_it_can() {
        let paid = |capital: f64, bad| {
            of(0.05, bad, |outcomes| outcomes.ln_paid_back([capital; 3], 0.1, 100.0)).exp()
        };
        assert!((paid(0.01, 1) - 1.0).abs() < 1e-12);
        assert!(paid(20.0, 3) > 1.2);
        assert!((paid(50.0, 3) - 1.0).abs() < 1e-12, "decided already");
    }
}
