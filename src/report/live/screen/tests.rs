//! Drawings at several sizes, and with what should not be there.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::report::live::Row;

fn row(name: &str, requests: u64, p95_us: u64) -> Row {
    Row {
        name: name.into(),
        method: Some("GET".into()),
        requests,
        failures: requests / 100,
        rps: Some(requests as f64 / 15.0),
        p50_us: Some(p95_us / 2),
        p95_us: Some(p95_us),
        p99_us: Some(p95_us * 2),
    }
}

fn goal(row: Option<usize>, scope: &str, expression: &str, observed: &str, standing: Standing) -> Goal {
    let [scope, expression, observed] = [scope, expression, observed].map(str::to_owned);
    Goal { row, scope, expression, observed, standing }
}

fn shown() -> Shown {
    let snapshot = Snapshot {
        elapsed: Duration::from_secs(30),
        planned: Some(Duration::from_secs(120)),
        users: 12,
        target_users: 50,
        more_users: 0,
        is_paused: false,
        is_draining: false,
        requests: 6184,
        failures: 12,
        rps: 412.3,
        p95_us: Some(145_000),
        stages: vec!["stage 1 of 2 until 40 s: 50 users".into()],
        rows: vec![
            row("list agents", 4000, 188_000),
            row("query", 2000, 90_000),
            row("execute", 184, 2_400_000),
        ],
        goals: vec![
            goal(None, "plan", "errors < 1%", "0.19 %", Standing::Met),
            goal(Some(0), "", "p95 < 200ms", "188 ms", Standing::AtRisk),
            goal(Some(2), "", "avg < 1s", "1.4 s", Standing::Broken),
            goal(Some(2), "", "p50 < 2s", "1.2 s", Standing::Met),
            goal(None, "tags:kind=read", "rps > 10", "", Standing::Open),
        ],
        generator: Health { cpu_share: Some(0.42), lag_us: Some(2_100), pacing_us: Some(900), trouble: None },
    };
    let mut history = History::default();
    for second in 1..=30 {
        history.add(&Snapshot {
            rps: f64::from(second) * 10.0,
            p95_us: Some(145_000),
            ..Snapshot::default()
        });
    }
    let offers = vec![Key::End, Key::More, Key::Fewer, Key::Pause];
    Shown {
        title: "TempoNest".into(),
        message: "waiting …".into(),
        offers,
        snapshot: Some(snapshot),
        history,
    }
}

fn drawn(columns: u16, lines: u16, shown: &Shown) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| draw(frame, shown)).unwrap();
    if columns == 0 {
        return String::new();
    }
    terminal
        .backend()
        .to_string()
        .lines()
        .map(|line| format!("{}\n", line.trim_matches('"').trim_end()))
        .collect()
}

#[test]
fn on_the_usual_terminal() {
    insta::assert_snapshot!(drawn(80, 24, &shown()), @"
    TempoNest                                                                 30s/2m
    ━━━━━━━━━━━━━━━━━━━━────────────────────────────────────────────────────────────
    users 12/50 · stage 1 of 2 until 40 s: 50 users
    412.3 rps  12 failed (0.194 %)  p95 145 ms  6184 requests
    300.0                         ▁▂▃▄▄▅▆▇█  145 ms   ██████████████████████████████
                        ▁▂▃▄▄▅▆▇███████████           ██████████████████████████████
    rps       ▁▂▃▄▄▅▆▇█████████████████████  p95      ██████████████████████████████
      endpoint        failed     rps     p50     p95     p99 threshold
    ⚠ GET list agents     40   266.7   94 ms  188 ms  376 ms p95 < 200ms
      GET query           20   133.3   45 ms   90 ms  180 ms
    ✗ GET execute          1    12.3   1.2 s   2.4 s   4.8 s avg < 1s +1 (1.4 s)
    ✓ plan  errors < 1%  0.19 %
    · tags kind=read  rps > 10  no data yet
    ✓ generator ok · cpu 42 % · lag 2.1 ms · pacing p99 900 µs
    waiting …
    q end  + more  - fewer users  p pause
    ");
}

#[test]
fn on_a_wide_one() {
    insta::assert_snapshot!(drawn(110, 14, &shown()), @"
    TempoNest                                                                                               30s/2m
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━───────────────────────────────────────────────────────────────────────────────────
    users 12/50 · stage 1 of 2 until 40 s: 50 users
    412.3 rps  12 failed (0.194 %)  p95 145 ms  6184 requests
    rps         ▁▁▁▁▂▂▂▂▃▃▃▄▄▄▄▅▅▅▅▆▆▆▆▇▇▇█                 p95      ██████████████████████████████
      endpoint        requests failed     rps     p50     p95     p99 threshold
    ⚠ GET list agents     4000     40   266.7   94 ms  188 ms  376 ms p95 < 200ms
      GET query           2000     20   133.3   45 ms   90 ms  180 ms
    ✗ GET execute          184      1    12.3   1.2 s   2.4 s   4.8 s avg < 1s +1 (1.4 s)
    ✓ plan  errors < 1%  0.19 %
    · tags kind=read  rps > 10  no data yet
    ✓ generator ok · cpu 42 % · lag 2.1 ms · pacing p99 900 µs
    waiting …
    q end  + more  - fewer users  p pause
    ");
}

#[test]
fn on_a_small_one() {
    insta::assert_snapshot!(drawn(40, 10, &shown()), @"
    TempoNest                         30s/2m
    ━━━━━━━━━━──────────────────────────────
    users 12/50 · stage 1 of 2 until 40 s: …
    412.3 rps  12 failed (0.194 %)
      endpoint       failed     rps     p95
    ✗ GET execute         1    12.3   2.4 s
      … and 2 more
    ✓ generator ok · cpu 42 % · lag 2.1 ms …
    waiting …
    q end  + more  - fewer users  p pause
    ");
}

#[test]
fn before_the_first_second() {
    let shown = Shown { snapshot: None, history: History::default(), ..shown() };
    insta::assert_snapshot!(drawn(60, 6, &shown), @"
    TempoNest
    users 0
    0.0 rps  0 failed  0 requests

    waiting …
    q end  + more  - fewer users  p pause
    ");
}

#[test]
fn what_was_changed_by_hand_is_seen() {
    let mut changed = shown();
    let snapshot = changed.snapshot.as_mut().unwrap();
    (snapshot.more_users, snapshot.is_paused) = (-5, true);
    let text = drawn(80, 24, &changed);
    assert!(text.contains("PAUSED · users 12/50 (-5 by hand)"), "{text}");
    assert!(text.contains("q end  + more  - fewer users  p go on"), "{text}");
}

#[test]
fn no_size_and_no_number_panics() {
    let mut odd = shown();
    let snapshot = odd.snapshot.as_mut().unwrap();
    snapshot.elapsed = Duration::MAX;
    snapshot.rps = f64::NAN;
    snapshot.rows.extend((0..300).map(|n| row(&format!("東京 {n}"), u64::MAX / 400, u64::MAX / 4)));
    odd.history.add(snapshot);
    for (columns, lines) in
        [(0, 0), (1, 1), (1, 50), (200, 1), (7, 3), (39, 9), (59, 20), (60, 20), (500, 200)]
    {
        for shown in [&odd, &shown(), &Shown::default()] {
            drawn(columns, lines, shown);
        }
    }
}

#[test]
fn what_does_not_fit_is_counted_and_what_is_broken_stays() {
    let mut many = shown();
    let snapshot = many.snapshot.as_mut().unwrap();
    snapshot.rows.splice(0..0, (0..30).map(|n| row(&format!("endpoint {n}"), 5000 + n, 1000)));
    snapshot.goals.iter_mut().for_each(|goal| goal.row = goal.row.map(|row| row + 30));
    let text = drawn(80, 20, &many);
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(place("✗ GET execute") < place("⚠ GET list agents"), "{text}");
    assert!(place("⚠ GET list agents") < place("endpoint 29"), "{text}");
    assert!(text.contains("… and 25 more") && !text.contains("endpoint 0"), "{text}");
}

#[test]
fn texts_of_plans_and_servers_are_only_text() {
    let hostile = "\u{1b}]0;x\u{7}\u{9b}2J\r\n\u{202e}evil";
    let mut all = shown();
    let snapshot = all.snapshot.as_mut().unwrap();
    snapshot.rows[0].name = hostile.into();
    snapshot.rows[0].method = Some(hostile.into());
    snapshot.stages = vec![hostile.into()];
    snapshot.goals[0].scope = format!("endpoint:{hostile}");
    snapshot.goals[1].expression = hostile.into();
    snapshot.generator.trouble = Some(hostile.into());
    let text = drawn(120, 30, &all);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
    assert_eq!(text.matches("␛]0;x␇").count(), 6, "{text}");
}
