//! Few runs a side: how much the change of a value could be chance, by how the seconds of the runs differ. What differs from
//! run to run cannot be seen from within one, so half of the margin is allowed for it, as its standard deviation. Must not
//! make verdicts.

use hdrhistogram::Histogram;

use crate::metric::variance_of_sum;
use crate::report::model::Series;

use super::blocks::{self, Second};
use super::rows::{Pair, Sides, Told, Values};
use super::{Metric, Run, student};

/// Probability of a false alarm, all values together.
const ALARM: f64 = 0.05;

/// Change, standard error, degrees of freedom.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    change: f64,
    /// What a change in the middle of chance may come to by counting in whole failures.
    rounding: f64,
    error: f64,
    freedom: f64,
}

/// Tells of every value; all of them together are wrong in at most 5 % (Holm, *Scand. J. Stat.* 6, 1979).
pub(super) fn tell(sides: &Sides<'_>, pairs: &mut [Pair<'_>], margin: f64) {
    let mut estimates = vec![];
    for (row, pair) in pairs.iter_mut().enumerate() {
        let seconds = [seconds(sides.base, &pair.base), seconds(sides.new, &pair.new)];
        let stretches = aligned(&seconds).map(|[base, new]| [of(&pair.base, base), of(&pair.new, new)]);
        for (column, values) in
            pair.values.iter_mut().enumerate().filter(|(_, values)| values.lacks.is_none())
        {
            match estimate(values, [&pair.base, &pair.new], stretches.as_ref(), margin) {
                Some(estimate) => estimates.push((row, column, estimate)),
                None if seconds.iter().flatten().any(Option::is_none) => {
                    values.lacks = Some("needs several runs a side: another row has this name".to_owned());
                }
                None => {
                    let words = format!("needs {} whole seconds, or several runs a side", blocks::FEWEST);
                    values.lacks = Some(words);
                }
            }
        }
    }
    let probability = |estimate: &Estimate| {
        let beyond = (estimate.change.abs() - estimate.rounding).max(0.0);
        if beyond == 0.0 { 1.0 } else { student::two_sided(beyond / estimate.error, estimate.freedom) }
    };
    let raw: Vec<f64> = estimates.iter().map(|(_, _, estimate)| probability(estimate)).collect();
    for ((row, column, estimate), p_value) in estimates.into_iter().zip(student::holm(&raw)) {
        let half = student::quantile(estimate.freedom) * estimate.error + estimate.rounding;
        pairs[row].values[column].told = Some(Told {
            interval: [estimate.change - half, estimate.change + half],
            p_value,
            is_significant: p_value <= ALARM,
        });
    }
}

/// The seconds of a row in each run of a side.
fn seconds(runs: &[&Run], rows: &[&Series]) -> Vec<Option<Vec<Second>>> {
    runs.iter().zip(rows).map(|(run, row)| blocks::seconds(&run.doc, row)).collect()
}

/// The blocks of each run of a side.
type Cut<'s> = Vec<Vec<&'s [Second]>>;

/// A row of one run, with all there is to tell how well its values are known.
struct Stretched<'s> {
    row: &'s Series,
    histogram: Option<Histogram<u64>>,
    blocks: Vec<&'s [Second]>,
}

fn of<'s>(rows: &[&'s Series], blocks: Cut<'s>) -> Vec<Stretched<'s>> {
    let all = rows.iter().zip(blocks);
    all.map(|(row, blocks)| Stretched { row, histogram: blocks::histogram(row), blocks }).collect()
}

/// Both sides in blocks, all of the same stretches of time; `None` when they are too short.
fn aligned(sides: &[Vec<Option<Vec<Second>>>; 2]) -> Option<[Cut<'_>; 2]> {
    let shortest = sides.iter().flatten().map(|run| run.as_ref().map_or(0, Vec::len)).min()?;
    let [base, new] =
        sides.each_ref().map(|side| side.iter().map(|run| cut(run.as_ref(), shortest)).collect());
    let [base, new]: [Option<Cut<'_>>; 2] = [base, new];
    Some([base?, new?])
}

fn cut(run: Option<&Vec<Second>>, seconds: usize) -> Option<Vec<&[Second]>> {
    blocks::blocks(run?.get(..seconds)?)
}

fn estimate(
    values: &Values,
    rows: [&[&Series]; 2],
    stretches: Option<&[Vec<Stretched<'_>>; 2]>,
    margin: f64,
) -> Option<Estimate> {
    let [base, new] = values.scaled();
    let counts = [base.len() as f64, new.len() as f64];
    let each = 1.0 / counts[0] + 1.0 / counts[1];
    let change = mean(&new) - mean(&base);
    let requests = |rows: &[&Series]| rows.iter().map(|row| row.requests).sum::<u64>() as f64;
    let (allowance, rounding) = match values.metric {
        Metric::ErrorRatio => {
            let level = mean(&base).max(mean(&new));
            (margin / 2.0 * level, rows.map(|rows| 0.5 / requests(rows)).iter().sum())
        }
        _ => (margin / 2.0, 0.0),
    };
    let allowed = allowance * allowance * each;
    let between = between(&base, &new).map(|(variance, freedom)| (variance * each, freedom));
    let within = stretches.and_then(|stretches| within(values.metric, stretches));
    let (variance, freedom) = match (within, between) {
        (Some((within, freedom)), Some(between)) if within + allowed >= between.0 => {
            (within + allowed, freedom)
        }
        (Some(_), Some(between)) => between,
        (Some((within, freedom)), None) => (within + allowed, freedom),
        // A side of one run does not tell how its runs differ.
        (None, Some((between, freedom))) if base.len() > 1 && new.len() > 1 => {
            (between.max(allowed), freedom)
        }
        (None, _) => return None,
    };
    Some(Estimate { change, rounding, error: variance.sqrt().max(1e-12), freedom })
}

/// Variance of the change by how blocks differ, those of the same time taken together: what the plan makes of a time, such as
/// a ramp, is the same on both sides and no chance.
fn within(metric: Metric, stretches: &[Vec<Stretched<'_>>; 2]) -> Option<(f64, f64)> {
    let (mut together, mut least): (Vec<f64>, f64) = (vec![], 0.0);
    for (side, sign) in stretches.iter().zip([-1.0, 1.0]) {
        let runs = side.len() as f64;
        for run in side {
            let errors = blocks::errors(metric, run.row, run.histogram.as_ref(), &run.blocks)?;
            together.resize(errors.by_block.len(), 0.0);
            together.iter_mut().zip(&errors.by_block).for_each(|(sum, error)| *sum += sign * error / runs);
            least += errors.least / (runs * runs);
        }
    }
    let freedom = together.len() as f64 - 1.0;
    Some((variance_of_sum(&together).max(least), freedom))
}

/// Variance of a run by how the runs of each side differ, and its degrees of freedom.
fn between(base: &[f64], new: &[f64]) -> Option<(f64, f64)> {
    let freedom = (base.len() + new.len()).checked_sub(2).filter(|freedom| *freedom > 0)? as f64;
    Some(((squares(base) + squares(new)) / freedom, freedom))
}

/// Sum of squares around the mean.
pub(super) fn squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
