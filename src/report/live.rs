//! Progress while a run goes on, on standard error. Must not slow the run down, and never fails: when nobody can
//! read it, it is lost.

mod plain;
mod terminal;

use std::io::Write;
use std::time::Duration;

use super::text::clean;

/// What is known of a run while it goes on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Since the first user's start.
    pub elapsed: Duration,
    /// How long it is to take, if that is known.
    pub planned: Option<Duration>,
    /// Users running.
    pub users: u64,
    /// Users demanded by the plan now.
    pub target_users: u64,
    /// Requests ended.
    pub requests: u64,
    /// Requests failed.
    pub failures: u64,
    /// Requests ended in the last second.
    pub rps: f64,
    /// One entry an endpoint.
    pub rows: Vec<Row>,
}

/// What is known of one endpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its method, where there is one.
    pub method: Option<String>,
    /// Requests ended.
    pub requests: u64,
    /// Requests failed.
    pub failures: u64,
    /// Requests ended in the last second.
    pub rps: f64,
    /// 95 % of its latencies so far are not above this, µs.
    pub p95_us: Option<u64>,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A display that redraws itself.
    Terminal,
    /// A line now and then, for logs.
    Plain {
        /// Time between lines.
        every: Duration,
    },
    /// Nothing.
    Quiet,
}

/// The progress display.
pub struct Live {
    display: Display,
}

enum Display {
    Terminal(Box<terminal::Terminal>),
    Plain(plain::Plain),
    Quiet,
}

impl Live {
    /// A display that shows nothing yet.
    pub fn new(mode: Mode) -> Self {
        let display = match mode {
            Mode::Terminal => Display::Terminal(Box::default()),
            Mode::Plain { every } => Display::Plain(plain::Plain::new(every)),
            Mode::Quiet => Display::Quiet,
        };
        Self { display }
    }

    /// Shows `snapshot`, if it is time to. May be called as often as one likes.
    pub fn update(&mut self, snapshot: &Snapshot) {
        match &mut self.display {
            Display::Terminal(terminal) => terminal.update(snapshot),
            Display::Plain(plain) => plain.update(snapshot).iter().for_each(|line| say(line)),
            Display::Quiet => {}
        }
    }

    /// One line above the display: "waiting for auth…", "stopping…".
    pub fn message(&mut self, text: &str) {
        match &mut self.display {
            Display::Terminal(terminal) => terminal.message(&clean(text)),
            Display::Plain(_) => say(&clean(text)),
            Display::Quiet => {}
        }
    }

    /// Takes the display away; a plain log gets its last line.
    pub fn finish(&mut self) {
        match &mut self.display {
            Display::Terminal(terminal) => terminal.finish(),
            Display::Plain(plain) => plain.finish().iter().for_each(|line| say(line)),
            Display::Quiet => {}
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Display::Terminal(terminal) = &mut self.display {
            terminal.finish();
        }
    }
}

/// One line on standard error; lost if nobody reads it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// `15s`, `1m05s`, `2h00m05s`; whole minutes and hours without zeros.
fn clock(time: Duration) -> String {
    let s = time.as_secs();
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, 0, 0) => format!("{h}h"),
        (h, m, 0) => format!("{h}h{m:02}m"),
        (h, m, s) => format!("{h}h{m:02}m{s:02}s"),
    }
}

/// `50`, or `12/50` while they are not what the plan wants.
fn users(snapshot: &Snapshot) -> String {
    match snapshot.users == snapshot.target_users {
        true => snapshot.users.to_string(),
        false => format!("{}/{}", snapshot.users, snapshot.target_users),
    }
}

/// Method and name, harmless.
fn label(row: &Row) -> String {
    match &row.method {
        Some(method) if !row.name.starts_with(&format!("{method} ")) => {
            clean(&format!("{method} {}", row.name))
        }
        _ => clean(&row.name),
    }
}
