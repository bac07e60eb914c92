//! How long a route thinks: log-normal delays with a given 95th percentile. The draw is a pure function of a
//! counter; only [`Delay::pause`] sleeps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand_distr::LogNormal;

/// 2^64 divided by the golden ratio: one step of the additive recurrence.
const GOLDEN_STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// The standard normal's 95th percentile.
const Z_95: f64 = 1.644_853_626_951_472_2;

/// A stream of log-normal delays.
///
/// The quantiles come from the golden-ratio additive recurrence (u ← u + φ⁻¹ mod 1; Weyl 1916, Knuth vol. 3
/// §6.4), not from a random generator. Any run of n successive values covers 0..1 almost evenly, so the p95 a
/// demo of a few hundred requests measures is within about 1/n of the designed one instead of wandering by
/// ±15 %: the same demo gives the same verdict every time.
pub(super) struct Delay {
    shape: Option<LogNormal<f64>>,
    position: AtomicU64,
}

impl Delay {
    /// Delays whose 95th percentile is `p95_s` seconds; `sigma` is the spread of the logarithm. A `p95_s` of 0
    /// is no delay at all.
    pub(super) fn new(p95_s: f64, sigma: f64, seed: u64) -> Delay {
        let mu = p95_s.ln() - sigma * Z_95;
        let shape = if p95_s > 0.0 { LogNormal::new(mu, sigma).ok() } else { None };
        // Spread neighbouring seeds over the circle by a step that is not the recurrence's own.
        Delay { shape, position: AtomicU64::new(seed.wrapping_mul(0xD1B5_4A32_D192_ED03)) }
    }

    /// The next delay.
    pub(super) fn draw(&self) -> Duration {
        let Some(shape) = &self.shape else { return Duration::ZERO };
        let position = self.position.fetch_add(GOLDEN_STEP, Ordering::Relaxed);
        // 53 bits, in the middle of its cell: never 0, never 1.
        let quantile = ((position >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        Duration::from_secs_f64(shape.from_zscore(normal_quantile(quantile)))
    }

    /// Sleeps for the next delay.
    pub(super) async fn pause(&self) {
        let delay = self.draw();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }
}

/// Coefficients of [`normal_quantile`], highest power first: numerator and denominator of the centre (`A`/`B`)
/// and of the tails (`C`/`D`).
const A: [f64; 6] = [
    -3.969683028665376e+01,
    2.209460984245205e+02,
    -2.759285104469687e+02,
    1.38357751867269e+02,
    -3.066479806614716e+01,
    2.506628277459239e+00,
];
const B: [f64; 6] = [
    -5.447609879822406e+01,
    1.615858368580409e+02,
    -1.556989798598866e+02,
    6.680131188771972e+01,
    -1.328068155288572e+01,
    1.0,
];
const C: [f64; 6] = [
    -7.784894002430293e-03,
    -3.223964580411365e-01,
    -2.400758277161838e+00,
    -2.549732539343734e+00,
    4.374664141464968e+00,
    2.938163982698783e+00,
];
const D: [f64; 5] =
    [7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1.0];

/// The standard normal's quantile function for 0 < p < 1, relative error below 1.2e-9 (P. J. Acklam's rational
/// approximation, 2003).
fn normal_quantile(p: f64) -> f64 {
    let horner = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        horner(&C, q) / horner(&D, q)
    };
    if p < 0.02425 {
        tail(p)
    } else if p > 1.0 - 0.02425 {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        q * horner(&A, q * q) / horner(&B, q * q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentile(delay: &Delay, n: usize, p: f64) -> f64 {
        let mut drawn: Vec<f64> = (0..n).map(|_| delay.draw().as_secs_f64()).collect();
        drawn.sort_by(f64::total_cmp);
        drawn[((n as f64 * p).ceil() as usize).clamp(1, n) - 1]
    }

    #[test]
    fn quantiles_of_the_normal() {
        for (p, z) in [(0.5, 0.0), (0.95, Z_95), (0.99, 2.326_347_874), (0.001, -3.090_232_306)] {
            assert!((normal_quantile(p) - z).abs() < 1e-7, "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn a_short_run_sees_the_true_p95_whatever_the_seed() {
        for seed in 0..200 {
            let p95 = percentile(&Delay::new(1.4, 0.42, seed), 200, 0.95);
            assert!((1.25..1.55).contains(&p95), "seed {seed}: {p95}");
        }
    }

    #[test]
    fn half_as_slow_again_breaks_two_seconds() {
        for seed in 0..200 {
            let p95 = percentile(&Delay::new(1.4 * 1.5, 0.42, seed), 400, 0.95);
            assert!(p95 > 2.0 && p95 < 2.3, "seed {seed}: {p95}");
        }
    }

    #[test]
    fn the_median_follows_from_the_p95() {
        let p50 = percentile(&Delay::new(1.4, 0.42, 1), 1000, 0.5);
        assert!((p50 - 1.4 * (-0.42 * Z_95).exp()).abs() < 0.01, "{p50}");
    }

    #[test]
    fn no_p95_is_no_delay() {
        assert_eq!(Delay::new(0.0, 0.42, 1).draw(), Duration::ZERO);
    }
}
