//! Sample values that must be whole numbers, and bucket bounds that must be whole microseconds.

/// Largest number up to which every whole number has a float of its own: 2^53.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Why a value is not a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWhole {
    /// Not a number at all.
    #[error("NaN")]
    NaN,
    /// Plus or minus infinity.
    #[error("infinite")]
    Infinite,
    /// Below zero.
    #[error("negative")]
    Negative,
    /// With a fraction.
    #[error("fractional")]
    Fractional,
    /// So large that whole numbers are no longer exact, or larger than its place.
    #[error("too large")]
    TooLarge,
}

/// The value as a whole number.
pub(crate) fn whole(value: f64) -> Result<u64, NotWhole> {
    match value {
        value if value.is_nan() => Err(NotWhole::NaN),
        value if value.is_infinite() => Err(NotWhole::Infinite),
        value if value < 0.0 => Err(NotWhole::Negative),
        value if value > MAX_EXACT => Err(NotWhole::TooLarge),
        value if value.fract() != 0.0 => Err(NotWhole::Fractional),
        value => Ok(value as u64),
    }
}

/// The value as a whole number of 32 bits.
pub(crate) fn whole32(value: f64) -> Result<u32, NotWhole> {
    u32::try_from(whole(value)?).map_err(|_| NotWhole::TooLarge)
}

/// An upper bound in seconds as microseconds; `+Inf` is `u64::MAX`.
pub(crate) fn micros(seconds: f64) -> Result<u64, NotWhole> {
    if seconds == f64::INFINITY {
        return Ok(u64::MAX);
    }
    let exact = seconds * 1e6;
    let rounded = exact.round();
    // Decimal seconds are rarely exact in binary: the error is some 1e-16 of the value, far below this.
    if (exact - rounded).abs() > 1e-3 {
        return Err(NotWhole::Fractional);
    }
    whole(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_pass() {
        assert_eq!(whole(0.0), Ok(0));
        assert_eq!(whole(-0.0), Ok(0));
        assert_eq!(whole(9_007_199_254_740_992.0), Ok(1 << 53));
        let refused = [
            (f64::NAN, NotWhole::NaN),
            (f64::INFINITY, NotWhole::Infinite),
            (f64::NEG_INFINITY, NotWhole::Infinite),
            (-1.0, NotWhole::Negative),
            (0.5, NotWhole::Fractional),
            (1e17, NotWhole::TooLarge),
        ];
        for (value, why) in refused {
            assert_eq!(whole(value), Err(why), "{value}");
        }
        assert_eq!(whole32(4_294_967_296.0), Err(NotWhole::TooLarge));
    }

    #[test]
    fn bounds_in_seconds_become_microseconds() {
        for (seconds, expected) in
            [(0.005, 5_000), (0.1, 100_000), (2.5, 2_500_000), (0.000_001, 1), (0.0, 0)]
        {
            assert_eq!(micros(seconds), Ok(expected), "{seconds}");
        }
        assert_eq!(micros(f64::INFINITY), Ok(u64::MAX));
        assert_eq!(micros(0.000_000_5), Err(NotWhole::Fractional));
        assert_eq!(micros(-1.0), Err(NotWhole::Negative));
        assert_eq!(micros(f64::NAN), Err(NotWhole::NaN));
    }
}
