//! Failures, grouped, the most frequent first. Must not show more of a body than a line or two.

use super::{Style, bold, paint};
use crate::report::model::{FailureGroup, ResultDocument};
use crate::report::number::{moment, plural};
use crate::report::text::{clean, cut};

/// Groups shown; the other reports have them all.
const MOST_GROUPS: usize = 10;
/// Columns of a message or an example shown.
const LONGEST: usize = 300;

/// Count, kind, row, first and last second, message and one example of each group.
pub(super) fn section(doc: &ResultDocument, style: Style) -> String {
    if doc.failures.is_empty() {
        return String::new();
    }
    let mut groups: Vec<&FailureGroup> = doc.failures.iter().collect();
    groups.sort_by_key(|g| std::cmp::Reverse(g.count));
    let total: u64 = groups.iter().map(|g| g.count).sum();
    let title = format!("Failures ({total} in {}):", plural(groups.len() as u64, "group"));
    let digits = groups.iter().map(|g| g.count.to_string().len()).max().unwrap_or(1);
    let mut out = vec![bold(&title, style)];
    for group in groups.iter().take(MOST_GROUPS) {
        out.extend(lines(group, digits, style));
    }
    if groups.len() > MOST_GROUPS {
        let more = plural((groups.len() - MOST_GROUPS) as u64, "more group");
        out.push(format!(" … and {more}; the JSON report has all"));
    }
    out.join("\n") + "\n"
}

fn lines(group: &FailureGroup, digits: usize, style: Style) -> Vec<String> {
    let red = anstyle::AnsiColor::Red.on_default();
    let count = paint(&format!("{:>digits$} × {}", group.count, clean(&group.kind)), red, style);
    let (first, last) = (moment(group.first_s), moment(group.last_s));
    let when = if first == last { format!("at {first}") } else { format!("from {first} to {last}") };
    let indent = " ".repeat(digits + 4);
    let mut out = vec![format!(" {count}  {}, {when}", clean(&group.series))];
    let mut push = |lead: &str, text: &str| {
        let words: Vec<String> = text.split_whitespace().map(clean).collect();
        let text = cut(&clean(&words.join(" ")), LONGEST);
        if !text.is_empty() {
            out.push(format!("{indent}{lead}{text}"));
        }
    };
    push("", &group.message);
    if let Some(example) = &group.example {
        push("e.g. ", &example.request);
        push("   → ", example.response.as_deref().unwrap_or("no response"));
    }
    out
}
