//! From what chance has to say to verdicts. Must not compute probabilities.

use crate::report::number::{self, plural};

use super::few::mean;
use super::rank;
use super::rows::{Pair, Told, Values};
use super::{Cell, Metric, Row, Verdict};

/// A change of so many margins should have been found; where it could not have been, nothing is said.
const LARGE: f64 = 4.0;
/// The same of an error ratio, at least: one request in a hundred.
const LARGE_RATIO: f64 = 0.01;

/// A row with its verdicts.
pub(super) fn row(pair: Pair<'_>, margin: f64) -> Row {
    let Pair { name, label, kind, scenario, note, values, .. } = pair;
    let mut cells: Vec<Cell> = values.iter().map(|values| cell(values, margin)).collect();
    let more_fail =
        cells.iter().any(|cell| cell.metric == Metric::ErrorRatio && cell.verdict == Verdict::Worse);
    for cell in cells.iter_mut().filter(|cell| more_fail && cell.verdict == Verdict::Better) {
        cell.verdict = Verdict::NotComparable;
        cell.note = Some("more requests fail: failing fast is no gain".to_owned());
    }
    Row { name, label, kind, scenario, cells, note }
}

fn cell(values: &Values, margin: f64) -> Cell {
    let [base, new] = values.scaled();
    let is_known = !base.is_empty() && !new.is_empty();
    let value = |scaled: &[f64]| is_known.then(|| unscaled(values.metric, mean(scaled)));
    let (base_value, new_value) = (value(&base), value(&new));
    let change = is_known.then(|| relative(values.metric, mean(&new) - mean(&base)));
    let told = values.told.as_ref();
    let margin = margin_of(values.metric, base_value, margin);
    let interval = told.map(|told| told.interval.map(|limit| relative(values.metric, limit)));
    let verdict = match (told, change, interval) {
        (Some(told), Some(change), Some(interval)) => verdict(values.metric, told, change, interval, margin),
        _ => Verdict::NotComparable,
    };
    let several = base.len() > 1 && new.len() > 1 && told.is_some();
    Cell {
        metric: values.metric,
        base: base_value,
        new: new_value,
        change,
        interval,
        p_value: told.map(|told| told.p_value),
        higher_in: several.then(|| [rank::higher_in(&base, &new), (base.len() * new.len()) as f64]),
        verdict,
        note: values.lacks.clone(),
    }
}

fn verdict(metric: Metric, told: &Told, change: f64, interval: [f64; 2], margin: f64) -> Verdict {
    if told.is_significant && change.abs() >= margin && change != 0.0 {
        let is_worse = (change > 0.0) != (metric == Metric::Rps);
        return if is_worse { Verdict::Worse } else { Verdict::Better };
    }
    // A few failures more or less are always a large share of few.
    let is_seen = change.abs() >= margin && metric != Metric::ErrorRatio;
    match is_seen || is_wide(metric, interval, margin) {
        true => Verdict::Unclear,
        false => Verdict::Same,
    }
}

/// Whether even a large change could not have been found; `margin` in the unit of the change.
fn is_wide(metric: Metric, interval: [f64; 2], margin: f64) -> bool {
    let large = match metric {
        Metric::ErrorRatio => (LARGE * margin).max(LARGE_RATIO),
        _ => LARGE * margin,
    };
    interval.iter().any(|limit| limit.abs() > large)
}

/// The margin in the unit of the change.
fn margin_of(metric: Metric, base: Option<f64>, margin: f64) -> f64 {
    if metric == Metric::ErrorRatio { margin * base.unwrap_or(0.0) } else { margin }
}

fn unscaled(metric: Metric, scaled: f64) -> f64 {
    if metric == Metric::ErrorRatio { scaled } else { scaled.exp() }
}

/// A difference of scaled values as a change.
fn relative(metric: Metric, difference: f64) -> f64 {
    if metric == Metric::ErrorRatio { difference } else { difference.exp_m1() }
}

/// The verdict over all rows, and why.
pub(super) fn whole(rows: &[Row], margin: f64) -> (Verdict, String) {
    let of = |verdict: Verdict| -> Vec<(&Row, &Cell)> {
        let all = rows.iter().flat_map(|row| row.cells.iter().map(move |cell| (row, cell)));
        all.filter(|(_, cell)| cell.verdict == verdict).collect()
    };
    let (better, worse) = (of(Verdict::Better), of(Verdict::Worse));
    let [same, unclear] = [Verdict::Same, Verdict::Unclear].map(|verdict| of(verdict).len());
    let told = plural((better.len() + worse.len() + same + unclear) as u64, "value");
    let others = match unclear {
        0 => String::new(),
        n => format!("; {} unclear", plural(n as u64, "value")),
    };
    if let Some((row, cell)) = foremost(&worse) {
        let gains = if better.is_empty() { String::new() } else { format!(", {} better", better.len()) };
        let reason = format!("{} ({} of {told} worse{gains}{others})", words(row, cell), worse.len());
        return (Verdict::Worse, reason);
    }
    if let Some((row, cell)) = foremost(&better) {
        return (
            Verdict::Better,
            format!("{} ({} of {told} better{others})", words(row, cell), better.len()),
        );
    }
    let cells = rows.iter().flat_map(|row| &row.cells);
    let wide = cells.filter(|cell| {
        let margin = margin_of(cell.metric, cell.base, margin);
        cell.interval.is_some_and(|interval| is_wide(cell.metric, interval, margin))
    });
    let wide = wide.count();
    if 2 * wide > same + unclear {
        let reason = format!(
            "{wide} of {told} too noisy to tell; longer runs, or several a side in turn on a quieter machine, tell more"
        );
        return (Verdict::Unclear, reason);
    }
    if same + unclear > 0 {
        return (Verdict::Same, format!("no change found in {}{others}", plural(same as u64, "value")));
    }
    let lacks = rows
        .iter()
        .find_map(|row| row.cells.iter().find_map(|cell| cell.note.as_ref()).or(row.note.as_ref()));
    (Verdict::NotComparable, format!("too little data: {}", lacks.map_or("no rows", String::as_str)))
}

/// The one to name: an error ratio says more than a time; else the largest change does.
fn foremost<'r>(cells: &[(&'r Row, &'r Cell)]) -> Option<(&'r Row, &'r Cell)> {
    let size = |cell: &Cell| match cell.metric {
        Metric::ErrorRatio => f64::MAX,
        // As it is shown: rounding does not choose.
        _ => cell.change.map_or(0.0, |change| (change.abs() * 1e3).round()),
    };
    cells.iter().copied().reduce(|first, next| if size(next.1) > size(first.1) { next } else { first })
}

/// `p95 of "list agents" 145 ms → 190 ms (+31.0 %)`.
fn words(row: &Row, cell: &Cell) -> String {
    let value =
        |value: Option<f64>| value.map_or_else(|| number::NONE.to_owned(), |value| shown(cell.metric, value));
    let change =
        cell.change.map_or_else(String::new, |change| format!(" ({})", change_shown(cell.metric, change)));
    format!("{} of \"{}\" {} → {}{change}", name(cell.metric), row.label, value(cell.base), value(cell.new))
}

/// The metric in words.
pub fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::P50 => "p50",
        Metric::P95 => "p95",
        Metric::P99 => "p99",
        Metric::Mean => "mean",
        Metric::ErrorRatio => "errors",
        Metric::Rps => "req/s",
    }
}

/// A value in its unit.
pub fn shown(metric: Metric, value: f64) -> String {
    match metric {
        Metric::P50 | Metric::P95 | Metric::P99 | Metric::Mean => number::seconds(value / 1e6),
        Metric::ErrorRatio => number::value(value, "ratio"),
        Metric::Rps => number::value(value, "1/s"),
    }
}

/// A change in percent, of an error ratio in percentage points.
pub fn change_shown(metric: Metric, change: f64) -> String {
    let percent = change * 100.0;
    match metric {
        Metric::ErrorRatio => format!("{} pp", signed(percent, 2)),
        _ => format!("{} %", signed(percent, 1)),
    }
}

fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:+.decimals$}");
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.' | '+' | '-'));
    if is_zero { text.trim_start_matches(['+', '-']).to_owned() } else { text.replace('-', "−") }
}
