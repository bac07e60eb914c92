//! The page as a browser and its reader get it.

use super::*;
use crate::report::{fixture, tables, verdict};

/// Text of the page with the template engine's escapes undone, for comparing numbers and names.
fn unescaped(page: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")]
        .iter()
        .fold(page.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Set `PLIMSOLL_LOOK` to a folder to look at the pages.
#[test]
fn pages_render() {
    let mut long = fixture::failing();
    long.timeline = fixture::timeline(6 * 3600);
    long.run.duration_s = 6.0 * 3600.0;
    let mut invalid = fixture::empty();
    invalid.verdict = crate::report::model::Verdict::Invalid;
    invalid.generator.valid = false;
    for (name, doc) in [
        ("failing", fixture::failing()),
        ("empty", fixture::empty()),
        ("familiar", fixture::familiar()),
        ("long", long),
        ("invalid", invalid),
    ] {
        let page = render(&doc).unwrap();
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert!(page.len() < 300_000, "{name}: {} bytes", page.len());
        if let Some(folder) = std::env::var_os("PLIMSOLL_LOOK") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), page).unwrap();
        }
    }
}

#[test]
fn nothing_is_loaded_and_nothing_hostile_is_alive() {
    let page = render(&fixture::failing()).unwrap();
    let lower = page.to_lowercase();
    for tag in [
        "<script", "<img", "<link", "<iframe", "<object", "<a ", "<b>", "@import", "url(", "http://",
        "https://",
    ] {
        assert!(!lower.contains(tag), "{tag}");
    }
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'"));
    assert!(page.contains("&lt;script&gt;alert("));
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    for tag in page.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap_or_default();
        assert!(!inside.contains(" on") && !inside.contains("javascript:"), "{inside}");
    }
}

#[test]
fn numbers_equal_those_of_the_console() {
    let doc = fixture::failing();
    let page = unescaped(&render(&doc).unwrap()).replace("<td class=\"bad\">", "<td>");
    let console =
        crate::report::console::summary(&doc, crate::report::console::Style { width: 0, color: false });
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
    assert!(page.contains("<title id=\"latency-title\">Latency</title>"));
    let paths = page.split("<path class=\"line c2\" d=\"").skip(1).filter_map(|p| p.split('"').next());
    let p95 = paths.max_by_key(|d| d.len()).unwrap();
    assert_eq!(p95.matches('M').count(), 2, "one gap: {p95}");
    assert!(page.contains("class=\"limit\""));
    assert!(!page.contains("Each point is"));
}

#[test]
fn the_command_survives_a_shell() {
    let page = unescaped(&render(&fixture::failing()).unwrap());
    assert!(page.contains("plimsoll run 'plans/temponest general.yaml' --profile ci --seed 42"));
}

#[test]
fn odd_numbers_do_not_panic() {
    let mut doc = fixture::failing();
    doc.run.duration_s = f64::NAN;
    doc.totals.rps = f64::INFINITY;
    doc.thresholds[4].target = f64::NAN;
    doc.thresholds[0].target = 0.0;
    doc.timeline[3].rps = f64::NAN;
    doc.timeline.truncate(1);
    render(&doc).unwrap();
    doc.timeline[0].at_s = 0;
    render(&doc).unwrap();
}
