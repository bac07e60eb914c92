//! Which charts over time there are, and what each shows. Must not contain markup.

use super::frame::Frame;
use super::plot::{self, FARTHEST_THRESHOLD, Line, Plot, Scale, Tick, Vertical};
use super::points::{Buckets, Keep, MOST, MOST_CLOSE, Point, RowPoints, thin};
use super::view::scope_of;
use super::zoom::{Zoom, ZoomLine};
use crate::report::model::{Interval, ResultDocument, Series, ThresholdResult};
use crate::report::text::{clean, cut};

/// Most rows in one chart.
const MOST_ROWS: usize = 6;
const CLASSES: [&str; MOST_ROWS] = ["c1", "c2", "c3", "c4", "c5", "c6"];

/// Lines of the earlier run, and of the later one.
pub(super) const OF_BASE: &str = "c6 dash";
pub(super) const OF_NEW: &str = "c1";

/// A line before it has a place.
struct Raw {
    class: &'static str,
    label: String,
    points: Vec<Point>,
    /// For who looks closer; may be empty.
    close: Vec<Point>,
}

/// What a chart is called and shows.
struct Spec<'a> {
    id: String,
    title: &'static str,
    about: String,
    scale: fn(f64) -> Scale,
    limits: Vec<&'a ThresholdResult>,
    /// What each point of a long run stands for.
    caption: String,
}

/// The charts about all rows together; none without a timeline.
pub(super) fn charts(doc: &ResultDocument, frame: &Frame) -> Vec<Plot> {
    if doc.timeline.is_empty() {
        return Vec::new();
    }
    [load(doc, frame), rates(doc, frame), latency(doc, frame), generator(doc, frame)]
        .into_iter()
        .flatten()
        .collect()
}

/// The two charts of one row.
pub(super) fn of_row(
    doc: &ResultDocument,
    frame: &Frame,
    id: &str,
    row: &Series,
    points: RowPoints,
) -> Vec<Plot> {
    let scope = scope_of(row);
    let about = clean(&row.name);
    let times = vec![
        line("c1", "p50", points.p50),
        line("c2", "p95", points.p95),
        line("c3 dash", "p99", points.p99),
    ];
    let counts = vec![line("c1", "requests/s", points.requests), line("bad", "failures/s", points.failures)];
    let spec = |part: &str, title, scale, limits| Spec {
        id: format!("{id}-{part}"),
        title,
        about: about.clone(),
        scale,
        limits,
        caption: String::new(),
    };
    let latency = spec("latency", "Latency", Scale::time, limits(doc, &scope));
    let rates = spec("rates", "Requests and failures", per_s, vec![]);
    [draw(frame, latency, times), draw(frame, rates, counts)].into_iter().flatten().collect()
}

/// Two runs of one row over each other.
pub(super) fn both(frame: &Frame, id: &str, about: &str, base: RowPoints, new: RowPoints) -> Vec<Plot> {
    let pair = |base, new| vec![line(OF_BASE, "base", base), line(OF_NEW, "new", new)];
    let fails = |points: &[Point]| points.iter().any(|point| point.1.is_some_and(|failures| failures > 0.0));
    let failures = (fails(&base.failures) || fails(&new.failures)).then(|| pair(base.failures, new.failures));
    let chart = |part: &str, title, scale, lines: Option<Vec<Raw>>| {
        let spec = Spec { about: about.to_owned(), ..spec(&format!("{id}-{part}"), title, scale) };
        draw(frame, spec, lines?)
    };
    let charts = [
        chart("p50", "Median latency over time", Scale::time, Some(pair(base.p50, new.p50))),
        chart("p95", "p95 latency over time", Scale::time, Some(pair(base.p95, new.p95))),
        chart("rate", "Requests over time", per_s, Some(pair(base.requests, new.requests))),
        chart("bad", "Failures over time", per_s, failures),
    ];
    charts.into_iter().flatten().collect()
}

/// p95 of the rows with the most requests; none when there are not two.
pub(super) fn by_row(frame: &Frame, rows: &[(&Series, &RowPoints)]) -> Option<Plot> {
    let mut most: Vec<_> = rows.iter().filter(|(row, _)| row.requests > 0).collect();
    most.sort_by_key(|(row, _)| std::cmp::Reverse(row.requests));
    if most.len() < 2 {
        return None;
    }
    let lines = CLASSES.into_iter().zip(&most);
    let lines: Vec<Raw> = lines
        .map(|(class, (row, points))| Raw {
            close: points.p95.clone(),
            ..line(class, &cut(&clean(&row.name), 40), points.p95.clone())
        })
        .collect();
    let caption = match most.len() > MOST_ROWS {
        true => format!("The {MOST_ROWS} endpoints with the most requests of {}.", most.len()),
        false => String::new(),
    };
    draw(frame, Spec { caption, ..spec("endpoints", "p95 latency by endpoint", Scale::time) }, lines)
}

fn line(class: &'static str, label: &str, points: Vec<Point>) -> Raw {
    Raw { class, label: label.into(), points, close: vec![] }
}

fn raw(
    doc: &ResultDocument,
    class: &'static str,
    label: &str,
    keep: Keep,
    pick: fn(&Interval) -> Option<f64>,
) -> Raw {
    let close = thin(&doc.timeline, MOST_CLOSE, keep, pick);
    Raw { close, ..line(class, label, thin(&doc.timeline, MOST, keep, pick)) }
}

fn spec<'a>(id: &str, title: &'static str, scale: fn(f64) -> Scale) -> Spec<'a> {
    Spec { id: id.into(), title, about: String::new(), scale, limits: vec![], caption: String::new() }
}

fn per_s(_: f64) -> Scale {
    Scale::plain("/s")
}

fn load(doc: &ResultDocument, frame: &Frame) -> Option<Plot> {
    let lines = vec![raw(doc, "c4", "users", Keep::Max, |i| Some(i.users as f64))];
    draw(
        frame,
        Spec { caption: kept(doc, "the largest value"), ..spec("load", "Users", |_| Scale::plain("")) },
        lines,
    )
}

fn rates(doc: &ResultDocument, frame: &Frame) -> Option<Plot> {
    let mut lines = vec![
        raw(doc, "c1", "requests/s", Keep::Mean, |i| i.rps),
        raw(doc, "bad", "failures/s", Keep::Mean, Interval::failures_per_s),
    ];
    if doc.timeline.iter().any(|i| i.offered_rps.is_some()) {
        lines.insert(0, raw(doc, "c6 dash", "arrivals due/s", Keep::Mean, |i| i.offered_rps));
    }
    draw(
        frame,
        Spec { caption: kept(doc, "the mean"), ..spec("rates", "Requests and failures", per_s) },
        lines,
    )
}

fn latency(doc: &ResultDocument, frame: &Frame) -> Option<Plot> {
    let lines = vec![
        raw(doc, "c1", "p50", Keep::Max, |i| i.p50_us.map(|us| us as f64)),
        raw(doc, "c2", "p95", Keep::Max, |i| i.p95_us.map(|us| us as f64)),
        raw(doc, "c3 dash", "p99", Keep::Max, |i| i.p99_us.map(|us| us as f64)),
    ];
    let caption = kept(doc, "the largest value");
    draw(
        frame,
        Spec { caption, limits: limits(doc, "plan"), ..spec("latency", "Latency", Scale::time) },
        lines,
    )
}

/// How late the generator itself was.
fn generator(doc: &ResultDocument, frame: &Frame) -> Option<Plot> {
    let mut lines = vec![
        raw(doc, "c1", "pacing error, p99", Keep::Max, |i| i.pacing_p99_us.map(|us| us as f64)),
        raw(doc, "c6", "event loop lag, longest", Keep::Max, |i| i.lag_max_us.map(|us| us as f64)),
    ];
    lines.retain(|line| line.points.iter().any(|p| p.1.is_some()));
    if lines.is_empty() {
        return None;
    }
    let caption = kept(doc, "the largest value");
    draw(frame, Spec { caption, ..spec("lateness", "How late the generator was", Scale::time) }, lines)
}

/// Thresholds on latency about `scope`.
fn limits<'a>(doc: &'a ResultDocument, scope: &str) -> Vec<&'a ThresholdResult> {
    // Of a phase, `ttfb.p95`, no line is drawn.
    let is_latency = |t: &&ThresholdResult| {
        let metric = t.expression.split(['<', '>', '=']).next().unwrap_or_default().trim();
        let is_phase = metric.starts_with(|c: char| c.is_ascii_alphabetic())
            && metric
                .split_once('.')
                .is_some_and(|(phase, _)| phase.chars().all(|c| c.is_ascii_alphabetic()));
        !is_phase && t.scope == scope && t.unit == "s" && limit_us(t) > 0.0
    };
    doc.thresholds.iter().filter(is_latency).collect()
}

/// µs; 0 without a limit.
fn limit_us(threshold: &ThresholdResult) -> f64 {
    threshold.target.unwrap_or_default() * 1e6
}

fn kept(doc: &ResultDocument, what: &str) -> String {
    match Buckets::of(&doc.timeline, MOST).size {
        1 => String::new(),
        s => format!("Each point is {what} of {s} seconds."),
    }
}

fn draw(frame: &Frame, spec: Spec<'_>, lines: Vec<Raw>) -> Option<Plot> {
    let values = |line: &Raw| line.points.iter().filter_map(|p| p.1).collect::<Vec<_>>();
    let most = lines.iter().flat_map(values).fold(0.0, f64::max);
    if lines.iter().all(|line| line.points.iter().all(|p| p.1.is_none())) {
        return None;
    }
    let scale = (spec.scale)(most);
    let (near, far): (Vec<_>, Vec<&ThresholdResult>) =
        spec.limits.into_iter().partition(|t| limit_us(t) <= most * FARTHEST_THRESHOLD);
    let axis = Vertical::to(near.iter().map(|t| limit_us(t)).fold(most, f64::max), scale);
    let mut said: Vec<String> =
        lines.iter().map(|l| format!("{}: {}", l.label, plot::range(values(l).into_iter(), scale))).collect();
    said.extend(frame.moments.iter().map(|moment| moment.label.clone()));
    let far = far.iter().map(|t| format!("The threshold {} is above the chart.", clean(&t.expression)));
    let caption: Vec<_> = Some(spec.caption).filter(|c| !c.is_empty()).into_iter().chain(far).collect();
    let zoom = Zoom::of(
        lines.iter().map(|l| ZoomLine::new(l.class, &l.label, &l.close)).collect(),
        lines.first().map_or(&[], |l| &l.close[..]),
        near.iter().map(|t| limit_us(t)).collect(),
        frame,
        scale,
    );
    let place = |(s, value): &Point| value.map(|v| (frame.place(*s), axis.place(v)));
    Some(Plot {
        id: spec.id,
        title: spec.title,
        about: spec.about,
        description: said.join("; "),
        unit: scale.unit,
        y_ticks: axis.ticks(),
        x_ticks: frame.ticks(),
        limits: near
            .iter()
            .map(|t| Tick { at: axis.place(limit_us(t)), label: clean(&t.expression) })
            .collect(),
        goals: vec![],
        shades: frame.shades.clone(),
        moments: frame.moments.clone(),
        caption: caption.join(" "),
        zoom,
        lines: lines
            .into_iter()
            .map(|l| Line { class: l.class, d: plot::path(l.points.iter().map(place)), label: l.label })
            .collect(),
    })
}
