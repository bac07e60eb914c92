//! Two versions beside each other: what was found out comes in as words, and is only set out and drawn here. Must not
//! compare, and must not contain markup.

use serde::Serialize;

use super::chart;
use super::frame::Frame;
use super::plot::Plot;
use super::points;
use super::spread;
use crate::report::model::{Distribution, ResultDocument, Series, SeriesKind};
use crate::report::number::{plural, span};
use crate::report::text::clean;

/// Rows with charts: a page is to be opened, mailed and attached.
const MOST_CHARTED: usize = 100;
/// Points of all lines together, about; and of one line.
const ALL_POINTS: u64 = 160_000;
const FEWEST: u64 = 40;
const MOST: u64 = 400;
/// Lines of a row.
const LINES: u64 = 8;
/// Rows with a change that are open when the page is.
const OPEN: usize = 3;

/// What a comparison came to, with the runs it is about.
#[derive(Debug, Clone)]
pub struct Beside<'a> {
    /// `pass`, `warn` or `fail`.
    pub class: &'static str,
    /// `✓` or `✗`.
    pub mark: &'static str,
    /// The verdict in capitals.
    pub word: &'static str,
    /// Why.
    pub reason: String,
    /// The exit code of `compare`; `None` where another verdict decides.
    pub exit_code: Option<u8>,
    /// What is compared with what, and how.
    pub head: String,
    /// Remarks a reader must see.
    pub notes: Vec<String>,
    /// Base and new.
    pub sides: [Side<'a>; 2],
    /// The totals first.
    pub rows: Vec<BesideRow<'a>>,
}

/// The runs of one side.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// Names of the files.
    pub names: Vec<String>,
    /// The results in them; never empty.
    pub docs: Vec<&'a ResultDocument>,
}

/// A row that both sides have.
#[derive(Debug, Clone)]
pub struct BesideRow<'a> {
    /// As the tables call it.
    pub label: String,
    /// The class of its worst value.
    pub class: &'static str,
    /// Its mark.
    pub mark: &'static str,
    /// Whether anything in it changed.
    pub is_changed: bool,
    /// Why it has no values.
    pub note: String,
    /// Its values.
    pub cells: Vec<BesideCell>,
    /// The row in each run of either side.
    pub series: [Vec<&'a Series>; 2],
}

/// A value of both sides, in words.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct BesideCell {
    pub metric: &'static str,
    pub base: String,
    pub new: String,
    pub change: String,
    pub interval: String,
    /// `pass`, `warn`, `fail`, or empty where nothing changed.
    pub class: &'static str,
    pub verdict: &'static str,
    pub remark: String,
}

/// The same for the template.
#[derive(Serialize)]
pub(super) struct BesideView {
    class: &'static str,
    mark: &'static str,
    word: &'static str,
    reason: String,
    exit_code: Option<u8>,
    head: String,
    notes: Vec<String>,
    runs: Vec<RunView>,
    rows: Vec<RowView>,
    /// Of several runs a side, which are drawn over time.
    drawn: String,
    /// How many rows have no charts; empty when all have.
    charts_left: String,
}

#[derive(Serialize)]
struct RunView {
    side: &'static str,
    file: String,
    plan: String,
    started: String,
    duration: String,
    requests: u64,
    plimsoll: String,
}

#[derive(Serialize)]
struct RowView {
    id: String,
    label: String,
    class: &'static str,
    mark: &'static str,
    note: String,
    cells: Vec<BesideCell>,
    plots: Vec<Plot>,
    is_open: bool,
}

impl BesideView {
    pub(super) fn of(beside: &Beside<'_>) -> Self {
        let drawn = beside.sides.each_ref().map(drawn);
        let mut changed = 0;
        let plots = plots(beside, &drawn);
        let rows = beside.rows.iter().zip(plots).enumerate().map(|(index, (row, plots))| {
            changed += usize::from(row.is_changed);
            RowView {
                id: id(index),
                label: clean(&row.label),
                class: row.class,
                mark: row.mark,
                note: clean(&row.note),
                cells: row.cells.clone(),
                is_open: !plots.is_empty() && (index == 0 || row.is_changed && changed <= OPEN),
                plots,
            }
        });
        let rows = rows.collect();
        let several = beside.sides.iter().any(|side| side.docs.len() > 1);
        let names = || {
            let name = |(side, at): (&Side<'_>, &usize)| side.names.get(*at).map(|name| clean(name));
            beside.sides.iter().zip(&drawn).filter_map(name).collect::<Vec<_>>().join(" and ")
        };
        Self {
            class: beside.class,
            mark: beside.mark,
            word: beside.word,
            reason: clean(&beside.reason),
            exit_code: beside.exit_code,
            head: clean(&beside.head),
            notes: beside.notes.iter().map(|note| clean(note)).collect(),
            runs: runs(&beside.sides),
            rows,
            drawn: match several {
                true => format!(
                    "Percentiles are of all runs of a side together; over time the runs in the middle by p95 are drawn: {}.",
                    names()
                ),
                false => String::new(),
            },
            charts_left: match beside.rows.len().saturating_sub(MOST_CHARTED) {
                0 => String::new(),
                left => format!("{} more without charts.", plural(left as u64, "row")),
            },
        }
    }
}

fn id(index: usize) -> String {
    format!("both-{index}")
}

fn runs(sides: &[Side<'_>; 2]) -> Vec<RunView> {
    let all = ["base", "new"].into_iter().zip(sides);
    let runs = all.flat_map(|(name, side)| {
        side.names.iter().zip(&side.docs).map(move |(file, doc)| RunView {
            side: name,
            file: clean(file),
            plan: clean(&doc.plan.name),
            started: clean(&doc.run.started_at),
            duration: span(doc.run.duration_s),
            requests: doc.totals.requests,
            plimsoll: clean(&doc.plimsoll),
        })
    });
    runs.collect()
}

/// The run of a side that is drawn over time: the one in the middle by p95.
fn drawn(side: &Side<'_>) -> usize {
    let p95 = |at: &usize| side.docs[*at].totals.latency_us.as_ref().map_or(0, |latency| latency.p95);
    let mut order: Vec<usize> = (0..side.docs.len()).collect();
    order.sort_by_key(p95);
    order.get((order.len().max(1) - 1) / 2).copied().unwrap_or_default()
}

/// The charts of each row; none beyond so many rows, and none without a value.
fn plots(beside: &Beside<'_>, drawn: &[usize; 2]) -> Vec<Vec<Plot>> {
    let mut all: Vec<Vec<Plot>> = beside.rows.iter().map(|_| vec![]).collect();
    let [Some(base), Some(new)] = [0, 1].map(|side| beside.sides[side].docs.get(drawn[side]).copied()) else {
        return all;
    };
    let frame = Frame::both(base, new);
    let charted: Vec<_> =
        beside.rows.iter().enumerate().filter(|(_, row)| !row.cells.is_empty()).take(MOST_CHARTED).collect();
    let most = (ALL_POINTS / LINES / charted.len().max(1) as u64).clamp(FEWEST, MOST);
    let series: Vec<&Series> = charted.iter().map(|(_, row)| any(row).unwrap_or(&base.totals)).collect();
    let [base_points, new_points] = [base, new].map(|doc| points::rows(doc, &series, most));
    let [base_whole, new_whole] = [base, new].map(|doc| points::whole(&doc.timeline));
    let mut over_time: Vec<_> = base_points.into_iter().zip(new_points).collect();
    if over_time.is_empty() {
        over_time = charted.iter().map(|_| Default::default()).collect();
    }
    let mut whole = Some((base_whole, new_whole));
    for ((index, row), rows) in charted.into_iter().zip(over_time) {
        let times = |runs: &Vec<&'_ Series>| -> Vec<Distribution> {
            runs.iter().filter_map(|row| row.latency_us.clone()).collect()
        };
        let spread = spread::both(&id(index), clean(&row.label), row.series.each_ref().map(times));
        // The totals have no row in the timeline, they are the timeline.
        let is_total = row.series.iter().flatten().any(|row| row.kind == SeriesKind::Total);
        let (base, new) = if is_total { whole.take().unwrap_or_default() } else { rows };
        let about = clean(&row.label);
        all[index] = spread.into_iter().chain(chart::both(&frame, &id(index), &about, base, new)).collect();
    }
    all
}

fn any<'r>(row: &BesideRow<'r>) -> Option<&'r Series> {
    row.series.iter().flatten().next().copied()
}
