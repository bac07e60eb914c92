//! Thresholds with their marks, one row each. Must not judge: the document has judged.

use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::{Style, bold, paint, verdict_paint};
use crate::report::model::ResultDocument;
use crate::report::verdict::judged;

/// Below this, a table no longer helps.
const NARROWEST: usize = 40;

/// Mark, scope, expression, observed, target, note.
pub(super) fn section(doc: &ResultDocument, style: Style) -> String {
    if doc.thresholds.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.set_header(["", "Scope", "Threshold", "Observed", "Target", "Note"]);
    let width = u16::try_from(style.width).unwrap_or(u16::MAX);
    if style.width > 0 {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(NARROWEST as u16));
    }
    table.load_style(comfy_table::presets::NOTHING);
    for threshold in &doc.thresholds {
        let t = judged(threshold);
        table.add_row([t.mark.into(), t.scope, t.expression, t.observed, t.target, t.note]);
    }
    for right in [3, 4] {
        if let Some(column) = table.column_mut(right) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = vec![bold("Thresholds:", style)];
    let mut verdicts = doc.thresholds.iter().map(|t| t.verdict);
    for line in table.lines().skip(1) {
        let line = line.trim_end();
        let starts =
            ["✓", "⚠", "✗"].into_iter().find_map(|m| Some((m, line.strip_prefix(' ')?.strip_prefix(m)?)));
        out.push(match starts.and_then(|(mark, rest)| Some((mark, rest, verdicts.next()?))) {
            Some((mark, rest, verdict)) => format!(" {}{rest}", paint(mark, verdict_paint(verdict), style)),
            None => line.to_owned(),
        });
    }
    out.join("\n") + "\n"
}
