//! Since when a threshold was missed, or requests failed, as far as the seconds of the timeline tell. Must not judge:
//! the document has judged.

use super::frame::measured_from_s;
use super::spread::percentile;
use super::view::row_of;
use crate::report::model::{Interval, ResultDocument, ThresholdResult};
use crate::report::number::moment;
use crate::report::verdict;

/// `p95 of single seconds above 2 s in 80 of 114, first at 31 s, last at 2m`; `None` where single seconds say nothing
/// about it, or none of them did worse.
pub(super) fn since(doc: &ResultDocument, threshold: &ThresholdResult) -> Option<String> {
    let sign = threshold.expression.trim_start_matches(|c| c != '<' && c != '>' && c != '=');
    let series = match threshold.scope.as_str() {
        "plan" => None,
        scope => Some(row_of(scope)?),
    };
    let metric = threshold.expression.split(['<', '>', '=']).next().unwrap_or_default().trim();
    if ["errors", "failures"].contains(&metric) {
        let seen = seconds(doc, |i| failures(i, series).map(|(all, failed)| (all > 0, failed > 0)));
        return seen.map(|seen| format!("failures in {seen}"));
    }
    let share = percentile(&threshold.expression).filter(|p| [50.0, 95.0, 99.0].contains(p))?;
    if !sign.starts_with('<') || threshold.unit != "s" {
        return None;
    }
    let limit = threshold.target?;
    let limit_us = limit * 1e6;
    let seen = seconds(doc, |i| latency(i, series, share).map(|us| (true, us as f64 > limit_us)))?;
    let target = verdict::goal(threshold, limit);
    Some(format!("p{share} of single seconds above {target} in {seen}"))
}

fn latency(interval: &Interval, series: Option<&str>, share: f64) -> Option<u64> {
    let [p50, p95, p99] = match series {
        None => [interval.p50_us, interval.p95_us, interval.p99_us],
        Some(name) => {
            let row = interval.per_series.get(name).filter(|row| row.requests > 0)?;
            [Some(row.p50_us), Some(row.p95_us), Some(row.p99_us)]
        }
    };
    match share {
        50.0 => p50,
        95.0 => p95,
        _ => p99,
    }
}

fn failures(interval: &Interval, series: Option<&str>) -> Option<(u64, u64)> {
    match series {
        None => Some((u64::from(interval.p50_us.is_some()), interval.failures)),
        Some(name) => interval.per_series.get(name).map(|row| (row.requests, row.failures)),
    }
}

/// `80 of 114 seconds with answers, first at 31 s, last at 2m`, of what `pick` says of each: whether it counts, and
/// whether it is one. Seconds of a warm-up do not count.
fn seconds(doc: &ResultDocument, pick: impl Fn(&Interval) -> Option<(bool, bool)>) -> Option<String> {
    let from_s = measured_from_s(doc);
    let (mut all, mut ends, mut count) = (0u64, None::<(u64, u64)>, 0u64);
    for interval in doc.timeline.iter().filter(|i| i.at_s as f64 > from_s) {
        match pick(interval) {
            Some((_, true)) => {
                all += 1;
                count += 1;
                let (first, _) = ends.unwrap_or((interval.at_s, 0));
                ends = Some((first, interval.at_s));
            }
            Some((true, false)) => all += 1,
            _ => {}
        }
    }
    let (first, last) = ends?;
    let place = match first == last {
        true => format!("at {}", moment(first as f64)),
        false => format!("first at {}, last at {}", moment(first as f64), moment(last as f64)),
    };
    Some(format!("{count} of {all} seconds with answers, {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn seconds_that_did_worse() {
        let doc = fixture::failing();
        let [execute, list] = [0, 1].map(|n| since(&doc, &doc.thresholds[n]));
        let worse =
            |i: &&Interval| i.per_series.get("execute agent").is_some_and(|row| row.p95_us > 2_000_000);
        let (count, all) = (doc.timeline.iter().filter(worse).count(), 114);
        assert_eq!(
            execute.unwrap(),
            format!(
                "p95 of single seconds above 2 s in {count} of {all} seconds with answers, first at 1 s, last at 2m"
            )
        );
        assert!(list.is_some_and(|words| words.starts_with("p95 of single seconds above 200 ms in ")));
        let mut doc = doc;
        doc.thresholds[0].target = Some(1e6);
        assert_eq!(since(&doc, &doc.thresholds[0]), None, "no second did worse");
        doc.thresholds[0].expression = "ttfb.p95 < 2s".into();
        assert_eq!(since(&doc, &doc.thresholds[0]), None, "the timeline knows no phases");
    }

    #[test]
    fn a_warm_up_does_not_count() {
        let mut doc = fixture::failing();
        let kind = crate::report::model::MarkKind::WarmupEnd;
        doc.run.marks = vec![crate::report::model::Mark { at_s: 60.0, kind, label: String::new() }];
        assert!(
            since(&doc, &doc.thresholds[0]).unwrap().contains("of 55 seconds with answers, first at 1m 06s")
        );
    }
}
