//! A comparison as GitHub's Markdown: for a pull request or a job's summary. Whatever came from results stands in code, where
//! it is neither markup nor a mention. Must not write files.

use std::fmt::Write as _;

use crate::report::markdown::{cell, code, escaped, header, row};

use super::table::verdict_line;
use super::texts::{Texts, head, verdict_words};
use super::{Comparison, Row, Verdict};

/// Rows shown; more would be longer than a comment may be.
const MOST_ROWS: usize = 200;

/// `comparison` as Markdown with a line end: what is worse or better first, all of it folded below.
pub fn render(comparison: &Comparison) -> String {
    let (mark, word) = verdict_words(comparison.verdict);
    let mut out =
        format!("## {mark} {word}: {}\n\n**{}**\n", sides(comparison), escaped(&verdict_line(comparison)));
    let changed = table(&comparison.rows, |verdict| matches!(verdict, Verdict::Worse | Verdict::Better));
    if !changed.is_empty() {
        let _ = write!(out, "\n{changed}");
    }
    let all = table(&comparison.rows, |_| true);
    if !all.is_empty() {
        let _ = write!(out, "\n<details><summary>All values</summary>\n\n{all}\n</details>\n");
    }
    let only = comparison.rows.iter().filter_map(|row| Some((row, row.note.as_ref()?)));
    let only = only.take(MOST_ROWS).map(|(row, note)| format!("- {}: {}\n", code(&row.label), escaped(note)));
    let notes = comparison.notes.iter().map(|note| format!("- {}\n", escaped(note)));
    let remarks: String = only.chain(notes).collect();
    if !remarks.is_empty() {
        let _ = write!(out, "\n{remarks}");
    }
    let _ = writeln!(out, "\n{}", escaped(&head(comparison)));
    out
}

fn sides(comparison: &Comparison) -> String {
    let side = |names: &[String]| match names {
        [] => "no run to use".to_owned(),
        [one] => code(one),
        names => format!("{} runs", names.len()),
    };
    format!("{} → {}", side(&comparison.base), side(&comparison.new))
}

/// The values whose verdict is wanted; empty when there are none.
fn table(rows: &[Row], wanted: fn(Verdict) -> bool) -> String {
    let mut lines = String::new();
    for one in rows.iter().take(MOST_ROWS) {
        for value in one.cells.iter().filter(|value| wanted(value.verdict)) {
            let texts = Texts::of(value);
            let values = texts.values.iter().map(|text| cell(text));
            let name = [cell(&one.label), escaped(texts.metric)];
            let verdict = [escaped(texts.verdict), escaped(&texts.remark)];
            lines += &row(name.into_iter().chain(values).chain(verdict));
        }
    }
    match lines.is_empty() {
        true => lines,
        false => {
            header(&["request", "", "base", "new", "change", "95 % interval", "verdict", ""], 2..6) + &lines
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulated::{WORLD, World, runs};
    use super::super::{Options, compare};
    use super::*;

    #[test]
    fn what_changed_stands_first_and_hostile_words_are_code() {
        let world = World { seconds: 20, ..WORLD };
        let base = runs(world, 0..1, [1.0; 3]);
        let mut new = runs(world, 1..2, [2.0, 1.0, 1.0]);
        let hostile = "a|b ``c`` @everyone <img src=x>\n| d |";
        let mut side = [base, new.split_off(0)];
        for run in side.iter_mut().flatten() {
            run.name = hostile.to_owned();
            run.doc.series[0].name = hostile.to_owned();
        }
        let [base, new] = side;
        let comparison = compare(&base, &new, Options::default());
        let text = render(&comparison);
        assert!(text.starts_with("## ✗ WORSE: "), "{text}");
        let (changed, all) = text.split_once("<details>").unwrap();
        assert!(changed.contains("| worse |") && !changed.contains("| same |"), "{text}");
        assert!(all.contains("| same |"), "{text}");
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        for line in text.lines().filter(|line| line.starts_with("| ")) {
            assert_eq!(cells(line), 9, "{line}");
        }
        for line in text.lines() {
            let outside: String = line.split('`').step_by(2).collect();
            assert!(!outside.contains("<img") && !outside.contains("@everyone"), "{line}");
        }
        for cell in comparison.rows.iter().flat_map(|row| &row.cells) {
            for value in Texts::of(cell).values.iter().filter(|value| !value.is_empty()) {
                assert!(text.contains(&format!("`{value}`")), "{value}");
            }
        }
    }
}
