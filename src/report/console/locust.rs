//! The two tables in the shape Locust made familiar: columns keep Locust's widths, grow with what they hold, and
//! shrink only where the terminal is narrower. Must not compute numbers.

use super::{Style, bold};
use crate::report::tables::{COUNTS, PERCENTILES, Row, Tables};
use crate::report::text::{cut, pad_left, pad_right, width};

/// Fewest columns a name is cut to.
const SHORTEST_NAME: usize = 12;

/// One column of numbers.
struct Column {
    header: &'static str,
    /// Columns it takes at Locust's widths, the gap before it included.
    wide: usize,
    /// Spaces kept free on the right of values, not of the header.
    indent: usize,
    /// What stands after it.
    after: &'static str,
}

/// Widths for one terminal.
struct Layout<'a> {
    columns: &'a [Column],
    /// Header of the first column.
    head: &'a str,
    name: usize,
    widths: Vec<usize>,
    indented: bool,
}

/// Counts, times and rates.
pub(super) fn requests(tables: &Tables, style: Style) -> String {
    let wide = [
        (10, 0, ""),
        (13, 3, "  |"),
        (8, 0, ""),
        (8, 0, ""),
        (8, 0, ""),
        (8, 0, "  |"),
        (8, 0, ""),
        (11, 2, ""),
    ];
    let columns: Vec<Column> = columns(&COUNTS, &wide);
    let others = tables.groups.iter().flat_map(|g| &g.rows);
    let rows: Vec<&Row> = tables.rows.iter().chain([&tables.aggregated]).chain(others).collect();
    let lines: Vec<(&str, &[String])> =
        rows.iter().map(|r| (r.label.as_str(), r.counts.as_slice())).collect();
    let layout = Layout::new(&columns, "Name", 36, &lines, style);
    let line = |row: &Row| layout.line(&row.label, &row.counts);
    let header = layout.header();
    let rule = layout.rule(-3, style);
    let mut out = vec![bold(&header, style), rule.clone()];
    out.extend(tables.rows.iter().map(line));
    out.extend([rule, line(&tables.aggregated)]);
    for group in &tables.groups {
        out.extend([String::new(), format!("{}:", group.title)]);
        out.extend(group.rows.iter().map(line));
    }
    out.join("\n") + "\n"
}

/// Percentiles of latency in ms.
pub(super) fn percentiles(tables: &Tables, style: Style) -> String {
    let columns: Vec<Column> = columns(&PERCENTILES, &[(7, 0, ""); 11]);
    let kind = tables.rows.iter().map(|r| width(&r.method)).max().unwrap_or(0).max(4);
    let kind = if style.width == 0 || style.width >= 145 { kind.max(8) } else { kind };
    let label = |row: &Row| format!(" {} {}", pad_right(&row.method, kind), row.name);
    let labels: Vec<String> = tables.rows.iter().map(label).collect();
    let lines: Vec<(&str, &[String])> = labels
        .iter()
        .zip(&tables.rows)
        .map(|(label, r)| (label.as_str(), r.percentiles.as_slice()))
        .collect();
    let head = format!(" {} Name", pad_right("Type", kind));
    let layout = Layout::new(&columns, &head, 68, &lines, style);
    let header = layout.header();
    let rule = layout.rule(3, style);
    let mut out = vec![bold("Response time percentiles (ms):", style), bold(&header, style), rule.clone()];
    out.extend(lines.iter().map(|(label, cells)| layout.line(label, cells)));
    out.push(rule);
    out.join("\n") + "\n"
}

fn columns(headers: &[&'static str], wide: &[(usize, usize, &'static str)]) -> Vec<Column> {
    let column =
        |(header, &(wide, indent, after)): (&&'static str, &_)| Column { header, wide, indent, after };
    headers.iter().zip(wide).map(column).collect()
}

impl<'a> Layout<'a> {
    /// Locust's widths if they fit; else columns as narrow as their content; else names are cut.
    fn new(
        columns: &'a [Column],
        head: &'a str,
        name: usize,
        lines: &[(&str, &[String])],
        style: Style,
    ) -> Self {
        let longest = lines.iter().map(|(label, _)| width(label)).max().unwrap_or(0).max(width(head));
        let widest = |at: usize| lines.iter().filter_map(|(_, cells)| cells.get(at)).map(|c| width(c)).max();
        let sized = |indented: bool| -> Vec<usize> {
            let size = |(at, column): (usize, &Column)| {
                let values = widest(at).unwrap_or(0) + 1 + if indented { column.indent } else { 0 };
                values.max(if indented { column.wide } else { width(column.header) + 1 })
            };
            columns.iter().enumerate().map(size).collect()
        };
        let total = |name: usize, widths: &[usize], after: usize| name + widths.iter().sum::<usize>() + after;
        let after = columns.iter().map(|c| c.after.len()).sum::<usize>();
        let fits = |columns: usize| style.width == 0 || columns <= style.width;
        let widths = sized(true);
        for name in [name.max(longest), longest] {
            if fits(total(name, &widths, after)) {
                return Self { columns, head, name, widths, indented: true };
            }
        }
        let widths = sized(false);
        let after = columns.iter().filter(|c| !c.after.is_empty()).count() * 2;
        let room = style.width.saturating_sub(total(0, &widths, after)).max(SHORTEST_NAME).max(width(head));
        Self { columns, head, name: longest.min(room), widths, indented: false }
    }

    fn header(&self) -> String {
        self.join(self.head, self.columns.iter().map(|c| (c.header, 0)))
    }

    /// Locust's rules are 3 columns shorter or longer than the header.
    fn rule(&self, by: isize, style: Style) -> String {
        let columns = width(&self.header()).saturating_add_signed(if self.indented { by } else { 0 });
        "-".repeat(if style.width == 0 { columns } else { columns.min(style.width.max(SHORTEST_NAME)) })
    }

    fn line(&self, label: &str, cells: &[String]) -> String {
        let cells = self.columns.iter().zip(cells);
        self.join(label, cells.map(|(c, cell)| (cell.as_str(), if self.indented { c.indent } else { 0 })))
    }

    fn join<'c>(&self, label: &str, cells: impl Iterator<Item = (&'c str, usize)>) -> String {
        let mut out = pad_right(&cut(label, self.name), self.name);
        for ((column, width), (cell, indent)) in self.columns.iter().zip(&self.widths).zip(cells) {
            out += &pad_left(cell, width.saturating_sub(indent));
            // The header is the longest line: a value's free space on the right is not written at the line's end.
            if !column.after.is_empty() {
                out += &" ".repeat(indent);
                out += if self.indented { column.after } else { " |" };
            }
        }
        out
    }
}
