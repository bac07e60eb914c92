//! Places on an axis a reader can count in: 1, 2 or 5 of something. Must not draw.

/// Fewest seconds between marks of a time axis, by what the label counts.
const TIME_STEPS: [(f64, f64, &str); 22] = [
    (1.0, 1.0, "s"),
    (2.0, 1.0, "s"),
    (5.0, 1.0, "s"),
    (10.0, 1.0, "s"),
    (15.0, 1.0, "s"),
    (20.0, 1.0, "s"),
    (30.0, 1.0, "s"),
    (60.0, 60.0, "min"),
    (120.0, 60.0, "min"),
    (300.0, 60.0, "min"),
    (600.0, 60.0, "min"),
    (900.0, 60.0, "min"),
    (1200.0, 60.0, "min"),
    (1800.0, 60.0, "min"),
    (3600.0, 3600.0, "h"),
    (7200.0, 3600.0, "h"),
    (10_800.0, 3600.0, "h"),
    (21_600.0, 3600.0, "h"),
    (43_200.0, 3600.0, "h"),
    (86_400.0, 86_400.0, "d"),
    (172_800.0, 86_400.0, "d"),
    (604_800.0, 86_400.0, "d"),
];

/// Marks of a value axis from 0 to at least `most`, at most six of them; the last is the axis' end.
pub(super) fn values(most: f64) -> Vec<f64> {
    let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
    let rough = most / 5.0;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * decade).into_iter().find(|s| *s >= rough * 0.999);
    let step = step.unwrap_or(rough);
    let last = (most / step - 1e-9).ceil().clamp(1.0, 6.0) as usize;
    (0..=last).map(|n| n as f64 * step).collect()
}

/// Marks of a time axis from 0 to `last_s`, at most seven, with labels.
pub(super) fn times(last_s: f64) -> Vec<(f64, String)> {
    if !last_s.is_finite() || last_s <= 0.0 {
        return vec![(0.0, "0".into())];
    }
    let fits = |(step, _, _): &&(f64, f64, &str)| last_s / step <= 6.0;
    let weeks = (last_s / 6.0 / 604_800.0).ceil() * 604_800.0;
    let (step, unit_s, unit) = TIME_STEPS.iter().find(fits).copied().unwrap_or((weeks, 86_400.0, "d"));
    let marks = (last_s / step + 1e-9).floor() as usize;
    let label = |n: usize| if n == 0 { "0".into() } else { format!("{} {unit}", n as f64 * step / unit_s) };
    (0..=marks).map(|n| (n as f64 * step, label(n))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_axes() {
        assert_eq!(values(76.0), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(values(50.0), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        for most in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 0.37, 1.0, 999.0, 1e300] {
            let ticks = values(most);
            assert!((2..=7).contains(&ticks.len()), "{most}: {ticks:?}");
            assert!(!most.is_finite() || ticks[ticks.len() - 1] >= most * 0.999, "{most}: {ticks:?}");
        }
    }

    #[test]
    fn time_axes() {
        let labels = |s| times(s).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(120.0), ["0", "20 s", "40 s", "60 s", "80 s", "100 s", "120 s"]);
        assert_eq!(labels(300.0), ["0", "1 min", "2 min", "3 min", "4 min", "5 min"]);
        assert_eq!(labels(4.0 * 3600.0), ["0", "1 h", "2 h", "3 h", "4 h"]);
        for s in [0.0, f64::NAN, 1.0, 5e5, 1e9, 1.8e19] {
            assert!(times(s).len() <= 8, "{s}");
        }
    }
}
