//! Evidence on a log scale: finite, or zero. Never NaN, equal by its bits, so that a state that holds it stays `Eq`.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// The natural logarithm of an amount of evidence (an e-value). Zero evidence has its own value and is written `null`.
#[derive(Clone, Copy, Debug, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "Option<f64>", into = "Option<f64>")]
pub struct LogE(f64);

impl LogE {
    /// An e-value of 0: no capital is left.
    pub const ZERO: Self = Self(f64::NEG_INFINITY);
    /// An e-value of 1: nothing is known.
    pub const ONE: Self = Self(0.0);

    /// From a logarithm. NaN is no evidence, what is too large is the largest finite number, and -0.0 is 0.0.
    pub const fn from_ln(ln: f64) -> Self {
        if ln.is_nan() {
            Self::ZERO
        } else if ln > f64::MAX {
            Self(f64::MAX)
        } else {
            // -0.0 + 0.0 is 0.0.
            Self(ln + 0.0)
        }
    }

    /// From an amount; what is not above zero is zero.
    pub fn from_amount(amount: f64) -> Self {
        if amount > 0.0 { Self::from_ln(libm::log(amount)) } else { Self::ZERO }
    }

    /// The logarithm; minus infinity for zero.
    pub const fn ln(self) -> f64 {
        self.0
    }

    /// The amount, at most the largest finite number.
    pub fn amount(self) -> f64 {
        libm::exp(self.0.min(709.0))
    }

    /// Multiplied by a factor, given as its logarithm.
    pub const fn times(self, ln_factor: f64) -> Self {
        Self::from_ln(self.0 + ln_factor)
    }

    /// The larger of two.
    pub fn larger(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// The sum of two amounts.
    pub fn plus(self, other: Self) -> Self {
        let (high, low) = if self.0 >= other.0 { (self.0, other.0) } else { (other.0, self.0) };
        // Below 2^-53 of the larger one a sum changes nothing.
        if high - low > 37.0 || low == f64::NEG_INFINITY {
            return Self(high);
        }
        Self(high + libm::log1p(libm::exp(low - high)))
    }

    /// The sum of many amounts.
    pub fn sum(all: impl Iterator<Item = Self> + Clone) -> Self {
        let high = all.clone().fold(f64::NEG_INFINITY, |high, one| high.max(one.0));
        if high == f64::NEG_INFINITY {
            return Self::ZERO;
        }
        let near = all.filter(|one| high - one.0 < 40.0);
        Self::from_ln(high + libm::log(near.map(|one| libm::exp(one.0 - high)).sum()))
    }

    /// The p-value that this evidence allows: its inverse, at most 1.
    pub fn p_value(self) -> f64 {
        libm::exp((-self.0).min(0.0))
    }
}

/// The amount for a person; what is large by its exponent.
impl fmt::Display for LogE {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self.amount() {
            large if large >= 1e5 => format!("{large:.0e}"),
            whole if whole >= 100.0 => format!("{whole:.0}"),
            small => format!("{small:.2}"),
        })
    }
}

impl PartialEq for LogE {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for LogE {}

impl Hash for LogE {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl TryFrom<Option<f64>> for LogE {
    type Error = &'static str;
    fn try_from(ln: Option<f64>) -> Result<Self, Self::Error> {
        match ln {
            None => Ok(Self::ZERO),
            Some(ln) if ln.is_finite() => Ok(Self::from_ln(ln)),
            Some(_) => Err("evidence is finite, or null for zero"),
        }
    }
}

impl From<LogE> for Option<f64> {
    fn from(log: LogE) -> Self {
        log.0.is_finite().then_some(log.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_told_as_long_as_it_says_something() {
        let told = |amount: f64| format!("{:>6}", LogE::from_amount(amount));
        assert_eq!(
            [told(0.4567), told(99.0), told(114.3), told(99_999.0)],
            ["  0.46", " 99.00", "   114", " 99999"]
        );
        assert_eq!([told(565_242.0), told(0.0)], ["   6e5", "  0.00"]);
    }

    #[test]
    fn sums_are_those_of_the_amounts_and_zero_adds_nothing() {
        let two = LogE::from_amount(2.0);
        assert!((two.plus(LogE::from_amount(3.0)).amount() - 5.0).abs() < 1e-12);
        assert_eq!(two.plus(LogE::ZERO), two);
        assert_eq!(LogE::ZERO.plus(LogE::ZERO), LogE::ZERO);
        let many = [2.0, 3.0, 0.0, 5.0].map(LogE::from_amount);
        assert!((LogE::sum(many.iter().copied()).amount() - 10.0).abs() < 1e-12);
        assert_eq!(LogE::sum(std::iter::empty()), LogE::ZERO);
    }

    #[test]
    fn there_is_no_nan_and_the_text_form_keeps_every_bit() {
        assert_eq!(LogE::from_ln(f64::NAN), LogE::ZERO);
        assert_eq!(LogE::from_ln(f64::INFINITY).times(5.0).ln().to_bits(), f64::MAX.to_bits());
        assert_eq!(LogE::ZERO.times(1e9), LogE::ZERO);
        for log in [LogE::ZERO, LogE::ONE, LogE::from_amount(0.1), LogE::from_ln(-1e-300)] {
            let text = serde_json::to_string(&log).unwrap();
            assert_eq!(serde_json::from_str::<LogE>(&text).unwrap(), log, "{text}");
        }
        assert!(serde_json::from_str::<LogE>("\"NaN\"").is_err());
    }
}
