//! How the times of a row are spread: the percentile plot of HdrHistogram's tools, with a logarithmic axis towards
//! 100 %. Must not contain markup.

use super::plot::{self, FARTHEST_THRESHOLD, Goal, Line, Plot, Scale, Tick, Vertical};
use super::view::scope_of;
use crate::report::hdr::decoded;
use crate::report::model::{Distribution, ResultDocument, Series};
use crate::report::text::clean;

/// Ends of the axis.
const FROM: f64 = 0.5;
const TO: f64 = 0.9999;
/// Points of a line.
const STEPS: usize = 72;
/// Ticks of the axis.
const SHARES: [(f64, &str); 5] =
    [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %")];

/// Shares and times in µs.
type Curve = Vec<(f64, f64)>;

/// The percentile plot of `row`; `None` when fewer than three requests say nothing about one.
pub(super) fn spread(doc: &ResultDocument, id: &str, row: &Series, about: String) -> Option<Plot> {
    let all = row.latency_us.as_ref().filter(|d| d.count > 2)?;
    let mut curves = vec![("c1", "all requests", curve(all))];
    if let Some(ok) = row.latency_ok_us.as_ref().filter(|ok| ok.count > 2 && ok.count < all.count) {
        curves.push(("c4 dash", "those that ended well", curve(ok)));
    }
    let most = curves.iter().flat_map(|c| &c.2).map(|p| p.1).fold(0.0, f64::max);
    let scale = Scale::time(most);
    let scope = match about.is_empty() {
        true => "plan".to_owned(),
        false => scope_of(row),
    };
    let (near, far): (Vec<_>, Vec<_>) =
        goals(doc, &scope).into_iter().partition(|(_, us, _)| *us <= most * FARTHEST_THRESHOLD);
    let axis = Vertical::to(near.iter().map(|g| g.1).fold(most, f64::max), scale);
    let place = |(share, us): &(f64, f64)| Some((across(*share), axis.place(*us)));
    let said = curves.iter().map(|(_, label, curve)| {
        let at = |share: f64| curve.iter().take_while(|p| p.0 <= share + 1e-9).last().map_or(0.0, |p| p.1);
        format!("{label}: 50 % within {}, 99 % within {}", scale.words(at(0.5)), scale.words(at(0.99)))
    });
    let far = far.iter().map(|(_, _, label)| format!("The threshold {label} is above the chart."));
    Some(Plot {
        id: format!("{id}-spread"),
        title: "Latency by percentile",
        about,
        description: said.collect::<Vec<_>>().join("; "),
        unit: scale.unit,
        y_ticks: axis.ticks(),
        x_ticks: SHARES.map(|(share, label)| Tick { at: across(share), label: label.into() }).into(),
        limits: vec![],
        goals: near
            .into_iter()
            .map(|(share, us, label)| Goal { x: across(share), y: axis.place(us), label })
            .collect(),
        shades: vec![],
        moments: vec![],
        caption: far.collect::<Vec<_>>().join(" "),
        zoom: None,
        lines: curves
            .iter()
            .map(|(class, label, curve)| Line {
                class,
                label: (*label).into(),
                d: plot::path(curve.iter().map(place)),
            })
            .collect(),
    })
}

/// Nines are equally far apart.
fn across(share: f64) -> f64 {
    let nines = |share: f64| (1.0 / (1.0 - share)).log10();
    plot::across((nines(share.clamp(FROM, TO)) - nines(FROM)) / (nines(TO) - nines(FROM)))
}

/// Thresholds on percentiles of latency about `scope` that are on the axis: share, µs, words.
fn goals(doc: &ResultDocument, scope: &str) -> Vec<(f64, f64, String)> {
    let of_scope = doc.thresholds.iter().filter(|t| t.scope == scope && t.unit == "s" && t.over_s.is_none());
    let goal = |t: &crate::report::model::ThresholdResult| {
        let share = percentile(&t.expression)? / 100.0;
        let us = t.target * 1e6;
        ((FROM..=TO).contains(&share) && us > 0.0).then(|| (share, us, clean(&t.expression)))
    };
    of_scope.filter_map(goal).collect()
}

/// The percentile of `p95 < 2s`.
pub(super) fn percentile(expression: &str) -> Option<f64> {
    let metric = expression.split(['<', '>', '=']).next()?.trim();
    let number =
        metric.strip_prefix("p(").and_then(|m| m.strip_suffix(')')).or_else(|| metric.strip_prefix('p'))?;
    number.parse().ok().filter(|p| (0.0..=100.0).contains(p))
}

/// From the whole histogram; from the percentiles beside it where that cannot be read.
fn curve(of: &Distribution) -> Curve {
    let max = of.max as f64;
    // Beyond it there is only the largest one.
    let last = (1.0 - 1.0 / of.count as f64).clamp(FROM, TO);
    let mut curve: Curve = match decoded(of) {
        Some(histogram) => {
            let shares: Vec<f64> = shares(last).collect();
            let times = histogram.value_at_quantiles(shares.clone());
            shares.iter().copied().zip(times.map(|us| (us as f64).min(max))).collect()
        }
        None => {
            let known = [
                (0.5, of.p50),
                (0.66, of.p66),
                (0.75, of.p75),
                (0.8, of.p80),
                (0.9, of.p90),
                (0.95, of.p95),
                (0.98, of.p98),
                (0.99, of.p99),
                (0.999, of.p99_9),
                (0.9999, of.p99_99),
            ];
            known
                .into_iter()
                .filter(|(share, _)| *share <= last)
                .map(|(share, us)| (share, us as f64))
                .collect()
        }
    };
    if last < TO {
        curve.push((last, max));
    }
    curve
}

/// From one end of the axis to `last`, equally far apart on it.
fn shares(last: f64) -> impl Iterator<Item = f64> {
    let (from, to) = ((1.0 - FROM).ln(), (1.0 - last).ln());
    (0..=STEPS).map(move |n| 1.0 - (from + (to - from) * n as f64 / STEPS as f64).exp())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

    use super::*;
    use crate::report::fixture;

    /// A row of 1 ms, 2 ms … 10 s.
    fn row() -> Series {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).unwrap();
        (1..=10_000).for_each(|n| histogram.record(n * 1000).unwrap());
        let mut encoded = vec![];
        V2DeflateSerializer::new().serialize(&histogram, &mut encoded).unwrap();
        let mut row = fixture::failing().series.swap_remove(3);
        let known = row.latency_us.take().unwrap();
        let hdr = base64::engine::general_purpose::STANDARD.encode(encoded);
        row.latency_us = Some(Distribution { count: 10_000, max: 10_000_000, hdr, ..known });
        row
    }

    #[test]
    fn the_curve_is_the_histogram() {
        let curve = curve(row().latency_us.as_ref().unwrap());
        for (share, us) in &curve {
            // Three digits, and the next value where the share falls between two.
            let exact = share * 10e6;
            assert!((us - exact).abs() <= exact * 0.001 + 1000.0, "{share}: {us}");
        }
        assert_eq!(curve.first().map(|p| p.0), Some(0.5));
        assert!(curve.last().is_some_and(|p| (p.0 - 0.9999).abs() < 1e-9));
    }

    #[test]
    fn a_damaged_histogram_leaves_the_percentiles() {
        let mut row = row();
        let latency = row.latency_us.as_mut().unwrap();
        for hdr in ["", "HISTFAAAAA==", "not base64", "HISTFAAAAAB4nA=="] {
            latency.hdr = hdr.into();
            let curve = curve(latency);
            assert_eq!(curve.len(), 10, "{hdr}");
            assert!(curve.contains(&(0.95, latency.p95 as f64)));
        }
    }

    #[test]
    fn thresholds_stand_at_their_percentile() {
        let doc = fixture::failing();
        let plot = spread(&doc, "x", &row(), "execute agent".into()).unwrap();
        let goal = &plot.goals[0];
        assert_eq!((goal.label.as_str(), goal.x), ("p95 < 2s", across(0.95)));
        assert!(
            plot.description.starts_with("all requests: 50 % within 5 s, 99 % within 9.9"),
            "{}",
            plot.description
        );
        assert_eq!(percentile("p(99.9)<200ms"), Some(99.9));
        assert_eq!(percentile("ttfb.p95 < 1s"), None);
        assert_eq!(percentile("p95 < 1s"), Some(95.0));
    }
}
