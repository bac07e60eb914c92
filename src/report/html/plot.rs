//! A chart as places in a picture: lines, ticks, marks, labels, whatever its horizontal axis. The template turns them
//! into SVG. Must not contain markup.

use serde::Serialize;

use super::ticks;
use super::zoom::Zoom;
use crate::report::number;

pub(super) const WIDTH: f64 = 560.0;
pub(super) const HEIGHT: f64 = 240.0;
pub(super) const LEFT: f64 = 52.0;
pub(super) const RIGHT: f64 = 14.0;
pub(super) const TOP: f64 = 22.0;
pub(super) const BOTTOM: f64 = 28.0;
/// A threshold this many times above everything seen would flatten the lines.
pub(super) const FARTHEST_THRESHOLD: f64 = 2.5;

/// One chart.
#[derive(Serialize)]
pub(super) struct Plot {
    /// Unique on the page.
    pub id: String,
    pub title: &'static str,
    /// The row it is about; empty for all of them.
    pub about: String,
    /// What a reader who cannot see it should know.
    pub description: String,
    pub unit: &'static str,
    pub y_ticks: Vec<Tick>,
    pub x_ticks: Vec<Tick>,
    pub lines: Vec<Line>,
    /// Thresholds that hold at every place: a line across.
    pub limits: Vec<Tick>,
    /// Thresholds that hold at one place: a mark there.
    pub goals: Vec<Goal>,
    pub shades: Vec<Shade>,
    pub moments: Vec<Moment>,
    pub caption: String,
    /// Its numbers; only where more can be seen than in the picture.
    pub zoom: Option<Zoom>,
}

/// A place on an axis.
#[derive(Serialize)]
pub(super) struct Tick {
    pub at: f64,
    pub label: String,
}

/// A line; `d` is in tenths of the picture's units.
#[derive(Serialize)]
pub(super) struct Line {
    pub class: &'static str,
    pub label: String,
    pub d: String,
}

/// A point that a line should stay below.
#[derive(Serialize)]
pub(super) struct Goal {
    pub x: f64,
    pub y: f64,
    pub label: String,
}

/// Part of the time that is not like the rest.
#[derive(Clone, Serialize)]
pub(super) struct Shade {
    pub class: &'static str,
    pub label: &'static str,
    pub d: String,
    /// From and to, s.
    #[serde(skip)]
    pub spans: Vec<(f64, f64)>,
}

/// A mark on a time axis.
#[derive(Clone, Serialize)]
pub(super) struct Moment {
    pub class: &'static str,
    #[serde(skip)]
    pub at_s: f64,
    pub x: f64,
    /// When and what.
    pub label: String,
    /// What stands beside it; empty where there is no room.
    pub tag: String,
}

/// What a value is divided by to be shown in `unit`.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub unit: &'static str,
    pub divisor: f64,
}

impl Scale {
    pub(super) fn plain(unit: &'static str) -> Self {
        Self { unit, divisor: 1.0 }
    }

    /// For times of which `most` µs is the longest.
    pub(super) fn time(most: f64) -> Self {
        match most {
            most if most >= 2e6 => Self { unit: "s", divisor: 1e6 },
            most if most >= 2e3 => Self { unit: "ms", divisor: 1e3 },
            _ => Self { unit: "µs", divisor: 1.0 },
        }
    }

    /// A value in words: `1.2 ms`.
    pub(super) fn words(self, value: f64) -> String {
        format!("{} {}", label(value / self.divisor), self.unit).trim_end().to_owned()
    }
}

/// The vertical axis from 0.
pub(super) struct Vertical {
    scale: Scale,
    marks: Vec<f64>,
    end: f64,
}

impl Vertical {
    /// An axis that holds `most`.
    pub(super) fn to(most: f64, scale: Scale) -> Self {
        let marks = ticks::values(most / scale.divisor);
        let end = marks.last().copied().filter(|end| *end > 0.0).unwrap_or(1.0);
        Self { scale, marks, end }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        self.of_scaled(value / self.scale.divisor)
    }

    pub(super) fn ticks(&self) -> Vec<Tick> {
        self.marks.iter().map(|v| Tick { at: self.of_scaled(*v), label: label(*v) }).collect()
    }

    fn of_scaled(&self, value: f64) -> f64 {
        tenth(HEIGHT - BOTTOM - value / self.end * (HEIGHT - TOP - BOTTOM))
    }
}

/// `share` of the way from the left end of the horizontal axis to its right end.
pub(super) fn across(share: f64) -> f64 {
    tenth(LEFT + share * (WIDTH - LEFT - RIGHT))
}

fn tenth(v: f64) -> f64 {
    (v * 10.0).round() / 10.0
}

fn label(v: f64) -> String {
    number::value(v, "").trim_end().to_owned()
}

/// The smallest and the largest of `values` in words, or that there are none.
pub(super) fn range(values: impl Iterator<Item = f64>, scale: Scale) -> String {
    match values.fold(None, |ends: Option<(f64, f64)>, v| {
        ends.map_or(Some((v, v)), |(l, h)| Some((l.min(v), h.max(v))))
    }) {
        None => "no data".into(),
        Some((low, high)) if low == high => scale.words(low),
        Some((low, high)) => format!("{} to {}", label(low / scale.divisor), scale.words(high)),
    }
}

/// A path through `places`, in whole tenths and relative to the place before: a move for each run of known ones, a lone
/// one becomes a dot. Level stretches are one line, however many points they have.
pub(super) fn path(places: impl IntoIterator<Item = Option<(f64, f64)>>) -> String {
    let mut d = String::new();
    let mut run = Run::default();
    for place in places {
        match place {
            Some((x, y)) => run.to(&mut d, (whole(x), whole(y))),
            None => std::mem::take(&mut run).end(&mut d),
        }
    }
    run.end(&mut d);
    d
}

/// Tenths; what no picture holds is cut.
fn whole(v: f64) -> i64 {
    (v * 10.0).round().clamp(-1e6, 1e6) as i64
}

#[derive(Default)]
struct Run {
    points: usize,
    last: (i64, i64),
    /// Level way not yet drawn.
    level: i64,
    /// Whether anything but its first place is drawn.
    has_line: bool,
}

impl Run {
    fn to(&mut self, d: &mut String, here: (i64, i64)) {
        let (dx, dy) = (here.0 - self.last.0, here.1 - self.last.1);
        match (self.points, dy) {
            (0, _) => {
                d.push('M');
                pair(d, here);
            }
            (_, 0) => self.level += dx,
            _ => {
                self.flush(d);
                self.step(d, (dx, dy));
            }
        }
        self.points += 1;
        self.last = here;
    }

    fn flush(&mut self, d: &mut String) {
        if self.level != 0 {
            let level = std::mem::take(&mut self.level);
            self.step(d, (level, 0));
        }
    }

    fn step(&mut self, d: &mut String, way: (i64, i64)) {
        // After one `l`, pairs go on without it.
        if !self.has_line {
            d.push('l');
            self.has_line = true;
        }
        pair(d, way);
    }

    fn end(mut self, d: &mut String) {
        self.flush(d);
        if self.points == 1 {
            d.push_str("h1");
        }
    }
}

fn pair(d: &mut String, (x, y): (i64, i64)) {
    for n in [x, y] {
        if n >= 0 && d.ends_with(|c: char| c.is_ascii_digit()) {
            d.push(' ');
        }
        d.push_str(&n.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let path_of = |places: &[Option<(f64, f64)>]| path(places.iter().copied());
        assert_eq!(path_of(&[Some((1.0, 2.0)), Some((2.0, 1.0)), Some((3.5, 4.0))]), "M10 20l10-10 15 30");
        assert_eq!(path_of(&[Some((0.0, 0.0)), None, Some((5.0, 5.0)), None]), "M0 0h1M50 50h1");
        let level =
            [Some((0.0, 1.0)), Some((1.0, 1.0)), Some((2.0, 1.0)), Some((3.0, 0.0)), Some((4.0, 0.0))];
        assert_eq!(path_of(&level), "M0 10l20 0 10-10 10 0", "level stretches are one line");
        assert_eq!(path_of(&[Some((f64::MAX, f64::MIN)), Some((f64::NAN, 0.0))]).matches('M').count(), 1);
        assert_eq!(path_of(&[]), "");
    }

    #[test]
    fn places_are_where_the_value_is() {
        let axis = Vertical::to(4e6, Scale::time(4e6));
        assert_eq!(axis.place(0.0), HEIGHT - BOTTOM);
        assert_eq!(axis.place(4e6), TOP);
        assert_eq!(axis.ticks().last().map(|t| t.label.as_str()), Some("4"));
        assert_eq!((across(0.0), across(1.0)), (LEFT, WIDTH - RIGHT));
    }
}
