//! The table of endpoints: which rows and columns fit, and what stands in them.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Cell, Row as Cells, Table};

use super::{dim, mark, paint, worst_first};
use crate::report::live::{Goal, Row, Snapshot, Standing, label};
use crate::report::number::{NONE, rate, seconds};
use crate::report::text::{clean, cut, width};

/// Columns of a name at least, and at most.
const NAME: [usize; 2] = [14, 40];

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Requests,
    Failed,
    Rps,
    P50,
    P95,
    P99,
    Goal,
}

impl Column {
    /// In their order on the screen.
    const ALL: [Self; 7] =
        [Self::Requests, Self::Failed, Self::Rps, Self::P50, Self::P95, Self::P99, Self::Goal];
    /// In the order in which they get a place.
    const BY_WEIGHT: [Self; 7] =
        [Self::P95, Self::Failed, Self::Rps, Self::Goal, Self::P99, Self::P50, Self::Requests];

    /// So many of them may cut a name short.
    const MOST_WANTED: usize = 5;

    fn title(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Failed => "failed",
            Self::Rps => "rps",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Goal => "threshold",
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Requests => 8,
            Self::Failed => 6,
            Self::Rps | Self::P50 | Self::P95 | Self::P99 => 7,
            Self::Goal => 15,
        }
    }

    /// Those that fit beside names of so many columns, in their order on the screen.
    fn fitting(columns: usize, name: usize, has_goals: bool) -> Vec<Self> {
        let mut taken = 2;
        let mut fitting = vec![];
        for (weight, column) in Self::BY_WEIGHT.into_iter().enumerate() {
            if column == Self::Goal && !has_goals {
                continue;
            }
            // The least of them are worth no name that is cut.
            let name = if weight < Self::MOST_WANTED { NAME[0] } else { name };
            if taken + name + column.width() + 1 > columns {
                break;
            }
            taken += column.width() + 1;
            fitting.push(column);
        }
        Self::ALL.into_iter().filter(|column| fitting.contains(column)).collect()
    }
}

/// A row with its thresholds, the worst first.
struct Shown<'a> {
    row: &'a Row,
    goals: Vec<&'a Goal>,
}

impl Shown<'_> {
    fn standing(&self) -> Option<Standing> {
        self.goals.first().map(|goal| goal.standing)
    }
}

/// As many as fit; the plan's order while all do, else what is broken, then what has the most requests.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    if area.height < 2 || snapshot.rows.is_empty() {
        return;
    }
    let of = |(index, row)| Shown {
        row,
        goals: worst_first(snapshot.goals.iter().filter(|goal| goal.row == Some(index))),
    };
    let mut shown: Vec<Shown<'_>> = snapshot.rows.iter().enumerate().map(of).collect();
    let room = usize::from(area.height) - 1;
    let left_out = if shown.len() > room { shown.len() - (room - 1) } else { 0 };
    if left_out > 0 {
        let at_risk = |shown: &Shown<'_>| shown.standing().filter(|standing| *standing >= Standing::AtRisk);
        shown.sort_by_key(|shown| std::cmp::Reverse((at_risk(shown), shown.row.requests)));
        shown.truncate(room - 1);
    }
    let has_goals = snapshot.goals.iter().any(|goal| goal.row.is_some());
    let longest =
        shown.iter().map(|shown| width(&label(shown.row))).max().unwrap_or(0).clamp(NAME[0], NAME[1]);
    let columns = Column::fitting(usize::from(area.width), longest, has_goals);
    let taken: usize = 2 + columns.iter().map(|column| column.width() + 1).sum::<usize>();
    let name = longest.min(usize::from(area.width).saturating_sub(taken));
    let mut rows: Vec<Cells<'_>> = shown.iter().map(|shown| cells(shown, &columns, name)).collect();
    if left_out > 0 {
        let words = format!("… and {left_out} more");
        rows.push(Cells::new([Cell::new(""), Cell::new(words).style(dim())]));
    }
    let size = |column: &Column| match column {
        Column::Goal => Constraint::Fill(1),
        column => length(column.width()),
    };
    let sizes = [length(1), length(name)].into_iter().chain(columns.iter().map(size));
    let titles = columns.iter().map(|column| right_unless_words(*column, column.title().to_owned()));
    let header = [Text::raw(""), Text::raw("endpoint")].into_iter().chain(titles);
    frame.render_widget(Table::new(rows, sizes).header(Cells::new(header).style(dim())), area);
}

fn length(columns: usize) -> Constraint {
    Constraint::Length(u16::try_from(columns).unwrap_or(u16::MAX))
}

fn right_unless_words(column: Column, text: String) -> Text<'static> {
    let alignment = if column == Column::Goal { Alignment::Left } else { Alignment::Right };
    Line::raw(text).alignment(alignment).into()
}

fn cells<'a>(shown: &Shown<'a>, columns: &[Column], name: usize) -> Cells<'a> {
    let row = shown.row;
    let time = |us: Option<u64>| us.map_or_else(|| NONE.to_owned(), |us| seconds(us as f64 / 1e6));
    let standing = shown.standing();
    let mark = match standing {
        Some(standing) => Cell::new(mark(standing)).style(paint(standing)),
        None => Cell::new(""),
    };
    let cell = |column: &Column| {
        let text = match column {
            Column::Requests => row.requests.to_string(),
            Column::Failed => row.failures.to_string(),
            Column::Rps => row.rps.map_or_else(|| NONE.to_owned(), rate),
            Column::P50 => time(row.p50_us),
            Column::P95 => time(row.p95_us),
            Column::P99 => time(row.p99_us),
            Column::Goal => goal(&shown.goals),
        };
        let style = match column {
            Column::Failed if row.failures > 0 => Style::new().fg(Color::Red),
            Column::Goal => standing.filter(|s| *s >= Standing::AtRisk).map_or_else(dim, paint),
            _ => Style::new(),
        };
        Cell::new(right_unless_words(*column, text)).style(style)
    };
    let name = Cell::new(cut(&label(row), name));
    Cells::new([mark, name].into_iter().chain(columns.iter().map(cell)))
}

/// The worst threshold of a row, what was seen of it, and how many more there are.
fn goal(goals: &[&Goal]) -> String {
    let Some(worst) = goals.first() else { return String::new() };
    let more = match goals.len() - 1 {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    // A percentile's value stands in a column of its own.
    let has_column = ["p50 ", "p95 ", "p99 "].iter().any(|name| worst.expression.starts_with(name));
    let observed = match has_column || worst.observed.is_empty() {
        true => String::new(),
        false => format!(" ({})", worst.observed),
    };
    clean(&format!("{}{more}{observed}", worst.expression))
}
