//! What the server did, request by request, and the truths that follow from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it was there as a whole.
    pub received_us: u64,
    /// When its answer was handed to the system; none when the client had gone.
    pub answered_us: Option<u64>,
    /// Number of the connection it came on.
    pub connection: u32,
    pub path: Arc<str>,
}

/// All requests in the order they came.
#[derive(Debug, Clone, Default)]
pub struct Log {
    pub entries: Vec<Entry>,
    counts: BTreeMap<Arc<str>, u64>,
    keep_requests: bool,
}

impl Log {
    pub(super) fn new(keep_requests: bool) -> Self {
        Self { keep_requests, ..Self::default() }
    }

    /// Adds a request and returns its number.
    pub(super) fn add(&mut self, path: &str, connection: u32, received_us: u64) -> usize {
        let path = match self.counts.get_key_value(path) {
            Some((known, _)) => Arc::clone(known),
            None => path.into(),
        };
        *self.counts.entry(Arc::clone(&path)).or_default() += 1;
        if self.keep_requests {
            self.entries.push(Entry { received_us, answered_us: None, connection, path });
        }
        self.entries.len().wrapping_sub(1)
    }

    pub(super) fn answered(&mut self, number: usize, answered_us: Option<u64>) {
        if let Some(entry) = self.entries.get_mut(number) {
            entry.answered_us = answered_us;
        }
    }

    /// Requests received.
    pub fn received(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Requests received at this path.
    pub fn count(&self, path: &str) -> u64 {
        self.counts.get(path).copied().unwrap_or(0)
    }

    /// Requests received at paths that begin so.
    pub fn count_under(&self, prefix: &str) -> u64 {
        self.counts.iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, count)| count).sum()
    }

    /// Connections that brought a request.
    pub fn connections(&self) -> usize {
        self.entries.iter().map(|entry| entry.connection).collect::<BTreeSet<_>>().len()
    }

    /// From receipt to answer of each answered request: what the generator may not fall below.
    pub fn stays_us(&self) -> Vec<u64> {
        self.entries.iter().filter_map(|entry| Some(entry.answered_us? - entry.received_us)).collect()
    }

    /// Most requests that were there and not yet answered at the same time; those answered at once count nothing.
    pub fn most_at_once(&self) -> usize {
        let mut changes: Vec<(u64, i32)> = vec![];
        for entry in &self.entries {
            changes.push((entry.received_us, 1));
            changes.push((entry.answered_us.unwrap_or(u64::MAX), -1));
        }
        // At the same time, ends come before beginnings.
        changes.sort_unstable();
        let mut now = 0;
        let most = changes.into_iter().map(|(_, change)| {
            now += change;
            now
        });
        usize::try_from(most.max().unwrap_or(0)).unwrap()
    }

    /// First receipt to last answer.
    pub fn span_us(&self) -> u64 {
        let first = self.entries.iter().map(|entry| entry.received_us).min();
        let last = self.entries.iter().filter_map(|entry| entry.answered_us).max();
        last.unwrap_or(0).saturating_sub(first.unwrap_or(0))
    }

    /// What the latencies of an open model were at least, sorted: its *i*-th answer against its *i*-th
    /// arrival, as `intended_s` (seconds since the scenario's start) plans them. When the scenario started is
    /// known to the generator alone; no request can have come before its arrival, so the latest start that no
    /// request contradicts is taken. Holds when users are served in the order they came.
    pub fn open_latencies_us(&self, intended_s: impl Fn(usize) -> f64) -> Vec<f64> {
        let intended_us = |index: usize| intended_s(index) * 1e6;
        let begin = |(index, entry): (usize, &Entry)| entry.received_us as f64 - intended_us(index);
        let start_us = self.entries.iter().enumerate().map(begin).fold(f64::INFINITY, f64::min);
        let mut answers: Vec<u64> = self.entries.iter().filter_map(|entry| entry.answered_us).collect();
        answers.sort_unstable();
        let latency = |(index, answered_us): (usize, u64)| answered_us as f64 - start_us - intended_us(index);
        let mut latencies: Vec<f64> = answers.into_iter().enumerate().map(latency).collect();
        latencies.sort_by(f64::total_cmp);
        latencies
    }

    /// One line a request, as [`Self::from_text`] reads it.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let answered = entry.answered_us.map_or("-".to_owned(), |at| at.to_string());
            text += &format!("{} {answered} {} {}\n", entry.received_us, entry.connection, entry.path);
        }
        if self.keep_requests {
            return text;
        }
        self.counts.iter().map(|(path, count)| format!("{count} {path}\n")).collect()
    }

    pub(super) fn from_text(text: &str) -> Self {
        let mut log = Self::new(true);
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                [received, answered, connection, path] => {
                    let number = log.add(path, connection.parse().unwrap(), received.parse().unwrap());
                    log.answered(number, answered.parse().ok());
                }
                [count, path] => {
                    log.counts.insert(path.into(), count.parse().unwrap());
                }
                _ => panic!("not a line of a log: {line}"),
            }
        }
        log
    }
}
