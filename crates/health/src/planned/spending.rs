//! How much of alpha may be spent up to a part of the planned requests.

use serde::{Deserialize, Serialize};

use super::normal::{above, upper_quantile};

/// A spending function; one-sided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spending {
    /// 2 - 2 Phi(z(alpha/2) / sqrt t): little at first, so that the last boundary is nearly that of a single look.
    #[default]
    ObrienFleming,
    /// alpha ln(1 + (e - 1) t): about the same at each look, so that a large regression ends it soon.
    Pocock,
}

impl Spending {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ObrienFleming, Self::Pocock];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ObrienFleming => "obrien_fleming",
            Self::Pocock => "pocock",
        }
    }

    /// What may be spent up to `part` of the plan; all of `alpha` at its end.
    pub fn spent(self, alpha: f64, part: f64) -> f64 {
        let part = part.min(1.0);
        if part <= 0.0 {
            return 0.0;
        }
        match self {
            Self::ObrienFleming => 2.0 * above(upper_quantile(alpha / 2.0) / libm::sqrt(part)),
            Self::Pocock => alpha * libm::log1p((std::f64::consts::E - 1.0) * part),
        }
    }
}
