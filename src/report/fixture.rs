//! Result documents for the tests of reports. Only under `cfg(test)`; must not be used to judge real numbers.

use std::collections::BTreeMap;

use super::model::*;

/// A run that failed: 4 endpoints (one with a hostile name), auth, a flow, every kind of threshold, 120 s.
pub fn failing() -> ResultDocument {
    let mut totals = series("totals", SeriesKind::Total, None, [4558, 15], [89, 245, 5]);
    totals.latency_us = Some(distribution(4558, 5_000, 245_000.0, TOTAL));
    ResultDocument {
        thresholds: thresholds(),
        accounting: Accounting {
            scheduled: 4562,
            started: 4560,
            not_started: 2,
            ok: 4543,
            failed: 15,
            interrupted: 2,
            iterations: 4300,
            warmup_requests: 120,
            ..Accounting::default()
        },
        totals,
        series: all_series(),
        failures: failures(),
        timeline: timeline(120),
        notes: vec!["few samples for p99 of \"list agents\"".into()],
        verdict: Verdict::Fail,
        reason: "p95 of \"execute agent\" was 4.61 s, target < 2 s (1 of 6 thresholds missed)".into(),
        exit_code: 1,
        ..empty()
    }
}

/// A run of which nothing is known.
pub fn empty() -> ResultDocument {
    ResultDocument {
        plimsoll: "0.1.0".into(),
        format: FORMAT,
        plan: PlanInfo {
            name: "TempoNest <b>general</b>".into(),
            file: "plans/temponest general.yaml".into(),
            description: Some("Agents, RAG queries and health at 50 users.".into()),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            profile: Some("ci".into()),
            effective: serde_json::json!({"name": "TempoNest", "auth": {"password": "***"}, "x": "</pre><script>"}),
        },
        run: RunInfo {
            id: "b1946ac9".into(),
            started_at: "2026-03-02T10:15:00Z".into(),
            duration_s: 120.0,
            load_s: None,
            loads: vec![],
            seed: 42,
            model: "closed".into(),
            ended: Ended::Completed,
            host: Host { cores: 2, os: "linux x86_64".into() },
            targets: vec![],
            marks: vec![],
            by_hand: vec![],
        },
        verdict: Verdict::Pass,
        reason: "no thresholds".into(),
        exit_code: 0,
        thresholds: vec![],
        baseline: None,
        accounting: Accounting::default(),
        totals: series("totals", SeriesKind::Total, None, [0, 0], [0; 3]),
        series: vec![],
        warmup: vec![],
        failures: vec![],
        timeline: vec![],
        generator: Generator {
            valid: true,
            reasons: vec![],
            workers: 2,
            cpu_s: Some(12.4),
            max_rss_bytes: Some(48_300_000),
            ..Generator::default()
        },
        notes: vec![],
    }
}

/// The run whose tables users know: `Example Output` of their performance tests' README.
pub fn familiar() -> ResultDocument {
    let row = |method: &str, name: &str, n: u64, failed: u64, t: [u64; 3], rates: [f64; 2], p: [u64; 11]| {
        let mut s = series(name, SeriesKind::Endpoint, Some(method), [n, failed], t);
        s.latency_us = Some(distribution(n, t[2] * 1000, t[1] as f64 * 1000.0, p.map(|ms| ms * 1000)));
        (s.rps, s.failures_per_s) = (rates[0], rates[1]);
        s
    };
    let agents = [82, 92, 101, 108, 124, 145, 189, 212, 234, 234, 234];
    let execute = [1432, 1678, 1823, 1912, 2234, 2567, 3234, 3892, 4523, 4523, 4523];
    let health = [11, 12, 13, 14, 16, 18, 23, 34, 89, 89, 89];
    let all = [89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4523];
    ResultDocument {
        series: vec![
            row("GET", "/agents/", 1245, 0, [0, 89, 45], [20.8, 0.0], agents),
            row("POST", "/agents/{id}/execute", 423, 12, [0, 1567, 892], [7.1, 0.2], execute),
            row("GET", "/health", 2890, 0, [0, 12, 5], [48.2, 0.0], health),
        ],
        totals: row("", "totals", 4558, 12, [0, 245, 5], [76.1, 0.2], all),
        ..empty()
    }
}

const TOTAL: [u64; 11] = [
    89_000, 101_000, 124_000, 188_000, 1_432_000, 2_567_000, 4_234_000, 4_892_000, 5_523_000, 5_523_000,
    5_523_000,
];

fn distribution(count: u64, min: u64, mean: f64, p: [u64; 11]) -> Distribution {
    let [p50, p66, p75, p80, p90, p95, p98, p99, p99_9, p99_99, max] = p;
    let hdr = "HISTFAAAAA==".into();
    Distribution {
        count,
        min,
        mean,
        stddev: mean / 3.0,
        p50,
        p66,
        p75,
        p80,
        p90,
        p95,
        p98,
        p99,
        p99_9,
        p99_99,
        max,
        hdr,
    }
}

/// `n`: requests and failures; `t`: median, mean and least latency in ms.
fn series(name: &str, kind: SeriesKind, method: Option<&str>, n: [u64; 2], t: [u64; 3]) -> Series {
    let spread = [100, 112, 123, 131, 151, 177, 230, 258, 285, 285, 285].map(|share| t[0] * 10 * share);
    let latency_us = (n[0] > 0).then(|| distribution(n[0], t[2] * 1000, t[1] as f64 * 1000.0, spread));
    Series {
        name: name.into(),
        kind,
        scenario: "default".into(),
        method: method.map(String::from),
        tags: BTreeMap::new(),
        requests: n[0],
        failures: n[1],
        error_ratio: (n[0] > 0).then(|| n[1] as f64 / n[0] as f64),
        rps: n[0] as f64 / 120.0,
        runs_without_requests: 0,
        begun_in_drain: 0,
        failures_per_s: n[1] as f64 / 120.0,
        bytes_in: n[0] * 812,
        bytes_out: n[0] * 240,
        new_connections: 50.min(n[0]),
        latency_us,
        latency_ok_us: None,
        service_us: None,
        wait_us: None,
        dns_us: None,
        connect_us: None,
        tls_us: None,
        send_us: None,
        ttfb_us: None,
        receive_us: None,
        status: BTreeMap::from([("200".to_owned(), n[0] - n[1])]),
        failure_kinds: BTreeMap::new(),
        checks: None,
    }
}

fn all_series() -> Vec<Series> {
    let mut execute =
        series("execute agent", SeriesKind::Endpoint, Some("POST"), [423, 12], [2604, 2567, 892]);
    execute.status = BTreeMap::from([("200".into(), 411), ("500".into(), 9), ("503".into(), 3)]);
    execute.failure_kinds = BTreeMap::from([("status".into(), 12)]);
    let mut health = series("health", SeriesKind::Endpoint, Some("GET"), [2650, 0], [11, 12, 5]);
    health.latency_us = Some(distribution(
        2650,
        210,
        624.0,
        [420, 500, 560, 610, 790, 960, 1_400, 3_200, 8_900, 8_900, 8_900],
    ));
    let hostile = "<script>alert('x')</script>\u{202e}\u{1b}[31m";
    vec![
        series("login", SeriesKind::Auth, Some("POST"), [50, 0], [120, 131, 88]),
        series("health is up", SeriesKind::Ready, Some("GET"), [3, 2], [4, 4, 1]),
        series("list agents", SeriesKind::Endpoint, Some("GET"), [1245, 0], [82, 89, 45]),
        execute,
        health,
        series(hostile, SeriesKind::Endpoint, Some("GET"), [240, 3], [40, 44, 9]),
        series("agent journey", SeriesKind::Flow, None, [80, 1], [3100, 3300, 1200]),
    ]
}

fn thresholds() -> Vec<ThresholdResult> {
    let threshold = |scope: &str, expression: &str, unit: &str, observed, target, verdict| ThresholdResult {
        scope: scope.into(),
        expression: expression.into(),
        place: Some(Place { file: "plans/temponest general.yaml".into(), line: 12 }),
        level: if verdict == Verdict::Warn { Level::Warn } else { Level::Fail },
        observed,
        target: Some(target),
        baseline: None,
        unit: unit.into(),
        verdict,
        samples: 240,
        interval: None,
        over_s: None,
        for_s: None,
        worst_window: None,
        lateness_s: None,
        note: None,
    };
    let mut all = vec![
        threshold("endpoint:execute agent", "p95 < 2s", "s", Some(4.61), 2.0, Verdict::Fail),
        threshold("endpoint:list agents", "p95 < 200ms", "s", Some(0.145), 0.2, Verdict::Pass),
        threshold("endpoint:list agents", "p99 < 200ms", "s", Some(0.2116), 0.2, Verdict::Warn),
        threshold("endpoint:<script>alert('x')</script>", "p99.9 < 1s", "s", None, 1.0, Verdict::NoData),
        threshold("plan", "p95 < 3s", "s", Some(2.567), 3.0, Verdict::Pass),
        threshold("plan", "error_rate < 1%", "ratio", Some(0.003_290_9), 0.01, Verdict::Pass),
    ];
    all[2].note = Some("few samples".into());
    all[3].note = Some("needs 3688 samples".into());
    all[1].interval = Some([0.1386, 0.1514]);
    all[2].over_s = Some(30);
    all[2].worst_window = Some(WorstWindow { from_s: 41.0, to_s: 71.0, observed: 0.2116 });
    all
}

fn failures() -> Vec<FailureGroup> {
    let group = |series: &str,
                 kind: &str,
                 count,
                 message: &str,
                 span: [f64; 2],
                 request: &str,
                 response: Option<&str>| {
        let example = FailureExample { request: request.into(), response: response.map(String::from) };
        let [first_s, last_s] = span;
        let (series, kind, message) = (series.into(), kind.into(), message.into());
        FailureGroup { series, kind, count, message, first_s, last_s, example: Some(example) }
    };
    let execute = "POST /agents/42/execute HTTP/1.1\nauthorization: Bearer ***\n\n{\"task\":\"summarise\"}";
    let overloaded = "500 Internal Server Error\n\n{\"error\":\"<img src=x onerror=alert(1)>\"}";
    vec![
        group(
            "execute agent",
            "status",
            9,
            "expected 2xx, got 500",
            [6.21, 110.4],
            execute,
            Some(overloaded),
        ),
        group(
            "execute agent",
            "status",
            3,
            "::error::expected 2xx, got 503",
            [70.0, 90.0],
            execute,
            Some("503\n\n"),
        ),
        group(
            "<script>alert('x')</script>",
            "timeout.headers",
            3,
            "no answer in 5 s",
            [40.0, 40.0],
            "GET /x",
            None,
        ),
    ]
}

/// `seconds` seconds: a ramp, a plateau with a pause of the target in it, a slow end.
pub fn timeline(seconds: u64) -> Vec<Interval> {
    let second = |at_s: u64| {
        let ramp = (at_s as f64 / 10.0).min(1.0);
        let wave = 1.0 + 0.12 * (at_s as f64 * 0.7).sin() + 0.05 * (at_s as f64 * 2.3).cos();
        let paused = (60..66).contains(&(at_s % 120));
        let slow = if at_s > seconds * 3 / 4 { 1.6 } else { 1.0 };
        let p = |us: f64| (!paused).then_some((us * wave * slow) as u64);
        let row = |us: f64, requests| SeriesInterval {
            requests,
            failures: 0,
            p50_us: (us * wave) as u64,
            p95_us: (us * wave * slow * 2.0) as u64,
            p99_us: (us * wave * slow * 2.6) as u64,
            ..SeriesInterval::default()
        };
        let rows = [("list agents", 82e3, 21), ("execute agent", 1432e3, 7), ("health", 420.0, 44)];
        Interval {
            at_s,
            users: (50.0 * ramp) as u64,
            offered_rps: None,
            rps: Some(if paused { 0.0 } else { (76.0 * ramp * wave / slow).round() }),
            failures: if paused { 0 } else { u64::from(at_s.is_multiple_of(17)) * 2 },
            p50_us: p(89e3),
            p95_us: p(1_900e3),
            p99_us: p(2_900e3),
            per_series: match paused {
                true => SecondRows::default(),
                false => rows.into_iter().map(|(name, us, n)| (name, row(us, n))).collect(),
            },
            ..Interval::default()
        }
    };
    (1..=seconds).map(second).collect()
}
