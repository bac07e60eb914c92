//! Where the time of a row's requests went: its phases as parts of one bar, and as a table. Must not contain markup.

use serde::Serialize;

use crate::report::model::{Distribution, Series};
use crate::report::number::{self, ms};

/// Width of a bar in its picture.
const WIDTH: f64 = 300.0;

/// Names and colours, in the order in which they come.
pub(super) const NAMES: [(&str, &str); 7] = [
    ("wait", "f-c6"),
    ("dns", "f-c5"),
    ("connect", "f-c3"),
    ("tls", "f-c7"),
    ("send", "f-c4"),
    ("ttfb", "f-c1"),
    ("receive", "f-c2"),
];

/// The phases of one row.
#[derive(Serialize)]
pub(super) struct Phases {
    parts: Vec<Part>,
    rows: Vec<PhaseRow>,
    /// Mean of all phases together, ms.
    mean: String,
    /// What a reader who cannot see the bar should know.
    description: String,
}

/// A part of the bar.
#[derive(Serialize)]
struct Part {
    class: &'static str,
    x: f64,
    width: f64,
}

#[derive(Serialize)]
struct PhaseRow {
    class: &'static str,
    name: &'static str,
    /// Requests that had it.
    count: u64,
    /// Share of the time of all requests together.
    share: String,
    mean: String,
    p50: String,
    p95: String,
    p99: String,
    max: String,
}

/// The phases of `row`; `None` when no request had any.
pub(super) fn phases(row: &Series) -> Option<Phases> {
    let all = [
        &row.wait_us,
        &row.dns_us,
        &row.connect_us,
        &row.tls_us,
        &row.send_us,
        &row.ttfb_us,
        &row.receive_us,
    ];
    let known: Vec<_> = NAMES
        .iter()
        .zip(all)
        .filter_map(|(name, phase)| {
            Some((name, phase.as_ref().filter(|d| d.count > 0 && d.mean.is_finite())?))
        })
        .collect();
    let requests = known.iter().map(|(_, d)| d.count).max()?;
    let total: f64 = known.iter().map(|(_, d)| time(d)).sum();
    let share = |d: &Distribution| if total > 0.0 { time(d) / total } else { 0.0 };
    let mut x = 0.0;
    let mut parts = vec![];
    for ((_, class), phase) in &known {
        let width = tenth(share(phase) * WIDTH);
        parts.push(Part { class, x: tenth(x), width });
        x += share(phase) * WIDTH;
    }
    parts.retain(|part| part.width > 0.0);
    let words = |share: f64| {
        if share > 0.0 && share < 0.001 { "<0.1 %".into() } else { number::value(share, "ratio") }
    };
    let rows: Vec<_> = known
        .iter()
        .map(|((name, class), d)| PhaseRow {
            class,
            name,
            count: d.count,
            share: words(share(d)),
            mean: ms(d.mean),
            p50: ms(d.p50 as f64),
            p95: ms(d.p95 as f64),
            p99: ms(d.p99 as f64),
            max: ms(d.max as f64),
        })
        .collect();
    let said: Vec<_> = rows.iter().map(|row| format!("{} {}", row.name, row.share)).collect();
    Some(Phases { parts, mean: ms(total / requests as f64), description: said.join(", "), rows })
}

/// Of all its requests together, µs.
fn time(phase: &Distribution) -> f64 {
    phase.mean * phase.count as f64
}

fn tenth(v: f64) -> f64 {
    (v * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn of(like: &Distribution, count: u64, mean: f64) -> Option<Distribution> {
        Some(Distribution { count, mean, ..like.clone() })
    }

    /// 1000 requests of 10 ms, of which 100 opened a connection in 20 ms more.
    #[test]
    fn rare_phases_count_for_what_they_are() {
        let mut row = fixture::failing().series.swap_remove(2);
        assert!(phases(&row).is_none(), "nothing known, nothing shown");
        let like = row.latency_us.clone().unwrap();
        row.connect_us = of(&like, 100, 20_000.0);
        row.ttfb_us = of(&like, 1000, 10_000.0);
        let shown = phases(&row).unwrap();
        assert_eq!(shown.mean, "12");
        assert_eq!(shown.description, "connect 16.7 %, ttfb 83.3 %");
        let parts: Vec<_> = shown.parts.iter().map(|part| (part.x, part.width)).collect();
        assert_eq!(parts, [(0.0, 50.0), (50.0, 250.0)]);
        let counts: Vec<_> = shown.rows.iter().map(|row| (row.name, row.count, row.mean.as_str())).collect();
        assert_eq!(counts, [("connect", 100, "20"), ("ttfb", 1000, "10")]);
    }
}
