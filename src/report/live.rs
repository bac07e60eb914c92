//! Progress while a run goes on, on standard error. Must not slow the run down, and never fails: when nobody can
//! read it, it is lost.

#[cfg(unix)]
mod ansi;
#[cfg_attr(not(unix), allow(dead_code, reason = "there is no display to press them at"))]
mod keys;
mod plain;
#[cfg(unix)]
mod screen;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod tty;

use std::io::Write;
use std::time::Duration;

use super::number;
use super::text::clean;
pub use keys::Key;

/// Time between progress lines in a log.
pub const LINE_EVERY: Duration = Duration::from_secs(5);

/// What is known of a run while it goes on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Since the first user's start.
    pub elapsed: Duration,
    /// How long it is to take, if that is known.
    pub planned: Option<Duration>,
    /// Users running.
    pub users: u64,
    /// Users demanded now, by the plan and by hand.
    pub target_users: u64,
    /// How many more than by the plan alone; or fewer.
    pub more_users: i64,
    /// Whether no iterations begin.
    pub is_paused: bool,
    /// Requests ended.
    pub requests: u64,
    /// Requests failed.
    pub failures: u64,
    /// Requests that ended in the last second while load was made, a second.
    pub rps: f64,
    /// Whether the load is over, and what runs is only let end.
    pub is_draining: bool,
    /// 95 % of the latencies of the last second are not above this, µs.
    pub p95_us: Option<u64>,
    /// Where the load of each scenario stands, in words.
    pub stages: Vec<String>,
    /// One entry an endpoint.
    pub rows: Vec<Row>,
    /// One entry a threshold, in the plan's order.
    pub goals: Vec<Goal>,
    /// The generator itself.
    pub generator: Health,
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
    /// Requests that ended in the last second while load was made, a second; none in the drain.
    pub rps: Option<f64>,
    /// So many of its latencies so far are not above this, µs: 50 %.
    pub p50_us: Option<u64>,
    /// 95 %.
    pub p95_us: Option<u64>,
    /// 99 %.
    pub p99_us: Option<u64>,
}

/// A threshold and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// The endpoint it is about, an index of [`Snapshot::rows`].
    pub row: Option<usize>,
    /// What it is about when that is no endpoint: `plan`, `flow:NAME`.
    pub scope: String,
    /// As written.
    pub expression: String,
    /// What was seen so far; empty without data.
    pub observed: String,
    /// How it stands.
    pub standing: Standing,
}

/// How a threshold stands so far; from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Too little was seen to say.
    Open,
    /// Met.
    Met,
    /// Met by less than a tenth, or missed within the tolerance.
    AtRisk,
    /// Missed, were the run to end now.
    Broken,
}

/// How the generator did in the last second; absent where that is not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// CPU time over that of the cores allowed.
    pub cpu_share: Option<f64>,
    /// Longest lag of a worker's event loop, µs.
    pub lag_us: Option<u64>,
    /// Pacing error, 99 %, µs.
    pub pacing_us: Option<u64>,
    /// What is wrong with it, in words.
    pub trouble: Option<String>,
}

/// How progress is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// The whole terminal, while the run goes on.
    Terminal {
        /// The first words of it.
        title: String,
        /// Whether colours are wanted.
        color: bool,
        /// Keys that do something in this run, to be shown.
        offers: Vec<Key>,
    },
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
    #[cfg(unix)]
    Terminal(terminal::Terminal),
    Plain(Box<plain::Plain>),
    Quiet,
}

impl Live {
    /// A display that knows nothing yet. Where a terminal cannot be had it is lines. `press` is told of keys, on a
    /// thread of the display.
    pub fn new(mode: Mode, press: impl Fn(Key) + Send + 'static) -> Self {
        let display = match mode {
            #[cfg(unix)]
            Mode::Terminal { title, color, offers } => {
                match terminal::Terminal::start(clean(&title), color, offers, Box::new(press)) {
                    Ok(terminal) => Display::Terminal(terminal),
                    Err(_) => Display::Plain(Box::new(plain::Plain::new(LINE_EVERY))),
                }
            }
            #[cfg(not(unix))]
            Mode::Terminal { .. } => {
                drop(press);
                Display::Plain(Box::new(plain::Plain::new(LINE_EVERY)))
            }
            Mode::Plain { every } => Display::Plain(Box::new(plain::Plain::new(every))),
            Mode::Quiet => Display::Quiet,
        };
        Self { display }
    }

    /// Whether anybody sees it.
    pub fn is_shown(&self) -> bool {
        !matches!(self.display, Display::Quiet)
    }

    /// Shows `snapshot`, if it is time to. May be called as often as one likes.
    pub fn update(&mut self, snapshot: &Snapshot) {
        match &mut self.display {
            #[cfg(unix)]
            Display::Terminal(terminal) => terminal.update(snapshot),
            Display::Plain(plain) => plain.update(snapshot).iter().for_each(|line| say(line)),
            Display::Quiet => {}
        }
    }

    /// One line beside the display: "waiting for auth…", "stopping…".
    pub fn message(&mut self, text: &str) {
        match &mut self.display {
            #[cfg(unix)]
            Display::Terminal(terminal) => terminal.message(&clean(text)),
            Display::Plain(_) => say(&clean(text)),
            Display::Quiet => {}
        }
    }

    /// Takes the display away and says again what it said; a plain log gets its last line. Does not wait for a terminal
    /// that takes nothing any more, such as a connection that hangs.
    pub fn finish(&mut self) {
        match &mut self.display {
            #[cfg(unix)]
            Display::Terminal(terminal) => terminal.finish().iter().for_each(|line| say(line)),
            Display::Plain(plain) => plain.finish().iter().for_each(|line| say(line)),
            Display::Quiet => {}
        }
    }

    /// Waits for such a terminal, when there is nothing left to do but to talk.
    pub fn settle(&mut self) {
        #[cfg(unix)]
        if let Display::Terminal(terminal) = &mut self.display {
            terminal.settle().iter().for_each(|line| say(line));
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Display::Terminal(_) = &self.display {
            self.finish();
        }
    }
}

/// Gives the terminal back at once, whoever has it: for an end of the process that nobody waits for.
pub fn give_back() {
    #[cfg(unix)]
    tty::leave();
}

/// Whether there is a terminal that the display can have: both to see and to press keys, and ours at the moment.
pub fn is_possible() -> bool {
    #[cfg(unix)]
    return tty::is_ours();
    #[cfg(not(unix))]
    return false;
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

/// `412.3 rps`, or that no load is made any more.
fn rate_words(snapshot: &Snapshot) -> String {
    match snapshot.is_draining {
        true => "load is over".to_owned(),
        false => format!("{} rps", number::rate(snapshot.rps)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_may_be_told_anything_at_any_time() {
        for mode in [Mode::Plain { every: LINE_EVERY }, Mode::Quiet] {
            let mut live = Live::new(mode, |_| {});
            let row = Row { name: "one".into(), ..Row::default() };
            live.update(&Snapshot {
                elapsed: Duration::MAX,
                rps: f64::NAN,
                rows: vec![row],
                ..Snapshot::default()
            });
            live.finish();
            live.update(&Snapshot::default());
            live.finish();
        }
    }
}
