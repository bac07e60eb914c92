//! Spans of seconds that may overlap, and how much of the time they cover together.

use std::ops::Range;

/// Seconds of `within` that at least one of `spans` covers. Spans that end before they begin cover nothing.
pub fn covered_s(spans: impl IntoIterator<Item = Range<f64>>, within: &Range<f64>) -> f64 {
    let cut = |span: Range<f64>| span.start.max(within.start)..span.end.min(within.end);
    let mut spans: Vec<_> = spans.into_iter().map(cut).filter(|span| span.start < span.end).collect();
    spans.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut seconds = 0.0;
    let mut reached = f64::NEG_INFINITY;
    for span in spans {
        if span.end > reached {
            seconds += span.end - span.start.max(reached);
            reached = span.end;
        }
    }
    seconds
}

/// Whether `spans` together cover all of `within`.
pub fn covers(spans: impl IntoIterator<Item = Range<f64>>, within: &Range<f64>) -> bool {
    /// Less than the clock tells apart.
    const NOTHING_S: f64 = 1e-6;
    covered_s(spans, within) >= within.end - within.start - NOTHING_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_overlap_count_once() {
        let all = 0.0..f64::INFINITY;
        for (spans, within, seconds) in [
            (vec![0.0..6.0, 4.0..6.0], all.clone(), 6.0),
            (vec![4.0..6.0, 0.0..2.0], all.clone(), 4.0),
            (vec![0.0..6.0, 2.0..3.0, 5.0..7.0], all.clone(), 7.0),
            (vec![0.0..f64::INFINITY], 3.0..4.0, 1.0),
            (vec![0.0..2.5], 2.0..3.0, 0.5),
            (vec![5.0..4.0, f64::NAN..3.0], 2.0..2.0, 0.0),
            (vec![], all, 0.0),
        ] {
            assert_eq!(covered_s(spans.clone(), &within), seconds, "{spans:?} in {within:?}");
        }
        assert!(covers([0.0..2.0, 2.0..4.0], &(1.0..4.0)));
        assert!(!covers([0.0..2.0, 2.5..4.0], &(1.0..4.0)));
    }
}
