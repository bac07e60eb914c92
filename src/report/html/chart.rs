//! Charts over time as places in a picture: paths, marks, labels. The template turns them into SVG.
//! Must not contain markup.

use serde::Serialize;

use super::points::{self, Keep, Point, thin};
use super::ticks;
use crate::report::model::{Interval, ResultDocument, SeriesKind, ThresholdResult};
use crate::report::number;
use crate::report::text::{clean, cut};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 28.0;
/// Most endpoints in one chart.
const MOST_ENDPOINTS: usize = 6;
/// A threshold this many times above everything seen would flatten the lines.
const FARTHEST_THRESHOLD: f64 = 2.5;

/// One chart.
#[derive(Serialize)]
pub(super) struct Chart {
    id: &'static str,
    title: &'static str,
    /// What a reader who cannot see it should know.
    description: String,
    unit: &'static str,
    y_ticks: Vec<Tick>,
    x_ticks: Vec<Tick>,
    lines: Vec<Line>,
    limits: Vec<Tick>,
    caption: String,
}

#[derive(Serialize)]
struct Tick {
    at: f64,
    label: String,
}

#[derive(Serialize)]
struct Line {
    class: &'static str,
    label: String,
    d: String,
}

/// A line before it has a place.
struct Raw {
    class: &'static str,
    label: String,
    points: Vec<Point>,
}

/// The charts of `doc`; none without a timeline.
pub(super) fn charts(doc: &ResultDocument) -> Vec<Chart> {
    if doc.timeline.is_empty() {
        return Vec::new();
    }
    [rates(doc), users(doc), latency(doc), endpoints(doc)].into_iter().flatten().collect()
}

fn raw(
    doc: &ResultDocument,
    class: &'static str,
    label: &str,
    keep: Keep,
    pick: fn(&Interval) -> Option<f64>,
) -> Raw {
    Raw { class, label: label.into(), points: thin(&doc.timeline, keep, pick) }
}

fn rates(doc: &ResultDocument) -> Option<Chart> {
    let mut lines = vec![
        raw(doc, "c1", "requests/s", Keep::Mean, |i| Some(i.rps)),
        raw(doc, "bad", "failures/s", Keep::Mean, |i| Some(i.failures as f64)),
    ];
    if doc.timeline.iter().any(|i| i.offered_rps.is_some()) {
        lines.insert(0, raw(doc, "c6 dash", "due/s", Keep::Mean, |i| i.offered_rps));
    }
    Chart::new(doc, ("rates", "Requests and failures"), Scale::plain("/s"), lines, &[], "the mean")
}

fn users(doc: &ResultDocument) -> Option<Chart> {
    let lines = vec![raw(doc, "c4", "users", Keep::Max, |i| Some(i.users as f64))];
    Chart::new(doc, ("users", "Users"), Scale::plain(""), lines, &[], "the largest value")
}

fn latency(doc: &ResultDocument) -> Option<Chart> {
    let lines = vec![
        raw(doc, "c1", "p50", Keep::Max, |i| i.p50_us.map(|us| us as f64)),
        raw(doc, "c2", "p95", Keep::Max, |i| i.p95_us.map(|us| us as f64)),
        raw(doc, "c3 dash", "p99", Keep::Max, |i| i.p99_us.map(|us| us as f64)),
    ];
    let limits: Vec<&ThresholdResult> =
        doc.thresholds.iter().filter(|t| t.scope == "plan" && t.unit == "s" && t.target > 0.0).collect();
    Chart::new(doc, ("latency", "Latency"), Scale::time(&lines), lines, &limits, "the largest value")
}

fn endpoints(doc: &ResultDocument) -> Option<Chart> {
    let mut rows: Vec<_> =
        doc.series.iter().filter(|s| s.kind == SeriesKind::Endpoint && s.requests > 0).collect();
    rows.sort_by_key(|s| std::cmp::Reverse(s.requests));
    let names: std::collections::BTreeSet<&str> =
        doc.timeline.iter().flat_map(|i| i.per_series.keys()).map(|k| k.as_str()).collect();
    rows.retain(|s| names.contains(s.name.as_str()));
    if rows.len() < 2 {
        return None;
    }
    let line = |(class, name): (&'static str, &str)| Raw {
        class,
        label: cut(&clean(name), 40),
        points: thin(&doc.timeline, Keep::Max, |i| {
            i.per_series.get(name).filter(|s| s.requests > 0).map(|s| s.p95_us as f64)
        }),
    };
    let classes: [&'static str; MOST_ENDPOINTS] = ["c1", "c2", "c3", "c4", "c5", "c6"];
    let lines: Vec<Raw> = classes.into_iter().zip(rows.iter().map(|s| s.name.as_str())).map(line).collect();
    let mut chart = Chart::new(
        doc,
        ("endpoints", "p95 latency by endpoint"),
        Scale::time(&lines),
        lines,
        &[],
        "the largest value",
    )?;
    if rows.len() > MOST_ENDPOINTS {
        chart.caption +=
            &format!(" The {MOST_ENDPOINTS} endpoints with the most requests of {}.", rows.len());
    }
    Some(chart)
}

/// What a value is divided by to be shown in `unit`.
#[derive(Clone, Copy)]
struct Scale {
    unit: &'static str,
    divisor: f64,
}

impl Scale {
    fn plain(unit: &'static str) -> Self {
        Self { unit, divisor: 1.0 }
    }

    /// For lines in µs.
    fn time(lines: &[Raw]) -> Self {
        match largest(lines) {
            most if most >= 2e6 => Self { unit: "s", divisor: 1e6 },
            most if most >= 2e3 => Self { unit: "ms", divisor: 1e3 },
            _ => Self { unit: "µs", divisor: 1.0 },
        }
    }
}

fn largest(lines: &[Raw]) -> f64 {
    lines.iter().flat_map(|l| &l.points).filter_map(|p| p.1).fold(0.0, f64::max)
}

impl Chart {
    fn new(
        doc: &ResultDocument,
        (id, title): (&'static str, &'static str),
        scale: Scale,
        lines: Vec<Raw>,
        limits: &[&ThresholdResult],
        kept: &str,
    ) -> Option<Self> {
        let most = largest(&lines);
        let (near, far): (Vec<&ThresholdResult>, Vec<&ThresholdResult>) =
            limits.iter().copied().partition(|t| most > 0.0 && t.target * 1e6 <= most * FARTHEST_THRESHOLD);
        let top = near.iter().map(|t| t.target * 1e6).fold(most, f64::max) / scale.divisor;
        let marks = ticks::values(top);
        let end = *marks.last()?;
        let last_s = points::last_s(&doc.timeline).max(1.0);
        let x = |s: f64| tenth(LEFT + s / last_s * (WIDTH - LEFT - RIGHT));
        let y = |v: f64| tenth(HEIGHT - BOTTOM - v / end * (HEIGHT - TOP - BOTTOM));
        let limit = |t: &&ThresholdResult| Tick {
            at: y(t.target * 1e6 / scale.divisor),
            label: clean(&t.expression),
        };
        let times = ticks::times(last_s).into_iter();
        Some(Self {
            id,
            title,
            description: describe(&lines, scale),
            unit: scale.unit,
            y_ticks: marks.iter().map(|v| Tick { at: y(*v), label: tick_label(*v) }).collect(),
            x_ticks: times.map(|(s, label)| Tick { at: x(s), label }).collect(),
            limits: near.iter().map(limit).collect(),
            caption: caption(doc, kept, &far),
            lines: lines
                .into_iter()
                .map(|l| Line { d: path(&l.points, x, |v| y(v / scale.divisor)), ..l.into() })
                .collect(),
        })
    }
}

impl From<Raw> for Line {
    fn from(raw: Raw) -> Self {
        Self { class: raw.class, label: raw.label, d: String::new() }
    }
}

fn tenth(v: f64) -> f64 {
    (v * 10.0).round() / 10.0
}

fn tick_label(v: f64) -> String {
    number::value(v, "").trim_end().to_owned()
}

/// A move for each run of known values, lines between them; a lone value becomes a dot.
fn path(points: &[Point], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut d = String::new();
    let mut drawing = 0;
    for (s, value) in points {
        match value {
            Some(v) => {
                d += &format!("{}{} {}", if drawing == 0 { 'M' } else { 'L' }, x(*s), y(*v));
                drawing += 1;
            }
            None => {
                d += if drawing == 1 { "h.1" } else { "" };
                drawing = 0;
            }
        }
    }
    d + if drawing == 1 { "h.1" } else { "" }
}

fn describe(lines: &[Raw], scale: Scale) -> String {
    let of = |line: &Raw| {
        let known: Vec<f64> = line.points.iter().filter_map(|p| p.1).collect();
        match known.is_empty() {
            true => format!("{}: no data", line.label),
            false => {
                let (low, high) = known.iter().fold((f64::MAX, 0f64), |(l, h), v| (l.min(*v), h.max(*v)));
                let [low, high] = [low, high].map(|v| tick_label(v / scale.divisor));
                format!("{} from {low} to {high} {}", line.label, scale.unit).trim_end().to_owned()
            }
        }
    };
    lines.iter().map(of).collect::<Vec<_>>().join("; ")
}

fn caption(doc: &ResultDocument, kept: &str, far: &[&ThresholdResult]) -> String {
    let mut parts = Vec::new();
    match points::bucket_s(&doc.timeline) {
        1 => {}
        s => parts.push(format!("Each point is {kept} of {s} seconds.")),
    }
    for threshold in far {
        parts.push(format!("The threshold {} is above the chart.", clean(&threshold.expression)));
    }
    parts.join(" ")
}
