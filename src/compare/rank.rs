//! Mann and Whitney's U (*Ann. Math. Stat.* 18, 1947): in how many pairs of runs the new one is higher, and the interval
//! of the shift that goes with it (Hodges and Lehmann, *Ann. Math. Stat.* 34, 1963). Must not know what the values are.

/// Pairs in which the second is higher, ties being half.
pub(super) fn higher_in(base: &[f64], new: &[f64]) -> f64 {
    let score = |(b, n): (f64, f64)| f64::from(u8::from(n > b)) + 0.5 * f64::from(u8::from(n == b));
    base.iter().flat_map(|b| new.iter().map(move |n| (*b, *n))).map(score).sum()
}

/// The 95 % interval of the shift from `base` to `new`: differences of pairs without the outermost, as many as U allows
/// at 2.5 % either way. `None` with so few that not even all of them make 95 %.
pub(super) fn interval(base: &[f64], new: &[f64]) -> Option<[f64; 2]> {
    let mut differences: Vec<f64> = base.iter().flat_map(|b| new.iter().map(move |n| n - b)).collect();
    differences.sort_by(f64::total_cmp);
    let ways = ways(base.len(), new.len());
    let all: f64 = ways.iter().sum();
    let mut below = 0.0;
    let outer = ways.iter().take_while(|count| {
        below += *count;
        below <= 0.025 * all
    });
    let cut = outer.count().checked_sub(1)?;
    Some([*differences.get(cut)?, *differences.get(differences.len() - 1 - cut)?])
}

/// In how many orders of `m` and `n` values U is 0, 1, 2, …, up to `m · n`, by the coefficients of Gauss's binomial.
fn ways(m: usize, n: usize) -> Vec<f64> {
    let most = m * n;
    let mut ways = vec![0.0; most + 1];
    ways[0] = 1.0;
    for i in 1..=m {
        // times 1 − x^(n + i), then through 1 − x^i
        for u in (n + i..=most).rev() {
            ways[u] -= ways[u - n - i];
        }
        for u in i..=most {
            ways[u] += ways[u - i];
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_like_the_tables() {
        assert_eq!(ways(2, 2), [1.0, 1.0, 2.0, 1.0, 1.0]);
        assert_eq!(ways(5, 5).iter().sum::<f64>(), 252.0);
        assert_eq!(ways(5, 5)[..4], [1.0, 1.0, 2.0, 3.0]);
        assert_eq!(ways(3, 7).iter().sum::<f64>(), 120.0);
    }

    #[test]
    fn intervals_leave_out_what_the_tables_leave_out() {
        let base = [0.0, 0.0, 0.0, 0.0, 0.0];
        let new = [1.0, 2.0, 3.0, 4.0, 5.0];
        // The critical value for five and five at 5 % is 2; each difference is there five times.
        assert_eq!(interval(&base, &new), Some([1.0, 5.0]));
        let spread = [0.0, 0.1, 0.2, 0.3, 0.4];
        // Sorted: 0.6, 0.7, 0.8 … 4.8, 4.9, 5.0
        let [low, high] = interval(&spread, &new).unwrap();
        assert!((low - 0.8).abs() < 1e-9 && (high - 4.8).abs() < 1e-9, "{low} {high}");
        assert_eq!(interval(&base[..3], &new[..3]), None);
        assert_eq!(higher_in(&[1.0, 2.0], &[2.0, 3.0]), 3.5);
    }
}
