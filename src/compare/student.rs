//! Probabilities of Student's t. Must not know what is tested.

/// 97.5 % quantile of the normal distribution.
const NORMAL: f64 = 1.959_963_985;

/// Probability of a value at least as far from 0 as `t`, either way, with so many degrees of freedom (1 or more), through the
/// normal value that is as rare (Wallace, *Ann. Math. Stat.* 30, 1959): within 0.001 from 4
/// degrees on, a little too large with fewer.
pub(super) fn two_sided(t: f64, freedom: f64) -> f64 {
    let normal = stretch(freedom) * (freedom * (t * t / freedom).ln_1p()).sqrt();
    libm::erfc(normal / std::f64::consts::SQRT_2)
}

/// The `t` that 2.5 % lie above.
pub(super) fn quantile(freedom: f64) -> f64 {
    (freedom * ((NORMAL / stretch(freedom)).powi(2) / freedom).exp_m1()).sqrt()
}

fn stretch(freedom: f64) -> f64 {
    (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)
}

/// Probabilities corrected after Holm: the smallest times their number, the next times one fewer, none below the one before.
pub(super) fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let (mut corrected, mut least) = (vec![1.0; order.len()], 0.0f64);
    for (rank, at) in order.iter().enumerate() {
        least = least.max(probabilities[*at] * (order.len() - rank) as f64).min(1.0);
        corrected[*at] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_the_tables_of_the_books() {
        for (freedom, t) in [(4.0, 2.776), (10.0, 2.228), (19.0, 2.093), (39.0, 2.023), (1e6, 1.960)] {
            assert!((quantile(freedom) - t).abs() < 0.006 * t, "{freedom}: {}", quantile(freedom));
            assert!((two_sided(t, freedom) - 0.05).abs() < 0.001, "{freedom}: {}", two_sided(t, freedom));
        }
        assert!((two_sided(4.604, 4.0) - 0.01).abs() < 0.001);
        assert_eq!(two_sided(0.0, 19.0), 1.0);
    }

    #[test]
    fn holm_by_hand() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
