//! What the index says of runs, and that nothing in it is taken for markup.

use super::*;
use crate::report::fixture;
use crate::report::html::render_index;
use crate::report::json;
use crate::report::model::ResultDocument;

fn kept(second: u32, change: impl FnOnce(&mut ResultDocument)) -> KeptRun {
    let mut doc = fixture::failing();
    change(&mut doc);
    let brief = Brief::read(json::to_string(&doc).unwrap().as_bytes()).unwrap();
    KeptRun { folder: format!("2026-03-02T10-15-{second:02}Z"), has_page: true, brief }
}

/// Four runs, the newest first: changed plan, invalid, warn, pass.
fn four() -> Runs {
    let runs = vec![
        kept(4, |doc| doc.plan.sha256 = "b".repeat(64)),
        kept(3, |doc| {
            doc.verdict = Verdict::Invalid;
            doc.totals.latency_us.as_mut().unwrap().p95 = 77_000_000;
        }),
        kept(2, |doc| doc.verdict = Verdict::Warn),
        kept(1, |doc| {
            doc.verdict = Verdict::Pass;
            doc.reason = "fine".to_owned();
        }),
    ];
    Runs { runs, skipped: vec![], older: 0 }
}

#[test]
fn each_run_is_a_row_with_its_page() {
    let page = page(&four());
    assert_eq!(page.runs.len(), 4);
    assert_eq!(page.runs[0].link, "2026-03-02T10-15-04Z/report.html");
    assert_eq!(page.runs[0].when, "2026-03-02 10:15:04");
    let words: Vec<_> = page.runs.iter().map(|run| run.word).collect();
    assert_eq!(words, ["FAIL", "INVALID", "WARN", "PASS"]);
    let changed: Vec<_> = page.runs.iter().map(|run| run.has_changed).collect();
    assert_eq!(changed, [true, false, false, false]);
    let doc = fixture::failing();
    assert_eq!(page.runs[3].requests, doc.totals.requests.to_string());
    assert_eq!(page.runs[3].p95, seconds(doc.totals.latency_us.unwrap().p95 as f64 / 1e6));
    let html = render_index(&four()).unwrap();
    assert!(html.contains("<a href=\"2026-03-02T10-15-04Z&#x2f;report.html\">"));
    assert!(html.contains("bbbbbbbb</code>"));
    assert!(!html.contains("<script") && !html.contains("script-src"));
}

#[test]
fn marks_are_times_where_all_runs_are_of_one_day() {
    let labels = |runs: &Runs| {
        let plot = page(runs).plots.remove(0);
        plot.x_ticks.into_iter().map(|tick| tick.label).collect::<Vec<_>>()
    };
    let mut runs = four();
    assert_eq!(labels(&runs), ["10:15"; 4]);
    runs.runs[3].folder = "2026-03-01T09-00-00Z".to_owned();
    assert_eq!(labels(&runs), ["03-01", "03-02", "03-02", "03-02"]);
}

#[test]
fn trends_leave_out_what_says_nothing() {
    let page = page(&four());
    let ids: Vec<_> = page.plots.iter().map(|plot| plot.id.as_str()).collect();
    assert_eq!(ids, ["p95", "failed", "rps"]);
    let p95 = &page.plots[0];
    assert!(!p95.description.contains("77"), "an invalid run is a gap: {}", p95.description);
    assert!(p95.description.ends_with(" over 4 runs; the newest 2.57 s"), "{}", p95.description);
    assert_eq!(p95.lines[0].d.matches('M').count(), 2, "{}", p95.lines[0].d);
    let dots: Vec<_> =
        p95.lines[1..].iter().map(|line| (line.label.as_str(), line.d.matches("h1").count())).collect();
    assert_eq!(dots, [("pass", 1), ("warn", 1), ("fail", 1)]);
}

#[test]
fn other_profiles_are_other_loads() {
    let mut runs = four();
    runs.runs[2].brief.plan.profile = Some("smoke".to_owned());
    let page = page(&runs);
    assert_eq!(page.runs.len(), 4);
    assert!(page.plots[0].description.contains(" over 3 runs"), "{}", page.plots[0].description);
    assert!(page.trends.ends_with("; only runs with the profile ci."), "{}", page.trends);
}

#[test]
fn few_runs_and_none() {
    let one = Runs { runs: vec![kept(1, |_| ())], ..Runs::default() };
    assert!(page(&one).plots.iter().all(|plot| plot.lines.iter().all(|line| line.d.ends_with("h1"))));
    let mut empty = fixture::empty();
    empty.totals.rps = f64::MAX;
    empty.run.duration_s = -1.0;
    let brief = Brief::read(json::to_string(&empty).unwrap().as_bytes()).unwrap();
    let odd = Runs {
        runs: vec![KeptRun { folder: "2026-03-02T10-15-01Z-02".to_owned(), has_page: false, brief }],
        ..Runs::default()
    };
    let page = page(&odd);
    assert_eq!((page.runs[0].p95.as_str(), page.runs[0].duration.as_str()), ("–", "–"));
    assert_eq!((page.runs[0].when.as_str(), page.runs[0].link.as_str()), ("2026-03-02 10:15:01 (02)", ""));
    let none =
        render_index(&Runs { skipped: vec![("x".to_owned(), "no result".to_owned())], ..Runs::default() })
            .unwrap();
    assert!(none.contains("There is no run here that can be shown.") && none.contains("x: no result"));
}

#[test]
fn a_checkpoint_is_called_unfinished() {
    let mut runs = four();
    runs.runs[0].brief.run.ended = Ended::Unfinished;
    let page = page(&runs);
    assert_eq!((page.runs[0].word, page.runs[0].data.as_str()), ("UNFINISHED", ""));
    assert!(page.plots[0].lines.iter().all(|line| line.label != "fail"));
}

#[test]
fn hostile_words_are_text() {
    let attack = "</style></title><script>hit=1</script><img src=x onerror=hit=1>\u{202e}";
    let mut runs = four();
    runs.runs[0] = kept(4, |doc| {
        doc.plan.name = attack.to_owned();
        doc.reason = attack.to_owned();
        doc.plan.sha256 = attack.to_owned();
        doc.plan.profile = Some(attack.to_owned());
    });
    runs.skipped = (0..20).map(|n| (format!("{n}{attack}"), attack.to_owned())).collect();
    let html = render_index(&runs).unwrap();
    assert!(!html.contains("<script>") && !html.contains("<img"), "{html}");
    assert_eq!(html.matches("</style>").count(), 1);
    assert!(html.contains("10 more"));
}
