//! A comparison as text for a terminal or a CI log. Must not print or decide.

use anstyle::{AnsiColor, Effects};

use crate::exit::Exit;
use crate::report::console::{Style, bold, paint};
use crate::report::text::{clean, cut, defuse_lines, pad_left, pad_right, width};

use super::texts::{Texts, head, verdict_words};
use super::{Cell, Comparison, Row, Verdict};

/// Columns of the metric's name, its indent included.
const NAME: usize = 8;
/// Columns of the other columns but the last, with the gaps before them.
const COLUMNS: [(&str, usize); 4] = [("base", 10), ("new", 10), ("change", 11), ("95 % interval", 21)];
/// Fewest columns with which the interval is shown.
const NARROW: usize = 74;

/// Everything worth reading; the last line is the verdict. Ends with a line end.
pub fn summary(comparison: &Comparison, style: Style) -> String {
    let mut out = vec![bold(&head(comparison), style), String::new()];
    if !comparison.rows.is_empty() {
        out.push(bold(&line("", &COLUMNS.map(|(title, _)| title.to_owned()), "", style), style));
        comparison.rows.iter().for_each(|row| out.extend(lines(row, style)));
        out.push(String::new());
    }
    if !comparison.notes.is_empty() {
        out.push(bold("Notes:", style));
        out.extend(comparison.notes.iter().map(|note| format!("  - {}", clean(note))));
        out.push(String::new());
    }
    let paint_of = colour(comparison.verdict).effects(Effects::BOLD);
    out.push(paint(&verdict_line(comparison), paint_of, style));
    defuse_lines(&(out.join("\n") + "\n"))
}

/// The one line that says what it came to, why, and with which exit code.
pub fn verdict_line(comparison: &Comparison) -> String {
    let (mark, word) = verdict_words(comparison.verdict);
    format!("{mark} {word} — {} · exit {}", clean(&comparison.reason), exit(comparison.verdict) as u8)
}

/// How the process ends.
pub fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Better | Verdict::Same => Exit::Pass,
        Verdict::Worse => Exit::Fail,
        Verdict::Unclear | Verdict::NotComparable => Exit::Invalid,
    }
}

fn lines(row: &Row, style: Style) -> Vec<String> {
    let room = if style.width == 0 { usize::MAX } else { style.width.max(20) };
    let note = row.note.as_ref().map_or_else(String::new, |note| format!(": {}", clean(note)));
    let mut out = vec![cut(&format!("{}{note}", row.label), room)];
    out.extend(row.cells.iter().map(|cell| cells(cell, style)));
    out
}

fn cells(cell: &Cell, style: Style) -> String {
    let texts = Texts::of(cell);
    let word = paint(texts.verdict, colour(cell.verdict), style);
    let verdict = if texts.remark.is_empty() { word } else { format!("{word}  {}", texts.remark) };
    line(texts.metric, &texts.values, &verdict, style)
}

fn line(name: &str, texts: &[String; 4], verdict: &str, style: Style) -> String {
    let shown = if style.width > 0 && style.width < NARROW { COLUMNS.len() - 1 } else { COLUMNS.len() };
    let mut out = pad_right(&format!("  {name}"), NAME);
    for ((_, columns), text) in COLUMNS.iter().zip(texts).take(shown) {
        out += &pad_left(text, (*columns).max(width(text) + 1));
    }
    format!("{out}  {verdict}").trim_end().to_owned()
}

fn colour(verdict: Verdict) -> anstyle::Style {
    match verdict {
        Verdict::Better => AnsiColor::Green.on_default(),
        Verdict::Same => anstyle::Style::new(),
        Verdict::Worse => AnsiColor::Red.on_default(),
        Verdict::Unclear | Verdict::NotComparable => AnsiColor::Yellow.on_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulated::{WORLD, World, runs};
    use super::super::{Options, compare};
    use super::*;

    fn comparison() -> Comparison {
        let world = World { seconds: 20, ..WORLD };
        let mut base = runs(world, 0..1, [1.0; 3]);
        base[0].doc.series.truncate(2);
        let mut new = runs(world, 1..2, [2.0, 1.0, 1.0]);
        new[0].doc.plan.name = "another".into();
        new[0].doc.plimsoll = "0.2.0\u{1b}[31m".into();
        compare(&base, &new, Options { margin: 0.05, force: false })
    }

    #[test]
    fn a_row_a_value_and_the_verdict_at_the_end() {
        let text = summary(&comparison(), Style { width: 0, color: false });
        assert!(
            text.starts_with("0.json → 1.json, margin 5 %, chance told from how the seconds differ\n"),
            "{text}"
        );
        assert!(text.contains("\nsearch\n  p50  "), "{text}");
        assert!(text.contains("\nexecute: only in the new runs\n"), "{text}");
        assert!(text.contains("  –  needs 1000 samples a side; "), "{text}");
        assert!(
            text.contains("\n  - not the same generator: linux x86_64 with 2 cores, plimsoll 0.1.0 → "),
            "{text}"
        );
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("✗ WORSE — ") && last.ends_with(" · exit 1"), "{last}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn colours_only_where_wanted_and_less_where_it_is_narrow() {
        let comparison = comparison();
        let coloured = summary(&comparison, Style { width: 0, color: true });
        assert!(coloured.contains("\u{1b}[31mworse\u{1b}[0m"), "{coloured}");
        let narrow = summary(&comparison, Style { width: 60, color: false });
        assert!(narrow.contains("change") && !narrow.contains("interval"), "{narrow}");
    }
}
