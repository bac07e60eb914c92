//! What a comparison says in words and numbers, once for the terminal, the page and Markdown. Must not lay anything out.

use crate::report::number::{NONE, plural};
use crate::report::text::clean;

use super::judge::{change_shown, name, shown};
use super::{Cell, Comparison, Method, Verdict};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Texts {
    /// `p95`
    pub metric: &'static str,
    /// Base, new, change, 95 % interval of the change.
    pub values: [String; 4],
    /// `worse`
    pub verdict: &'static str,
    /// What there is to say beside it.
    pub remark: String,
}

impl Texts {
    pub(super) fn of(cell: &Cell) -> Self {
        let value =
            |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), |value| shown(cell.metric, value));
        let change = |change: f64| change_shown(cell.metric, change);
        // The unit once is enough.
        let interval = cell.interval.map_or_else(String::new, |[low, high]| {
            let low = change(low);
            format!("{} … {}", low.split(' ').next().unwrap_or_default(), change(high))
        });
        let is_change = matches!(cell.verdict, Verdict::Better | Verdict::Worse);
        let pairs = cell.higher_in.filter(|_| is_change);
        let pairs = pairs.map(|[n, of]| format!("higher in {n} of {of} pairs of runs"));
        let beside: Vec<String> =
            pairs.into_iter().chain(cell.note.as_ref().map(|note| clean(note))).collect();
        Self {
            metric: name(cell.metric),
            values: [
                value(cell.base),
                value(cell.new),
                cell.change.map_or_else(String::new, change),
                interval,
            ],
            verdict: match cell.verdict {
                Verdict::Better => "better",
                Verdict::Same => "same",
                Verdict::Worse => "worse",
                Verdict::Unclear => "unclear",
                Verdict::NotComparable => NONE,
            },
            remark: beside.join("; "),
        }
    }
}

/// A mark, and the verdict in capitals.
pub(super) fn verdict_words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Better => ("✓", "BETTER"),
        Verdict::Same => ("✓", "SAME"),
        Verdict::Worse => ("✗", "WORSE"),
        Verdict::Unclear => ("✗", "UNCLEAR"),
        Verdict::NotComparable => ("✗", "NOT COMPARABLE"),
    }
}

/// What is compared with what, and how.
pub(super) fn head(comparison: &Comparison) -> String {
    let side = |names: &[String]| match names {
        [] => "no run to use".to_owned(),
        [one] => clean(one),
        names => plural(names.len() as u64, "run"),
    };
    let chance = match comparison.method {
        Method::Runs => "chance told from how the runs differ",
        Method::Seconds => "chance told from how the seconds differ",
    };
    let margin = comparison.margin * 100.0;
    format!("{} → {}, margin {margin} %, {chance}", side(&comparison.base), side(&comparison.new))
}
