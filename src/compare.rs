//! Whether one version is slower than another: the results of runs of the one beside those of the other. A function of
//! two lists of result documents; must not read files, print, or know how it is shown.
//!
//! `like` tells whether the runs can be compared at all, `rows` takes the values out of the documents. With four or
//! more runs a side `labels` judges how the runs differ; with fewer, `few` has to go by how the seconds of a run
//! differ (`blocks`). `judge` makes verdicts of both.

pub mod baseline;
mod blocks;
mod disturbed;
mod few;
mod judge;
mod labels;
mod like;
pub mod markdown;
pub mod page;
mod rank;
mod rows;
mod student;
pub mod table;
mod texts;

pub use like::{after_the_run, not_a_baseline, unfit};

use serde::Serialize;

use crate::report::model::{ResultDocument, SeriesKind};

/// A run and what to call it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The file's name, for remarks.
    pub name: String,
    /// What it came to.
    pub doc: ResultDocument,
}

/// What the user decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Changes below this share of the base value are trifles.
    pub margin: f64,
    /// Compare even what cannot be compared.
    pub force: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { margin: 0.05, force: false }
    }
}

/// What the comparison came to, of one value or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Better beyond chance and margin.
    Better,
    /// No such change was found.
    Same,
    /// Worse beyond chance and margin.
    Worse,
    /// A change that chance may have made, or even a large one could not have been found; of all, the latter in most values.
    Unclear,
    /// There is nothing to compare, or it would mislead.
    NotComparable,
}

/// A value that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Median latency, µs.
    P50,
    /// 95 %, µs.
    P95,
    /// 99 %, µs.
    P99,
    /// Mean latency, µs.
    Mean,
    /// Failures / requests.
    ErrorRatio,
    /// Requests a second.
    Rps,
}

/// One value of one row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// Which value.
    pub metric: Metric,
    /// In the unit of the metric; of several runs the geometric mean, of an error ratio the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<f64>,
    /// The same of the new runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<f64>,
    /// (new − base) / base; of an error ratio new − base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
    /// Where the change of another such comparison would be: 95 %, each value for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Probability of such a change without a cause, corrected for the number of values compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// In so many of so many pairs of a base and a new run the new one is higher, ties being half (Mann–Whitney's U).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub higher_in: Option<[f64; 2]>,
    /// What it came to.
    pub verdict: Verdict,
    /// Why, where that is not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A row of the tables, or the totals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Name as in the plan.
    pub name: String,
    /// Method and name, harmless to show.
    pub label: String,
    /// What it is.
    pub kind: SeriesKind,
    /// Scenario it belongs to.
    pub scenario: String,
    /// Its values; none where only one side has the row.
    pub cells: Vec<Cell>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// From what chance was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// How the seconds of a run differ, with an allowance for what differs between runs.
    Seconds,
    /// How the runs differ.
    Runs,
}

/// All there is to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Names of the base runs that were used.
    pub base: Vec<String>,
    /// Names of the new runs that were used.
    pub new: Vec<String>,
    /// Changes below this share are trifles.
    pub margin: f64,
    /// From what chance was told.
    pub method: Method,
    /// What it came to.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// The totals first.
    pub rows: Vec<Row>,
    /// Remarks a reader must see.
    pub notes: Vec<String>,
}

/// The new runs beside the base runs. Neither list is empty.
pub fn compare(base: &[Run], new: &[Run], options: Options) -> Comparison {
    let like = like::look(base, new, options.force);
    let sides = rows::Sides { base: &like.base, new: &like.new };
    let method = if sides.fewest() >= labels::FEWEST { Method::Runs } else { Method::Seconds };
    let names = |runs: &[&Run]| runs.iter().map(|run| run.name.clone()).collect();
    let mut comparison = Comparison {
        base: names(&like.base),
        new: names(&like.new),
        margin: options.margin,
        method,
        verdict: Verdict::NotComparable,
        reason: String::new(),
        rows: vec![],
        notes: like.notes,
    };
    if let Some(reason) = like.reason {
        comparison.reason = reason;
        return comparison;
    }
    let mut pairs = rows::pairs(&sides);
    match method {
        Method::Seconds => few::tell(&sides, &mut pairs, options.margin),
        Method::Runs => labels::tell(&mut pairs, options.margin),
    }
    comparison.rows = pairs.into_iter().map(|pair| judge::row(pair, options.margin)).collect();
    (comparison.verdict, comparison.reason) = judge::whole(&comparison.rows, options.margin);
    comparison
}

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;
