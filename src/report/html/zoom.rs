//! The numbers of a chart over time, for its script: who looks closer sees every second of a run of an hour. Must not
//! contain markup.

use serde::{Serialize, Serializer};

use super::frame::Frame;
use super::plot::Scale;
use super::points::Point;

/// What the script draws; values divided by `divisor` are in `unit`.
#[derive(Serialize)]
pub(super) struct Zoom {
    /// Seconds of the first point, from one to the next, and of the last.
    from: Number,
    step: Number,
    to: Number,
    unit: &'static str,
    divisor: Number,
    lines: Vec<ZoomLine>,
    /// Values of the thresholds; their names are in the legend.
    limits: Vec<Number>,
    /// Class and second.
    moments: Vec<(&'static str, Number)>,
    /// Class, from and to.
    shades: Vec<(&'static str, Number, Number)>,
}

/// One line; `None` is a gap.
#[derive(Serialize)]
pub(super) struct ZoomLine {
    class: &'static str,
    label: String,
    values: Vec<Option<Number>>,
}

/// A number in as few characters as it takes: three decimals at most.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rounded = (self.0 * 1e3).round() / 1e3;
        match rounded.fract() == 0.0 && rounded.abs() < 1e15 {
            true => serializer.serialize_i64(rounded as i64),
            false => serializer.serialize_f64(rounded),
        }
    }
}

impl ZoomLine {
    pub(super) fn new(class: &'static str, label: &str, points: &[Point]) -> Self {
        let number = |value: &f64| value.is_finite().then_some(Number(*value));
        let values = points.iter().map(|(_, value)| value.as_ref().and_then(number)).collect();
        Self { class, label: label.to_owned(), values }
    }
}

impl Zoom {
    /// `lines` over the seconds of `points`; `None` when there are not two, or a line has others.
    pub(super) fn of(
        lines: Vec<ZoomLine>,
        points: &[Point],
        limits: Vec<f64>,
        frame: &Frame,
        scale: Scale,
    ) -> Option<Self> {
        let ([first, second, ..], [.., last]) = (points, points) else { return None };
        if lines.iter().any(|line| line.values.len() != points.len()) {
            return None;
        }
        let moments = frame.moments.iter().map(|m| (m.class, Number(m.at_s)));
        let spans = |(class, (from, to)): (&'static str, &(f64, f64))| (class, Number(*from), Number(*to));
        let shades = frame.shades.iter().flat_map(|s| s.spans.iter().map(|span| (s.class, span)));
        Some(Self {
            from: Number(first.0),
            step: Number(second.0 - first.0),
            to: Number(last.0),
            unit: scale.unit,
            divisor: Number(scale.divisor),
            lines,
            limits: limits.into_iter().map(Number).collect(),
            moments: moments.collect(),
            shades: shades.map(spans).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let line = ZoomLine::new(
            "c1",
            "p95",
            &[(1.0, Some(1500.0)), (2.0, None), (3.0, Some(1.0 / 3.0)), (4.0, Some(f64::NAN))],
        );
        let text = serde_json::to_string(&line).expect("JSON");
        assert_eq!(text, r#"{"class":"c1","label":"p95","values":[1500,null,0.333,null]}"#);
    }
}
