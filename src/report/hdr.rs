//! The distributions for HdrHistogram's own tools: `.hgrm`, a percentile table of all endpoints together as its plotter
//! reads it, in ms; `.hlog`, an interval log with each row's whole histogram, tagged with its name. Must not write files.

mod stored;

use std::fmt::Write as _;

use hdrhistogram::Histogram;

use super::ReportError;
use super::model::{Distribution, ResultDocument, Series};

/// Steps in each half of what is left to 100 %, as HdrHistogram's tools have it.
const TICKS_PER_HALF: u32 = 5;

/// What a file holds, by how its name ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `.hgrm`
    Percentiles,
    /// `.hlog`
    Log,
}

impl Form {
    /// The form of a file's name.
    pub fn of_path(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "hgrm" => Some(Self::Percentiles),
            "hlog" => Some(Self::Log),
            _ => None,
        }
    }
}

/// The latencies of `doc` in one of the two forms.
///
/// # Errors
/// [`ReportError::Histogram`] when a histogram of the document is damaged.
pub fn render(doc: &ResultDocument, form: Form) -> Result<String, ReportError> {
    match form {
        Form::Percentiles => percentiles(doc),
        Form::Log => Ok(log(doc)),
    }
}

fn percentiles(doc: &ResultDocument) -> Result<String, ReportError> {
    let mut out =
        format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let Some(latency) = &doc.totals.latency_us else { return Ok(out) };
    let histogram = decoded(latency).ok_or(ReportError::Histogram)?;
    for Step { value, percent, count } in steps(&histogram) {
        // Never above the largest that was seen, as in every report.
        let ms = value.min(latency.max) as f64 / 1e3;
        let share = percent / 100.0;
        let _ = write!(out, "{ms:12.3} {share:1.12} {count:10}");
        let _ = match share < 1.0 {
            true => writeln!(out, " {:14.2}", 1.0 / (1.0 - share)),
            false => writeln!(out),
        };
    }
    let (mean, spread, max) = (latency.mean / 1e3, latency.stddev / 1e3, latency.max as f64 / 1e3);
    let _ = writeln!(out, "#[Mean    = {mean:12.3}, StdDeviation   = {spread:12.3}]");
    let _ = writeln!(out, "#[Max     = {max:12.3}, Total count    = {:12}]", latency.count);
    let _ = writeln!(out, "#[Buckets = {:12}, SubBuckets     = {:12}]", histogram.buckets(), 2048);
    Ok(out)
}

/// A line of the percentile table.
#[derive(Debug, PartialEq)]
struct Step {
    /// In µs, the largest that its bucket stands for.
    value: u64,
    percent: f64,
    /// Values up to this one.
    count: u64,
}

/// The steps of HdrHistogram's percentile iterator. The crate's own adds up shares, not percents, which makes 0.75 a little
/// more: where that is just reached, it gives the next value.
fn steps(histogram: &Histogram<u64>) -> Vec<Step> {
    let (mut steps, mut count, mut level) = (vec![], 0, 0.0_f64);
    let total = histogram.len();
    for bucket in histogram.iter_recorded() {
        count += bucket.count_since_last_iteration();
        let value = bucket.value_iterated_to();
        while count as f64 * 100.0 / total as f64 >= level && level < 100.0 {
            steps.push(Step { value, percent: level, count });
            let halves = (100.0 / (100.0 - level)).log2().floor() as i32;
            level += 100.0 / (f64::from(TICKS_PER_HALF) * 2.0_f64.powi(halves + 1));
            if count == total {
                break; // one step, then the end
            }
        }
        if count == total {
            steps.push(Step { value, percent: 100.0, count });
        }
    }
    steps
}

fn log(doc: &ResultDocument) -> String {
    let start_s =
        doc.run.started_at.parse::<jiff::Timestamp>().map_or(0.0, |at| at.as_millisecond() as f64 / 1e3);
    let mut out = format!(
        "#[Histogram log format version 1.3]\n#[StartTime: {start_s:.3} (seconds since epoch), {}]\n",
        doc.run.started_at
    );
    out += "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
    let mut line = |tag: &str, series: &Series| {
        let Some(latency) = series.latency_us.as_ref().filter(|latency| !latency.hdr.is_empty()) else {
            return;
        };
        let max_ms = latency.max as f64 / 1e3;
        let tag = if tag.is_empty() { String::new() } else { format!("Tag={},", tag_of(tag)) };
        let _ = writeln!(out, "{tag}0.000,{:.3},{max_ms:.3},{}", doc.run.duration_s, latency.hdr);
    };
    line("", &doc.totals);
    doc.series.iter().for_each(|series| line(&series.name, series));
    out
}

/// A tag holds no comma, space or line end.
fn tag_of(name: &str) -> String {
    super::text::clean(name).chars().map(|c| if c == ',' || c.is_whitespace() { '_' } else { c }).collect()
}

/// The whole histogram of a row, in µs; `None` when there is none, or it is damaged.
pub fn decoded(of: &Distribution) -> Option<Histogram<u64>> {
    stored::decode(&of.hdr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_is_just_reached_has_its_own_value() {
        let mut histogram = Histogram::<u64>::new(3).expect("three digits");
        (1..=304).for_each(|value| histogram.record(value).expect("it grows"));
        let steps = steps(&histogram);
        let at = |percent: f64| steps.iter().find(|step| step.percent == percent).map(|step| step.value);
        assert_eq!((at(0.0), at(50.0), at(75.0), at(87.5)), (Some(1), Some(152), Some(228), Some(266)));
        assert_eq!(steps.last(), Some(&Step { value: 304, percent: 100.0, count: 304 }));
        // As many as the crate's own has.
        assert_eq!(steps.len(), histogram.iter_quantiles(TICKS_PER_HALF).count());
    }
}
