//! The summary people read in a terminal or a CI log after a run. Must not print: it returns text.

mod failures;
mod locust;
mod thresholds;

use anstyle::{AnsiColor, Effects};

use super::connections::words;
use super::model::{Ended, ResultDocument, Verdict};
use super::number::{moment, plural};
use super::tables::tables;
use super::text::{clean, defuse_lines};
pub use super::verdict::verdict_line;

/// How the summary is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal; 0: no limit.
    pub width: usize,
    /// Whether escape codes for colours are wanted.
    pub color: bool,
}

/// Everything about `doc` worth reading at once but [`verdict`], and an empty line.
pub fn details(doc: &ResultDocument, style: Style) -> String {
    let tables = tables(doc);
    let sections = [
        unfinished(doc, style),
        locust::requests(&tables, style),
        locust::percentiles(&tables, style),
        thresholds::section(doc, style),
        failures::section(doc, style),
        remarks(doc, style),
        connections(doc, style),
        accounting(doc),
    ];
    let text: String = sections.into_iter().filter(|s| !s.is_empty()).map(|s| s + "\n").collect();
    defuse_lines(&text)
}

/// `text` in bold, where colours are wanted.
pub fn bold(text: &str, style: Style) -> String {
    paint(text, anstyle::Style::new().effects(Effects::BOLD), style)
}

/// `text` as `paint` says, where colours are wanted.
pub fn paint(text: &str, paint: anstyle::Style, style: Style) -> String {
    if style.color { format!("{paint}{text}{paint:#}") } else { text.to_owned() }
}

fn verdict_paint(verdict: Verdict) -> anstyle::Style {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default(),
        Verdict::Warn => AnsiColor::Yellow.on_default(),
        Verdict::NoData | Verdict::Fail => AnsiColor::Red.on_default(),
        Verdict::Invalid | Verdict::Interrupted => AnsiColor::Magenta.on_default(),
    }
}

/// The last line, with its end.
pub fn verdict(doc: &ResultDocument, style: Style) -> String {
    let paint_of = verdict_paint(doc.verdict).effects(Effects::BOLD);
    defuse_lines(&format!("{}\n", paint(&verdict_line(doc), paint_of, style)))
}

/// Said first: everything below is only a part.
fn unfinished(doc: &ResultDocument, style: Style) -> String {
    match doc.run.ended {
        Ended::Unfinished => format!("{} {}\n", bold("An unfinished run:", style), clean(&doc.reason)),
        Ended::Completed | Ended::Aborted | Ended::Interrupted | Ended::Failed => String::new(),
    }
}

/// Notes, and why the generator is not to be believed.
fn remarks(doc: &ResultDocument, style: Style) -> String {
    let reasons = doc.generator.reasons.iter().map(|r| {
        let (from, to) = (moment(r.from_s), moment(r.to_s));
        format!("{} ({from} – {to}): {}", clean(&r.kind), clean(&r.detail))
    });
    let title = if doc.generator.valid { "Generator:" } else { "The generator was the limit:" };
    list(title, reasons.collect(), style)
        + &list("Notes:", doc.notes.iter().map(|n| clean(n)).collect(), style)
}

fn list(title: &str, lines: Vec<String>, style: Style) -> String {
    match lines.is_empty() {
        true => String::new(),
        false => format!("{}\n  - {}\n", bold(title, style), lines.join("\n  - ")),
    }
}

/// Of each target what its connections were, where that says something.
fn connections(doc: &ResultDocument, style: Style) -> String {
    let said = doc.run.targets.iter().map(|target| (clean(&target.name), words(target)));
    let lines = said.filter(|(_, words)| !words.is_empty()).map(|(name, words)| format!("{name}: {words}"));
    list("Connections:", lines.collect(), style)
}

/// Where requests went, when not all simply ran.
fn accounting(doc: &ResultDocument) -> String {
    let a = &doc.accounting;
    if a.dropped + a.not_started + a.interrupted + a.resent == 0 {
        return String::new();
    }
    let mut text = format!(
        "{} scheduled = {} started + {} dropped + {} not started; started = {} ok + {} failed + {} interrupted",
        plural(a.scheduled, "request"),
        a.started,
        a.dropped,
        a.not_started,
        a.ok,
        a.failed,
        a.interrupted
    );
    if a.resent > 0 {
        text += &format!("; {} sent again on a new connection", a.resent);
    }
    text + "\n"
}

#[cfg(test)]
mod tests;
