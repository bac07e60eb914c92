//! The result as GitHub's Markdown: for a pull request, a job's summary, a chat. Whatever came from plans and servers
//! stands in code, where it is neither markup nor a mention. Must not write files.

use super::model::{FailureGroup, ResultDocument};
use super::number;
use super::tables::{COUNTS, Row, tables};
use super::text::{clean, cut};
use super::verdict::{judged, mark, verdict_line};

/// Groups of failures shown.
const MOST_FAILURES: usize = 10;
/// Columns of a message shown.
const LONGEST: usize = 200;
/// Columns of the first table that are shown, by their place in [`COUNTS`].
const SHOWN: [usize; 5] = [0, 1, 2, 5, 6];

/// `doc` as Markdown with a line end.
pub fn render(doc: &ResultDocument) -> String {
    let title = format!("## {} {}\n", mark(doc.verdict), code(&doc.plan.name));
    let verdict = format!("**{}**\n", escaped(&verdict_line(doc)));
    let parts =
        [title, verdict, validity(doc), thresholds(doc), requests(doc), failures(doc), notes(doc), run(doc)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn validity(doc: &ResultDocument) -> String {
    let reasons = doc.generator.reasons.iter().map(|reason| format!("- {}\n", escaped(&reason.detail)));
    match doc.generator.valid {
        true => String::new(),
        false => format!("The generator was the limit:\n\n{}", reasons.collect::<String>()),
    }
}

fn thresholds(doc: &ResultDocument) -> String {
    let rows = doc.thresholds.iter().map(|threshold| {
        let t = judged(threshold);
        let cells = [&t.scope, &t.expression, &t.observed, &t.margin].map(|text| cell(text));
        row([t.mark.to_owned()].into_iter().chain(cells).chain([escaped(&t.note)]))
    });
    let rows: String = rows.collect();
    match rows.is_empty() {
        true => String::new(),
        false => format!("{}{rows}", header(&["", "scope", "threshold", "observed", "margin", "note"], 3..5)),
    }
}

fn requests(doc: &ResultDocument) -> String {
    let tables = tables(doc);
    let columns: Vec<&str> = SHOWN.iter().map(|at| COUNTS[*at]).collect();
    let names: Vec<&str> = ["request"].into_iter().chain(columns).chain(["95%", "99%"]).collect();
    let line = |shown: &Row| {
        let counts = SHOWN.iter().map(|at| shown.counts[*at].clone());
        let percentiles = [5, 7].map(|at| shown.percentiles[at].clone());
        row([cell(&shown.label)].into_iter().chain(counts).chain(percentiles))
    };
    let rows: String = tables.rows.iter().chain([&tables.aggregated]).map(line).collect();
    let others: String = tables.groups.iter().flat_map(|group| &group.rows).map(line).collect();
    let last = names.len();
    let more = match others.is_empty() {
        true => String::new(),
        false => format!(
            "\n<details><summary>Flows, readiness, auth and warm-up (not in Aggregated)</summary>\n\n{}{others}\n</details>\n",
            header(&names, 1..last)
        ),
    };
    format!("{}{rows}{more}\nTimes in ms.\n", header(&names, 1..last))
}

fn failures(doc: &ResultDocument) -> String {
    if doc.failures.is_empty() {
        return String::new();
    }
    let mut groups: Vec<&FailureGroup> = doc.failures.iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    let line = |group: &&FailureGroup| {
        let when = format!("{} – {}", number::moment(group.first_s), number::moment(group.last_s));
        let words = [&group.series, &group.kind].map(|text| cell(text));
        let message = cell(&cut(&clean(&group.message), LONGEST));
        row([group.count.to_string()].into_iter().chain(words).chain([message, when]))
    };
    let rows: String = groups.iter().take(MOST_FAILURES).map(line).collect();
    let more = match groups.len().saturating_sub(MOST_FAILURES) {
        0 => String::new(),
        more => format!("\n… and {}.\n", number::plural(more as u64, "more group")),
    };
    let header = header(&["failures", "request", "kind", "message", "when"], 0..1);
    format!("{header}{rows}{more}")
}

fn notes(doc: &ResultDocument) -> String {
    doc.notes.iter().map(|note| format!("- {}\n", escaped(note))).collect()
}

fn run(doc: &ResultDocument) -> String {
    let profile =
        doc.plan.profile.as_ref().map_or_else(String::new, |name| format!(" profile {}", code(name)));
    format!(
        "{}{profile} · {} · {} · seed {} · plimsoll {}\n",
        code(&doc.plan.file),
        code(&doc.run.started_at),
        number::span(doc.run.duration_s),
        doc.run.seed,
        escaped(&doc.plimsoll)
    )
}

/// The first two lines of a table; `numbers`: columns set to the right.
pub fn header(names: &[&str], numbers: std::ops::Range<usize>) -> String {
    let rule = (0..names.len()).map(|at| if numbers.contains(&at) { "---:" } else { "---" }.to_owned());
    format!("{}{}", row(names.iter().map(|name| escaped(name))), row(rule))
}

/// A line of a table.
pub fn row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// Text as code in a cell of a table, which a bar would end even there.
pub fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Text as code; nothing when there is none.
pub fn code(text: &str) -> String {
    let text = clean(text);
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    // One more mark than the longest row of them inside.
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let marks = "`".repeat(longest + 1);
    let gap = if longest > 0 { " " } else { "" };
    format!("{marks}{gap}{text}{gap}{marks}")
}

/// Text as text: no markup, and no mention of anybody.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            // A mark of no width keeps the name apart from what makes it a mention.
            '@' => out += "@\u{2060}",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_verdict_stands_first() {
        let text = render(&fixture::failing());
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("## ✗ `TempoNest <b>general</b>`"));
        assert!(
            lines.nth(1).unwrap().starts_with("**✗ FAIL — p95 of \"execute agent\" was 4.61 s"),
            "{text}"
        );
        assert!(text.contains("| ✗ | `execute agent` | `p95 < 2s` | `4.61 s` | `131 % over` |  |"), "{text}");
        assert!(text.contains("| `POST execute agent` | 423 | 12 |"), "{text}");
    }

    #[test]
    fn every_row_has_the_cells_of_its_header() {
        let mut doc = fixture::failing();
        doc.failures[0].message = "a|b ``c`` @everyone <img src=x>\n| d |".to_owned();
        doc.notes.push("see [x](http://x) @team *all* |".to_owned());
        let text = render(&doc);
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let mut wide = 0;
        for line in text.lines() {
            match line.starts_with("| ") {
                true if wide == 0 => wide = cells(line),
                true => assert_eq!(cells(line), wide, "{line}"),
                false => wide = 0,
            }
        }
        assert!(text.contains("``` a\\|b ``c`` @everyone <img src=x> \\| d \\| ```"), "{text}");
        assert!(text.contains("- see \\[x\\](http://x) @\u{2060}team \\*all\\* \\|\n"), "{text}");
    }

    #[test]
    fn an_empty_run_is_still_a_page() {
        let text = render(&fixture::empty());
        assert!(text.contains("PASS") && text.contains("| `Aggregated` | 0 | 0 | – |"), "{text}");
    }
}
