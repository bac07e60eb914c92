//! The page as a browser and its reader get it.

use super::*;
use crate::report::model::*;
use crate::report::{fixture, tables, verdict};

/// Text of the page with the template engine's escapes undone, for comparing numbers and names.
fn unescaped(page: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")]
        .iter()
        .fold(page.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// 4 hours of 100 endpoints, most of them with everything a row can have.
fn large() -> ResultDocument {
    let mut doc = fixture::failing();
    let pattern = doc.series.iter().find(|s| s.name == "execute agent").cloned().unwrap();
    let group = doc.failures[0].clone();
    let threshold = doc.thresholds[0].clone();
    let seconds = 4 * 3600;
    doc.run.duration_s = seconds as f64;
    doc.timeline = fixture::timeline(seconds);
    let names: Vec<String> = (0..100).map(|n| format!("POST /api/v1/resources/{n}/items")).collect();
    for name in &names {
        let mut row = Series { name: name.clone(), ..pattern.clone() };
        row.latency_ok_us = row.latency_us.clone().map(|d| Distribution { count: d.count - 1, ..d });
        for phase in [&mut row.wait_us, &mut row.dns_us, &mut row.connect_us, &mut row.tls_us] {
            *phase = row.latency_us.clone();
        }
        for phase in [&mut row.send_us, &mut row.ttfb_us, &mut row.receive_us] {
            *phase = row.latency_us.clone();
        }
        doc.series.push(row);
        doc.thresholds.push(ThresholdResult { scope: format!("endpoint:{name}"), ..threshold.clone() });
        doc.failures.extend((0..5).map(|_| FailureGroup { series: name.clone(), ..group.clone() }));
    }
    for (at, second) in doc.timeline.iter_mut().enumerate() {
        second.invalid = at % 2 == 0;
        // Some seconds of each point are enough to have all points. No two rows alike, and nothing level.
        if at % 12 != 0 {
            continue;
        }
        let row = |n: usize| {
            let us = 1000 + ((at * 7919 + n * 104_729) % 9973) as u64 * 100;
            let [requests, failures] = [10 + us % 7, us % 3];
            SeriesInterval {
                requests,
                failures,
                p50_us: us,
                p95_us: us * 2,
                p99_us: us * 3,
                ..SeriesInterval::default()
            }
        };
        second.per_series = names.iter().enumerate().map(|(n, name)| (name, row(n))).collect();
    }
    doc
}

/// How every run can end.
fn ends() -> Vec<(&'static str, ResultDocument, &'static str)> {
    let of = |verdict, ended, exit_code: u8| {
        let mut doc = fixture::failing();
        (doc.verdict, doc.run.ended, doc.exit_code) = (verdict, ended, exit_code);
        doc.generator.valid = verdict != Verdict::Invalid;
        doc
    };
    vec![
        ("failing", fixture::failing(), "<strong>FAIL</strong> <span>ran to its end, 2m</span>"),
        ("empty", fixture::empty(), "<strong>PASS</strong> <span>ran to its end, 2m</span>"),
        ("familiar", fixture::familiar(), "<strong>PASS</strong>"),
        (
            "invalid",
            of(Verdict::Invalid, Ended::Completed, 4),
            "<strong>INVALID</strong> <span>ran to its end, 2m</span>",
        ),
        (
            "aborted",
            of(Verdict::Fail, Ended::Aborted, 1),
            "<strong>FAIL</strong> <span>aborted by a threshold, after 2m</span>",
        ),
        (
            "interrupted",
            of(Verdict::Interrupted, Ended::Interrupted, 130),
            "<strong>INTERRUPTED</strong> <span>stopped by a signal, after 2m</span>",
        ),
        (
            "failed",
            of(Verdict::Fail, Ended::Failed, 3),
            "<strong>FAIL</strong> <span>could not go on, after 2m</span>",
        ),
        (
            "unfinished",
            of(Verdict::Interrupted, Ended::Unfinished, 130),
            "<strong>INTERRUPTED</strong> <span>no end recorded: a checkpoint after 2m</span>",
        ),
    ]
}

/// Set `PLIMSOLL_LOOK` to a folder to look at the pages.
#[test]
fn every_end_is_told_first() {
    for (name, doc, first) in ends() {
        let page = render(&doc).unwrap();
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert!(page.len() < 300_000, "{name}: {} bytes", page.len());
        let body = page.split("<body>").nth(1).unwrap();
        let banner = body.split("<h1>").next().unwrap();
        assert!(banner.contains(first), "{name}: {banner}");
        assert!(
            unescaped(banner).contains(&doc.reason) && banner.contains(&format!("exit {}", doc.exit_code))
        );
        look(name, &page);
    }
}

fn look(name: &str, page: &str) {
    if let Some(folder) = std::env::var_os("PLIMSOLL_LOOK") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), page).unwrap();
    }
}

#[test]
fn a_long_run_of_many_endpoints_stays_small() {
    let page = render(&large()).unwrap();
    look("large", &page);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<details class=\"row\"").count(), 107);
    assert!(page.contains("Each point is"));
}

#[test]
fn nothing_is_loaded_and_nothing_hostile_is_alive() {
    let page = render(&fixture::failing()).unwrap();
    // Our own script is the last; it is checked by its hash.
    let lower = page.split("<script>").next().unwrap().to_lowercase();
    for tag in
        ["<img", "<link", "<iframe", "<object", "<b>", "@import", "url(", "http://", "https://", "style=\""]
    {
        assert!(!lower.contains(tag), "{tag}");
    }
    for link in lower.split("<a ").skip(1) {
        assert!(link.starts_with("href=\"#"), "{link:.40}");
    }
    assert_eq!(page.matches("<script>").count(), 1, "our own, which the policy names");
    let data: Vec<_> = lower.split("<script").skip(1).collect();
    assert!(data.len() >= 4, "numbers of charts");
    for block in data {
        let json =
            block.strip_prefix(" type=\"application/json\">").unwrap().split("</script>").next().unwrap();
        assert!(!json.contains(['<', '>', '&']), "{json}");
    }
    assert!(page.contains("&lt;script&gt;alert("));
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    let markup = page.split("<script>").next().unwrap();
    for tag in markup.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap_or_default();
        assert!(!inside.contains(" on") && !inside.contains("javascript:"), "{inside}");
    }
}

/// The policy allows exactly the style and the script that are there, and nothing from anywhere.
#[test]
fn the_policy_names_what_is_there() {
    let page = render(&fixture::failing()).unwrap();
    let policy =
        page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    let inside = |tag: &str| {
        let text =
            page.split(&format!("<{tag}>")).nth(1).unwrap().split(&format!("</{tag}>")).next().unwrap();
        hash(text)
    };
    let (style, script) = (inside("style"), inside("script"));
    assert_eq!(
        unescaped(policy),
        format!(
            "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
        )
    );
}

#[test]
fn what_broke_says_since_when_and_where() {
    let page = unescaped(&render(&fixture::failing()).unwrap());
    let broke = page.split("<h2 id=\"broke\">").nth(1).unwrap().split("</section>").next().unwrap();
    for words in [
        "<a href=\"#row-3\">execute agent</a></strong> p95 < 2s: it was 4.61 s, 131 % over",
        "p95 of single seconds above 2 s in ",
        "worst from 41 s to 1m 11s",
        "p99.9 < 1s: no data, it has 240 samples",
        "9 × status: expected 2xx, got 500",
        "from 6.2 s to 1m 50s",
    ] {
        assert!(broke.contains(words), "{words}:\n{broke}");
    }
    assert!(page.contains("<div id=\"row-3\""), "the link leads somewhere");
    let calm = render(&fixture::familiar()).unwrap();
    assert!(calm.contains("No request failed. The plan has no thresholds"));
}

#[test]
fn an_invalid_run_says_why_and_when() {
    let mut doc = fixture::failing();
    doc.verdict = Verdict::Invalid;
    doc.generator.valid = false;
    doc.generator.reasons = vec![InvalidReason {
        kind: "stall".into(),
        from_s: 31.0,
        to_s: 33.0,
        detail: "a worker stood still for 1.2 s".into(),
    }];
    (31..34).for_each(|second| doc.timeline[second].invalid = true);
    let page = unescaped(&render(&doc).unwrap());
    let trust = page.split("<h2 id=\"trust\">").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(trust.contains("stall, from 31 s to 33 s: a worker stood still for 1.2 s"));
    assert!(trust.contains("3 seconds of 120 are shaded in the charts"));
    assert!(page.contains("<path class=\"shade invalid\""));
}

#[test]
fn stages_warm_up_and_abort_are_marked() {
    let mut doc = fixture::failing();
    let mark = |at_s, kind, label: &str| Mark { at_s, kind, label: label.into() };
    doc.run.marks = vec![
        mark(10.0, MarkKind::WarmupEnd, "warm-up ends"),
        mark(30.0, MarkKind::Stage, "50 users"),
        mark(60.0, MarkKind::ByHand, "+4 users by hand"),
        mark(90.0, MarkKind::Abort, "errors < 1% ended the run"),
    ];
    let page = unescaped(&render(&doc).unwrap());
    assert!(page.contains("<path class=\"shade warm\"") && page.contains("<path class=\"moment abort\""));
    assert!(page.contains(
        "Marked: 10 s: warm-up ends, 30 s: 50 users, 1m: +4 users by hand, 1m 30s: errors < 1% ended the run."
    ));
}

#[test]
fn failures_come_with_a_hint() {
    let page = unescaped(&render(&fixture::failing()).unwrap());
    assert!(
        page.contains("Look at: the service's logs") && page.contains("Look at: the target is slow or stuck")
    );
}

#[test]
fn numbers_equal_those_of_the_console() {
    let doc = fixture::failing();
    let page = unescaped(&render(&doc).unwrap()).replace("<td class=\"bad\">", "<td>");
    let console =
        crate::report::console::details(&doc, crate::report::console::Style { width: 0, color: false });
    let tables = tables::tables(&doc);
    for row in tables.rows.iter().chain([&tables.aggregated]) {
        let cells: Vec<_> = row.counts.iter().map(|c| format!("<td>{c}</td>")).collect();
        assert!(page.contains(&cells.join("")), "{row:?}");
        let line = console.lines().find(|l| l.starts_with(&row.label)).unwrap();
        let shown: Vec<_> = line[row.label.len()..].split_whitespace().filter(|w| *w != "|").collect();
        assert_eq!(shown, row.counts);
        let cells: Vec<_> = row.percentiles.iter().map(|c| format!("<td>{c}</td>")).collect();
        assert!(page.contains(&cells.join("")), "{row:?}");
    }
    for threshold in &doc.thresholds {
        let t = verdict::judged(threshold);
        assert!(page.contains(&t.observed) && console.contains(&t.observed));
        assert!(page.contains(&t.target) && console.contains(&t.target));
    }
}

#[test]
fn lines_have_gaps_and_thresholds() {
    let page = render(&fixture::failing()).unwrap();
    assert!(page.contains("<title id=\"latency-t\">Latency</title>"));
    let chart = page.split("<title id=\"latency-t\">").nth(1).unwrap().split("</svg>").next().unwrap();
    let p95 = chart.split("<path class=\"line c2\" d=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(p95.matches('M').count(), 2, "one gap: {p95}");
    assert!(chart.contains("class=\"limit\""));
    assert!(!page.contains("Each point is"));
}

/// Every picture has a name and a description, every header cell says what it heads.
#[test]
fn what_is_drawn_is_also_said() {
    let page = render(&fixture::failing()).unwrap();
    assert_eq!(page.matches("role=\"img\"").count(), page.matches("<desc id=").count());
    let mut ids: Vec<_> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "ids are unique");
    for label in page.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(label.split(' ').all(|id| ids.binary_search(&id).is_ok()), "{label}");
    }
    assert!(
        page.split("<th")
            .skip(1)
            .all(|th| th.starts_with("ead>") || th.split('>').next().unwrap().contains("scope="))
    );
}

#[test]
fn the_command_survives_a_shell() {
    let page = unescaped(&render(&fixture::failing()).unwrap());
    assert!(page.contains("plimsoll run 'plans/temponest general.yaml' --profile ci --seed 42"));
}

#[test]
fn the_mean_of_the_cpu_is_that_of_the_load() {
    let mut doc = fixture::failing();
    // What it used before counts in the sum: a program that became this one, say.
    (doc.generator.cpu_s, doc.generator.cpu_share) = (Some(1e6), vec![0.2, 0.4]);
    assert!(render(&doc).unwrap().contains("30 % of 2 cores, at most 40 %"));
    doc.generator.cpu_share.clear();
    doc.generator.cpu_s = Some(0.5 * doc.run.duration_s);
    assert!(render(&doc).unwrap().contains("25 % of 2 cores"));
}

#[test]
fn odd_numbers_do_not_panic() {
    let mut doc = fixture::failing();
    doc.run.duration_s = f64::NAN;
    doc.totals.rps = f64::INFINITY;
    doc.thresholds[4].target = Some(f64::NAN);
    doc.thresholds[0].target = Some(0.0);
    doc.timeline[3].rps = Some(f64::NAN);
    doc.timeline.truncate(1);
    render(&doc).unwrap();
    doc.timeline[0].at_s = 0;
    render(&doc).unwrap();
}
