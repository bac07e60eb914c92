//! How well a sum over time blocks of dependent samples is known. Must not know what was measured.

/// Above this an estimated autocorrelation says only that it is high.
const MOST_ALIKE: f64 = 0.9;

/// Variance of the sum of these residuals of blocks in the order of time, their mean being 0. Blocks that are alike widen it by
/// (1 + φ) / (1 − φ), φ being their lag-one autocorrelation (Tafazzoli, Wilson, Lada and Steiger, *Skart*, INFORMS J.
/// Computing 23, 2011). 0 of fewer than two blocks, and of blocks that do not differ.
pub fn variance_of_sum(residuals: &[f64]) -> f64 {
    let squares: f64 = residuals.iter().map(|r| r * r).sum();
    if residuals.len() < 2 || squares <= 0.0 {
        return 0.0;
    }
    let neighbours: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let alike = (neighbours / squares).clamp(0.0, MOST_ALIKE);
    let blocks = residuals.len() as f64;
    blocks / (blocks - 1.0) * squares * (1.0 + alike) / (1.0 - alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_are_alike_tell_less() {
        let apart = [1.0, -1.0, 1.0, -1.0];
        assert!((variance_of_sum(&apart) - 4.0 / 3.0 * 4.0).abs() < 1e-9);
        let alike = [1.0, 1.0, -1.0, -1.0];
        // φ = (1 - 1 + 1) / 4
        assert!((variance_of_sum(&alike) - 16.0 / 3.0 * 1.25 / 0.75).abs() < 1e-9);
        assert_eq!(variance_of_sum(&[0.0; 9]), 0.0);
        assert_eq!(variance_of_sum(&[1.0]), 0.0);
    }
}
