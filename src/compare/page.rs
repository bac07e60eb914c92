//! A comparison with its runs, for the HTML report: the same words and numbers as on the terminal. Must not draw.

use crate::report::html::{Beside, BesideCell, BesideRow, Side};
use crate::report::model::{ResultDocument, Series, SeriesKind};

use super::texts::{Texts, head, verdict_words};
use super::{Cell, Comparison, Row, Run, Verdict, table};

/// The comparison of these runs; those that it left out are left out here too. `decides`: whether its verdict is the one
/// that the page is about.
pub fn beside<'a>(comparison: &Comparison, base: &'a [Run], new: &'a [Run], decides: bool) -> Beside<'a> {
    let (mark, word) = verdict_words(comparison.verdict);
    let sides = [side(base, &comparison.base), side(new, &comparison.new)];
    let rows = comparison.rows.iter().map(|one| row(one, &sides)).collect();
    Beside {
        class: class(comparison.verdict).unwrap_or("pass"),
        mark,
        word,
        reason: comparison.reason.clone(),
        exit_code: decides.then(|| table::exit(comparison.verdict) as u8),
        head: head(comparison),
        notes: comparison.notes.clone(),
        sides,
        rows,
    }
}

/// The runs that were used; all of them where none was.
fn side<'a>(runs: &'a [Run], used: &[String]) -> Side<'a> {
    let of = |keep: &dyn Fn(&&Run) -> bool| {
        let kept: Vec<&Run> = runs.iter().filter(|run| keep(run)).collect();
        Side {
            names: kept.iter().map(|run| run.name.clone()).collect(),
            docs: kept.iter().map(|run| &run.doc).collect(),
        }
    };
    match used.is_empty() {
        true => of(&|_| true),
        false => of(&|run| used.contains(&run.name)),
    }
}

fn row<'a>(row: &Row, sides: &[Side<'a>; 2]) -> BesideRow<'a> {
    let of = |verdict: Verdict| row.cells.iter().any(|cell| cell.verdict == verdict);
    let (class, mark) = match () {
        () if of(Verdict::Worse) => ("fail", "✗"),
        () if of(Verdict::Better) => ("pass", "✓"),
        () if of(Verdict::Unclear) => ("warn", "?"),
        () => ("", "="),
    };
    BesideRow {
        label: row.label.clone(),
        class,
        mark,
        is_changed: of(Verdict::Worse) || of(Verdict::Better),
        note: row.note.clone().unwrap_or_default(),
        cells: row.cells.iter().map(cell).collect(),
        series: sides.each_ref().map(|side| side.docs.iter().filter_map(|doc| series(doc, row)).collect()),
    }
}

fn series<'a>(doc: &'a ResultDocument, row: &Row) -> Option<&'a Series> {
    match row.kind {
        SeriesKind::Total => Some(&doc.totals),
        kind => doc
            .series
            .iter()
            .find(|one| one.name == row.name && one.kind == kind && one.scenario == row.scenario),
    }
}

fn cell(cell: &Cell) -> BesideCell {
    let Texts { metric, values: [base, new, change, interval], verdict, remark } = Texts::of(cell);
    let class = match cell.verdict {
        Verdict::NotComparable => None,
        verdict => class(verdict),
    };
    BesideCell { metric, base, new, change, interval, class: class.unwrap_or_default(), verdict, remark }
}

/// The colour of a verdict; none where nothing changed.
fn class(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Better => Some("pass"),
        Verdict::Same => None,
        Verdict::Worse => Some("fail"),
        Verdict::Unclear | Verdict::NotComparable => Some("warn"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulated::{WORLD, World, runs};
    use super::super::{Options, compare};
    use super::*;
    use crate::report::console::Style;
    use crate::report::html::render_both;

    const HOSTILE: &str = "<script>alert('x')</script>";

    fn sides(each: u64) -> (Vec<Run>, Vec<Run>) {
        let world = World { seconds: 30, ..WORLD };
        let (base, mut new) = (runs(world, 0..each, [1.0; 3]), runs(world, 100..100 + each, [1.5, 1.0, 1.0]));
        for run in &mut new {
            run.doc.plan.name = HOSTILE.to_owned();
            run.name = format!("{HOSTILE}{}", run.name);
        }
        (base, new)
    }

    #[test]
    fn the_page_has_the_numbers_of_the_terminal() {
        for each in [1, 4] {
            let (base, new) = sides(each);
            let comparison = compare(&base, &new, Options::default());
            let terminal = table::summary(&comparison, Style { width: 0, color: false });
            let page = render_both(&beside(&comparison, &base, &new, true)).unwrap();
            let mut cells = 0;
            for cell in comparison.rows.iter().flat_map(|row| &row.cells) {
                for text in Texts::of(cell).values.iter().filter(|text| !text.is_empty()) {
                    assert!(terminal.contains(text.as_str()), "{text} is not on the terminal");
                    let escaped = text.replace('/', "&#x2f;");
                    assert!(page.contains(&format!(">{escaped}</td>")), "{text} is not on the page");
                    cells += 1;
                }
            }
            assert!(cells > 60, "{cells}");
            assert!(page.contains("<strong>WORSE</strong>") && page.contains("exit 1"), "{page}");
            assert!(page.contains("chance told from how the "), "{page}");
        }
    }

    #[test]
    fn both_runs_are_in_every_chart_and_nothing_of_theirs_is_markup() {
        let (base, new) = sides(1);
        let comparison = compare(&base, &new, Options::default());
        let page = render_both(&beside(&comparison, &base, &new, true)).unwrap();
        let charts: Vec<_> = page.split("<figure class=\"chart\">").skip(1).collect();
        assert_eq!(page.matches("<details class=\"row\"").count(), comparison.rows.len());
        assert!(charts.len() >= 3 * comparison.rows.len(), "{}", charts.len());
        for chart in charts {
            let chart = chart.split("</figure>").next().and_then(|chart| chart.split_once("<g "));
            let chart = chart.unwrap().1;
            assert_eq!(chart.matches("<path class=\"line c6 dash\" d=\"M").count(), 1, "{chart}");
            assert_eq!(chart.matches("<path class=\"line c1\" d=\"M").count(), 1, "{chart}");
        }
        assert!(!page.contains(HOSTILE) && page.contains("&lt;script&gt;"), "{page}");
        let body = page.split("<script>").next().unwrap();
        assert!(
            !body.contains("http:") && !body.contains("https:") && !body.contains("src="),
            "nothing is loaded"
        );
    }

    #[test]
    fn what_cannot_be_compared_is_a_page_without_numbers() {
        let (base, mut new) = sides(1);
        new[0].doc.generator.valid = false;
        let comparison = compare(&base, &new, Options::default());
        let page = render_both(&beside(&comparison, &base, &new, true)).unwrap();
        assert!(page.contains("<strong>NOT COMPARABLE</strong>") && page.contains("exit 4"), "{page}");
        assert!(!page.contains("<figure") && !page.contains("data-name=\"Base\""), "{page}");
    }
}
