//! The regularised incomplete beta function and Student's distribution.
//!
//! Source: Lentz's continued fraction as in Abramowitz and Stegun 26.5.8; 26.7.1 for Student.

/// Steps of the continued fraction; it ends after a few dozen for the arguments used here.
const STEPS: u32 = 500;

fn front(a: f64, b: f64, x: f64) -> f64 {
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    libm::exp(a * libm::log(x) + b * libm::log1p(-x) - log_beta)
}

/// The continued fraction 1 / (1 + d1 / (1 + d2 / (1 + ...))), from the front.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let guard = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut upper = 1.0;
    let mut lower = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut value = lower;
    for step in 1..=STEPS {
        let n = f64::from(step);
        let even = n * (b - n) * x / ((a + 2.0 * n - 1.0) * (a + 2.0 * n));
        let odd = -(a + n) * (a + b + n) * x / ((a + 2.0 * n) * (a + 2.0 * n + 1.0));
        let mut change = 1.0;
        for coefficient in [even, odd] {
            lower = 1.0 / guard(1.0 + coefficient * lower);
            upper = guard(1.0 + coefficient / upper);
            change = lower * upper;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// I_x(a, b) for a, b > 0; x is clamped to 0..1.
pub fn beta_regularised(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        0.0
    } else if x >= 1.0 {
        1.0
    } else if x < (a + 1.0) / (a + b + 2.0) {
        front(a, b, x) * fraction(a, b, x) / a
    } else {
        1.0 - front(b, a, 1.0 - x) * fraction(b, a, 1.0 - x) / b
    }
}

/// P(T > t) for Student's distribution with so many degrees of freedom.
pub fn student_upper(t: f64, degrees: f64) -> f64 {
    let tail = 0.5 * beta_regularised(degrees / 2.0, 0.5, degrees / (degrees + t * t));
    if t >= 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::{beta_regularised, student_upper};

    #[test]
    fn beta_is_right_where_it_has_a_closed_form() {
        // I_x(1, b) = 1 - (1-x)^b; I_x(a, 1) = x^a; I_x(2, 2) = x^2 (3 - 2x).
        for x in [0.01, 0.2, 0.5, 0.9] {
            assert!((beta_regularised(1.0, 3.0, x) - (1.0 - (1.0_f64 - x).powi(3))).abs() < 1e-13);
            assert!((beta_regularised(5.0, 1.0, x) - x.powi(5)).abs() < 1e-13);
            assert!((beta_regularised(2.0, 2.0, x) - x * x * (3.0 - 2.0 * x)).abs() < 1e-13);
        }
    }

    #[test]
    fn student_has_the_critical_values_of_the_tables() {
        // One-sided 5 %, 2.5 % and 1 % points of the usual tables (to three digits after the point).
        let rows = [(6.314, 1.0, 0.05), (2.228, 10.0, 0.025), (2.457, 30.0, 0.01), (1.660, 100.0, 0.05)];
        for (t, degrees, p) in rows {
            assert!((student_upper(t, degrees) - p).abs() < 1e-4, "{t} {degrees}");
            assert!((student_upper(-t, degrees) - (1.0 - p)).abs() < 1e-4);
        }
    }
}
