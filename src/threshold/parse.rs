//! The text of a threshold. Errors say what to write instead.

use std::ops::Range;

use crate::diagnostic::nearest;
use crate::metric::Phase;
use crate::units::{UnitError, parse_duration, parse_rate, parse_share};

use super::{Metric, Op, Stat, Target, Threshold, relative};

/// The metrics a threshold can name, for messages and completion.
pub const METRICS: &[&str] = &[
    "p50",
    "p90",
    "p95",
    "p99",
    "p99.9",
    "avg",
    "min",
    "max",
    "stddev",
    "requests",
    "failures",
    "errors",
    "rps",
    "checks",
    "iterations",
    "dropped",
    "status.404",
    "status.5xx",
    "service.p95",
    "wait.p99",
    "connect.p95",
    "tls.p95",
    "ttfb.p95",
    "dns.p95",
    "send.p95",
    "receive.p95",
];

/// A text that is no threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub message: String,
    /// Bytes of the text it is about.
    pub range: Range<usize>,
    /// What to write instead.
    pub help: Option<String>,
}

/// Parses `p95 < 200ms`, or k6's `p(95)<200`.
///
/// # Errors
/// When it is not a metric, an operator and a value with a unit that fits.
pub fn parse(text: &str) -> Result<Threshold, ParseError> {
    let whole = 0..text.len();
    let error = |range: Range<usize>, message: String, help: Option<&str>| ParseError {
        message,
        range,
        help: help.map(str::to_owned),
    };
    let Some(at) = text.find(['<', '>', '=', '!']) else {
        let message = format!("`{text}` compares nothing");
        return Err(error(
            whole,
            message,
            Some("write a metric, an operator and a value, such as `p95 < 200ms`"),
        ));
    };
    let after = text[at..].find(|c: char| !"<>=!".contains(c)).map_or(text.len(), |i| at + i);
    let op = match &text[at..after] {
        "<" => Op::Less,
        "<=" => Op::LessOrEqual,
        ">" => Op::Greater,
        ">=" => Op::GreaterOrEqual,
        "==" => Op::Equal,
        other => {
            let message = format!("`{other}` is no comparison");
            return Err(error(at..after, message, Some("use one of <, <=, >, >=, ==")));
        }
    };
    let name = text[..at].trim();
    let name_range = trimmed(text, 0..at);
    if name.is_empty() {
        return Err(error(whole, "the metric is missing".into(), Some("write for example `p95 < 200ms`")));
    }
    let (metric, k6) =
        metric(name).map_err(|(message, help)| ParseError { message, range: name_range, help })?;
    let value_range = trimmed(text, after..text.len());
    let value = &text[value_range.clone()];
    if value.is_empty() {
        let help = format!("write for example `{name} {} {}`", &text[at..after], example(metric));
        return Err(error(at..after, "there is no value to compare with".into(), Some(&help)));
    }
    let fixed = |value: &str| target(metric, value, k6);
    let target = match relative::relative(metric, value, fixed) {
        Ok(Some(relative)) => Ok(Target::Relative(relative)),
        Ok(None) => fixed(value).map(Target::Fixed),
        Err(error) => Err(error),
    };
    let target =
        target.map_err(|e| ParseError { message: e.message, range: value_range, help: Some(e.help) })?;
    Ok(Threshold {
        expression: text.trim().to_owned(),
        metric,
        op,
        target,
        min_samples: None,
        over_s: None,
        for_s: None,
        abort: false,
    })
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..start + part.trim().len()
}

fn example(metric: Metric) -> &'static str {
    match metric.unit() {
        "s" => "200ms",
        "ratio" => "1%",
        "1/s" => "50/s",
        _ => "1000",
    }
}

/// The metric, and whether it is in k6's spelling, whose bare numbers are ms.
fn metric(name: &str) -> Result<(Metric, bool), (String, Option<String>)> {
    let simple = match name {
        "requests" => Some(Metric::Requests),
        "failures" => Some(Metric::Failures),
        "errors" => Some(Metric::Errors),
        "rps" => Some(Metric::Rps),
        "checks" => Some(Metric::Checks),
        "iterations" => Some(Metric::Iterations),
        "dropped" => Some(Metric::Dropped),
        _ => name.strip_prefix("status.").and_then(status),
    };
    if let Some(metric) = simple {
        return Ok((metric, false));
    }
    let (phase, stat_name) = match name.split_once('.') {
        Some((phase, rest)) if !phase.starts_with('p') => {
            let known = Phase::ALL.into_iter().find(|p| p.name() == phase).ok_or_else(|| unknown(name))?;
            (Some(known), rest)
        }
        _ => (None, name),
    };
    let (stat, k6) = stat(stat_name).ok_or_else(|| unknown(name))?;
    Ok((Metric::Time { phase, stat }, k6))
}

fn unknown(name: &str) -> (String, Option<String>) {
    let help = match nearest(name, METRICS.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "metrics are p50 … p99.99, avg, min, max, stddev, requests, failures, errors, rps, checks, iterations, dropped, \
                 status.404, status.5xx, and phases such as ttfb.p95"
                .into()
        }
    };
    (format!("there is no metric `{name}`"), Some(help))
}

fn stat(name: &str) -> Option<(Stat, bool)> {
    Some(match name {
        "avg" | "mean" => (Stat::Avg, false),
        "min" => (Stat::Min, false),
        "max" => (Stat::Max, false),
        "med" | "median" => (Stat::Percentile(0.5), false),
        "stddev" => (Stat::Stddev, false),
        _ => {
            let number = name.strip_prefix('p')?;
            let inner = number.strip_prefix('(').and_then(|n| n.strip_suffix(')'));
            let percent = inner.unwrap_or(number);
            if !percent.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            // Moving the point in the text keeps 99.9 an exact 0.999.
            let quantile: f64 = format!("{}e-2", percent.trim()).parse().ok()?;
            if !(quantile > 0.0 && quantile < 1.0) {
                return None;
            }
            (Stat::Percentile(quantile), inner.is_some())
        }
    })
}

fn status(text: &str) -> Option<Metric> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|c| (1..=5).contains(c))?;
        return Some(Metric::Status(class * 100, class * 100 + 99));
    }
    let code: u16 = text.parse().ok().filter(|c| (100..600).contains(c))?;
    Some(Metric::Status(code, code))
}

fn target(metric: Metric, value: &str, k6: bool) -> Result<f64, UnitError> {
    let plain = value.replace('_', "").parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    let wrong = |message: String, help: &str| Err(UnitError { message, help: help.to_owned() });
    match metric.unit() {
        "s" => match plain {
            Some(ms) if k6 => Ok(ms / 1e3),
            _ => parse_duration(value).map(|d| d.as_secs_f64()),
        },
        "ratio" => match plain {
            // A bare 0 is the same share in every unit.
            Some(0.0) => Ok(0.0),
            _ => parse_share(value).map(|share| share.0),
        },
        "1/s" => match plain {
            Some(rate) => Ok(rate),
            None => parse_rate(value).map(|rate| rate.per_second),
        },
        _ => match plain {
            Some(count) => Ok(count),
            None => wrong(format!("`{value}` is not a count"), "write a plain number, such as 1000"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let time = |phase, q| Metric::Time { phase, stat: Stat::Percentile(q) };
        for (text, metric, op, target) in [
            ("p95 < 200ms", time(None, 0.95), Op::Less, 0.2),
            ("p99.9<=1.5s", time(None, 0.999), Op::LessOrEqual, 1.5),
            ("p(95)<200", time(None, 0.95), Op::Less, 0.2),
            ("ttfb.p95 < 1s", time(Some(Phase::Ttfb), 0.95), Op::Less, 1.0),
            ("errors < 1%", Metric::Errors, Op::Less, 0.01),
            ("errors == 0", Metric::Errors, Op::Equal, 0.0),
            ("rps >= 50/s", Metric::Rps, Op::GreaterOrEqual, 50.0),
            ("rps > 10", Metric::Rps, Op::Greater, 10.0),
            ("checks > 99%", Metric::Checks, Op::Greater, 0.99),
            ("requests > 1000", Metric::Requests, Op::Greater, 1000.0),
            ("status.5xx < 0.1%", Metric::Status(500, 599), Op::Less, 0.001),
            ("status.429 == 0", Metric::Status(429, 429), Op::Equal, 0.0),
            ("max < 1m", Metric::Time { phase: None, stat: Stat::Max }, Op::Less, 60.0),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!((parsed.metric, parsed.op), (metric, op), "{text}");
            let limit = parsed.limit().unwrap();
            assert!((limit - target).abs() < 1e-12, "{text}: {limit}");
        }
    }

    #[test]
    fn mistakes() {
        for (text, words) in [
            ("p95", "compares nothing"),
            ("p95 < 200", "200"),
            ("p95 =< 200ms", "no comparison"),
            ("errors < 0.01", "0.01"),
            ("latency < 2s", "no metric"),
            ("p101 < 2s", "no metric"),
            ("p95 <", "no value"),
            ("< 2s", "missing"),
            ("requests > many", "not a count"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(words), "{text}: {error:?}");
        }
    }

    #[test]
    fn samples_needed() {
        for (text, samples) in [
            ("p50<1s", 6),
            ("p90<1s", 36),
            ("p95<1s", 72),
            ("p99<1s", 368),
            ("p99.9<1s", 3688),
            ("errors<1%", 1),
        ] {
            assert_eq!(parse(text).unwrap().metric.min_samples(), samples, "{text}");
        }
    }
}
