//! What the live view looks like, at every size of a terminal: a pure function of what is known. Must not write, wait or
//! read a clock. Every text in it was made harmless.

mod table;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{RenderDirection, Sparkline};

use super::{Goal, Health, Key, Snapshot, Standing, clock, users};
use crate::report::number::{percent, rate, seconds};
use crate::report::text::{clean, cut, width};

/// All that is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    /// The first words.
    pub title: String,
    /// The last thing said.
    pub message: String,
    /// Keys that do something.
    pub offers: Vec<Key>,
    /// `None` before the first second is over.
    pub snapshot: Option<Snapshot>,
    /// The seconds so far.
    pub history: History,
}

/// The last seconds, for the curves.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// Thousandths of requests a second.
    rps: Vec<u64>,
    p95_us: Vec<u64>,
}

impl History {
    /// More columns than a terminal has.
    const MOST: usize = 500;

    pub(super) fn add(&mut self, snapshot: &Snapshot) {
        // Numbers that are none become 0.
        let rps = (!snapshot.is_draining).then_some((snapshot.rps * 1000.0) as u64);
        let values = [rps, Some(snapshot.p95_us.unwrap_or(0))];
        for (kept, value) in [&mut self.rps, &mut self.p95_us].into_iter().zip(values) {
            let Some(value) = value else { continue };
            if kept.len() >= Self::MOST {
                kept.remove(0);
            }
            kept.push(value);
        }
    }
}

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, shown: &Shown) {
    let area = frame.area();
    let empty = Snapshot::default();
    let snapshot = shown.snapshot.as_ref().unwrap_or(&empty);
    let others: Vec<&Goal> = worst_first(snapshot.goals.iter().filter(|goal| goal.row.is_none()));
    let parts = Parts::of(area, snapshot, others.len(), shown);
    let [title, bar, load, numbers, curves, rows, goals, generator, message, keys] =
        Layout::vertical(parts.heights().map(Constraint::Length)).areas(area);
    draw_title(frame, title, shown, snapshot);
    draw_bar(frame, bar, snapshot);
    frame.render_widget(load_line(snapshot, load.width), load);
    frame.render_widget(numbers_line(snapshot, numbers.width), numbers);
    draw_curves(frame, curves, shown);
    table::draw(frame, rows, snapshot);
    for (goal, line) in others.iter().zip(goals.rows()) {
        frame.render_widget(goal_line(goal, line.width), line);
    }
    frame.render_widget(generator_line(&snapshot.generator, generator.width), generator);
    frame.render_widget(Line::raw(cut(&shown.message, usize::from(message.width))), message);
    let offered = keys_line(&shown.offers, snapshot.is_paused);
    frame.render_widget(Line::styled(cut(&offered, usize::from(keys.width)), dim()), keys);
}

/// Lines of each part.
#[derive(Default)]
struct Parts {
    title: u16,
    bar: u16,
    load: u16,
    numbers: u16,
    curves: u16,
    rows: u16,
    goals: u16,
    generator: u16,
    message: u16,
    keys: u16,
}

impl Parts {
    /// The more there is, the more is shown; what matters most comes first.
    fn of(area: Rect, snapshot: &Snapshot, goals: usize, shown: &Shown) -> Self {
        let mut left = area.height;
        let mut take = |wanted: u16| {
            let taken = wanted.min(left);
            left -= taken;
            taken
        };
        let mut parts =
            Self { numbers: take(1), load: take(1), keys: take(1), title: take(1), ..Self::default() };
        parts.message = take(u16::from(!shown.message.is_empty()));
        // A header and a row at least, or no table.
        let rows = u16::try_from(snapshot.rows.len()).unwrap_or(u16::MAX).saturating_add(1);
        parts.rows = take(rows.min(3));
        parts.generator = take(1);
        parts.bar = take(u16::from(snapshot.planned.is_some()));
        let goals = u16::try_from(goals).unwrap_or(u16::MAX);
        parts.goals = take(goals.min(1));
        parts.rows += take((rows - parts.rows).min(3));
        parts.goals += take((goals - parts.goals).min(2));
        let stacked = if area.width < SIDE_BY_SIDE { 2 } else { 1 };
        if shown.snapshot.is_some() {
            parts.curves = take(stacked) / stacked * stacked;
        }
        parts.rows += take(rows - parts.rows);
        parts.goals += take(goals - parts.goals);
        if parts.curves > 0 {
            // Higher curves say more, but a display need not fill the screen.
            parts.curves += take(2 * stacked) / stacked * stacked;
        }
        parts
    }

    fn heights(&self) -> [u16; 10] {
        [
            self.title,
            self.bar,
            self.load,
            self.numbers,
            self.curves,
            self.rows,
            self.goals,
            self.generator,
            self.message,
            self.keys,
        ]
    }
}

/// Columns from which on two curves fit beside each other.
const SIDE_BY_SIDE: u16 = 60;

fn draw_title(frame: &mut Frame<'_>, area: Rect, shown: &Shown, snapshot: &Snapshot) {
    let planned = snapshot.planned.map(|p| format!("/{}", clock(p))).unwrap_or_default();
    let time = match &shown.snapshot {
        Some(snapshot) => format!("{}{planned}", clock(snapshot.elapsed)),
        None => String::new(),
    };
    let left = usize::from(area.width).saturating_sub(width(&time) + 1);
    frame.render_widget(Line::styled(cut(&shown.title, left), Style::new().bold()), area);
    frame.render_widget(Line::styled(time, Style::new().bold()).alignment(Alignment::Right), area);
}

/// How much of the plan's time is over.
fn draw_bar(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let Some(planned) = snapshot.planned.filter(|planned| !planned.is_zero()) else { return };
    let share = (snapshot.elapsed.as_secs_f64() / planned.as_secs_f64()).min(1.0);
    let columns = usize::from(area.width);
    let done = (share * columns as f64) as usize;
    let bar = [Span::styled("━".repeat(done), Color::Cyan), Span::styled("─".repeat(columns - done), dim())];
    frame.render_widget(Line::from_iter(bar), area);
}

/// Users, and where the load stands.
fn load_line(snapshot: &Snapshot, columns: u16) -> Line<'static> {
    let mut words = vec![];
    if snapshot.is_paused {
        words.push("PAUSED".to_owned());
    }
    let by_hand = match snapshot.more_users {
        0 => String::new(),
        more => format!(" ({more:+} by hand)"),
    };
    words.push(format!("users {}{by_hand}", users(snapshot)));
    words.extend(snapshot.stages.iter().map(|stage| clean(stage)));
    let is_planned = !snapshot.is_paused && snapshot.more_users == 0;
    let style = if is_planned { Style::new() } else { Style::new().fg(Color::Yellow).bold() };
    Line::styled(cut(&words.join(" · "), usize::from(columns)), style)
}

/// What can be pressed.
fn keys_line(offers: &[Key], is_paused: bool) -> String {
    let words = |key: &Key| match key {
        Key::End => "q end",
        Key::More => "+ more",
        Key::Fewer => "- fewer users",
        Key::Pause if is_paused => "p go on",
        Key::Pause => "p pause",
    };
    offers.iter().map(words).collect::<Vec<_>>().join("  ")
}

fn numbers_line(snapshot: &Snapshot, columns: u16) -> Line<'static> {
    let (requests, failures) = (snapshot.requests, snapshot.failures);
    let mut failed = format!("{failures} failed");
    if failures > 0 {
        failed += &format!(" ({})", percent(failures, requests));
    }
    let style = if failures > 0 { Style::new().fg(Color::Red) } else { Style::new() };
    let p95 = snapshot.p95_us.map(|us| format!("p95 {}", seconds(us as f64 / 1e6)));
    let mut left = usize::from(columns);
    let mut spans: Vec<Span<'_>> = vec![];
    let parts = [
        (super::rate_words(snapshot), Style::new().bold()),
        (failed, style),
        (p95.unwrap_or_default(), Style::new()),
        (format!("{requests} requests"), Style::new()),
    ];
    for (text, style) in parts.into_iter().filter(|(text, _)| !text.is_empty()) {
        let gap = if spans.is_empty() { 0 } else { 2 };
        let Some(rest) = left.checked_sub(width(&text) + gap) else { break };
        left = rest;
        spans.extend([Span::raw(" ".repeat(gap)), Span::styled(text, style)]);
    }
    Line::from(spans)
}

/// Requests a second and p95 over the last seconds.
fn draw_curves(frame: &mut Frame<'_>, area: Rect, shown: &Shown) {
    if area.height == 0 {
        return;
    }
    let halves = if area.width < SIDE_BY_SIDE {
        Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area)
    } else {
        Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(2).areas(area)
    };
    let [rps, p95]: [Rect; 2] = halves;
    let History { rps: rps_values, p95_us } = &shown.history;
    draw_curve(frame, rps, "rps", rps_values, &|most| rate(most as f64 / 1e3));
    draw_curve(frame, p95, "p95", p95_us, &|most| seconds(most as f64 / 1e6));
}

fn draw_curve(frame: &mut Frame<'_>, area: Rect, name: &str, values: &[u64], words: &dyn Fn(u64) -> String) {
    /// Columns of the name and of the largest value.
    const WORDS: u16 = 9;
    let [label, curve] = Layout::horizontal([Constraint::Length(WORDS), Constraint::Fill(1)]).areas(area);
    let shown = &values[values.len().saturating_sub(usize::from(curve.width))..];
    let most = shown.iter().copied().max().unwrap_or(0);
    let scale = cut(&words(most), usize::from(WORDS) - 1);
    if area.height == 1 {
        frame.render_widget(Line::styled(name.to_owned(), dim()), label);
    } else {
        frame.render_widget(Line::styled(scale, dim()), label);
        let below = Rect { y: label.bottom() - 1, height: 1, ..label };
        frame.render_widget(Line::styled(name.to_owned(), dim()), below);
    }
    let line = Sparkline::default().data(shown.iter().copied()).max(most.max(1));
    frame.render_widget(line.direction(RenderDirection::LeftToRight).style(Color::Cyan), curve);
}

/// A threshold that is about no endpoint.
fn goal_line(goal: &Goal, columns: u16) -> Line<'static> {
    let scope = match goal.scope.split_once(':') {
        Some((kind, name)) => format!("{kind} {name}"),
        None => goal.scope.clone(),
    };
    let observed = match goal.observed.is_empty() {
        true => "no data yet".to_owned(),
        false => goal.observed.clone(),
    };
    let words = clean(&format!("{scope}  {}  {observed}", goal.expression));
    let words = cut(&words, usize::from(columns.saturating_sub(2)));
    Line::from_iter([Span::styled(mark(goal.standing), paint(goal.standing)), Span::raw(format!(" {words}"))])
}

fn generator_line(health: &Health, columns: u16) -> Line<'static> {
    let ms = |us: u64| seconds(us as f64 / 1e6);
    let share = health.cpu_share.map(|share| format!("cpu {:.0} %", share * 100.0));
    let lag = health.lag_us.map(|us| format!("lag {}", ms(us)));
    let pacing = health.pacing_us.map(|us| format!("pacing p99 {}", ms(us)));
    let figures: Vec<String> = [share, lag, pacing].into_iter().flatten().collect();
    let (word, standing) = match &health.trouble {
        Some(trouble) => (clean(trouble), Standing::AtRisk),
        None if figures.is_empty() => return Line::default(),
        None => ("ok".to_owned(), Standing::Met),
    };
    let words = format!(" generator {word} · {}", figures.join(" · "));
    let words = cut(words.trim_end_matches([' ', '·']), usize::from(columns.saturating_sub(1)));
    let style = if standing == Standing::Met { Style::new() } else { paint(standing) };
    Line::from_iter([Span::styled(mark(standing), paint(standing)), Span::styled(words, style)])
}

/// `✓`, `⚠`, `✗`; `·` while nothing can be said.
fn mark(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "·",
        Standing::Met => "✓",
        Standing::AtRisk => "⚠",
        Standing::Broken => "✗",
    }
}

fn paint(standing: Standing) -> Style {
    match standing {
        Standing::Open => dim(),
        Standing::Met => Style::new().fg(Color::Green),
        Standing::AtRisk => Style::new().fg(Color::Yellow).bold(),
        Standing::Broken => Style::new().fg(Color::Red).bold(),
    }
}

fn dim() -> Style {
    Style::new().dim()
}

/// In the plan's order where they stand alike.
fn worst_first<'a>(goals: impl Iterator<Item = &'a Goal>) -> Vec<&'a Goal> {
    let mut goals: Vec<_> = goals.collect();
    goals.sort_by_key(|goal| std::cmp::Reverse(goal.standing));
    goals
}

#[cfg(test)]
mod tests;
