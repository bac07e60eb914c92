//! Progress as lines of a log. Must not print: it says which lines are due.

use std::time::Duration;

use super::{Snapshot, clock, label, users};
use crate::report::number::seconds;

/// When the next line is due.
pub(super) struct Plain {
    every: Duration,
    due_ns: u128,
    unsaid: Option<Snapshot>,
}

impl Plain {
    pub(super) fn new(every: Duration) -> Self {
        let every = every.max(Duration::from_millis(100));
        Self { every, due_ns: every.as_nanos(), unsaid: None }
    }

    pub(super) fn update(&mut self, snapshot: &Snapshot) -> Option<String> {
        if snapshot.elapsed.as_nanos() < self.due_ns {
            self.unsaid = Some(snapshot.clone());
            return None;
        }
        self.unsaid = None;
        let every = self.every.as_nanos();
        self.due_ns = (snapshot.elapsed.as_nanos() / every + 1).saturating_mul(every);
        Some(line(snapshot))
    }

    /// The last line, unless it has been said.
    pub(super) fn finish(&mut self) -> Option<String> {
        self.unsaid.take().as_ref().map(line)
    }
}

fn line(snapshot: &Snapshot) -> String {
    let planned = snapshot.planned.map(|p| format!("/{}", clock(p))).unwrap_or_default();
    let slowest = snapshot.rows.iter().filter(|r| r.p95_us.is_some()).max_by_key(|r| r.p95_us);
    let slowest = slowest.and_then(|row| {
        let p95 = seconds(row.p95_us? as f64 / 1e6);
        Some(format!("  p95 {p95} \"{}\"", label(row)))
    });
    format!(
        "[{:>4}{planned}] users {}  {}  {} requests  {} failed{}",
        clock(snapshot.elapsed),
        users(snapshot),
        super::rate_words(snapshot),
        snapshot.requests,
        snapshot.failures,
        slowest.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::live::Row;

    fn snapshot(elapsed_s: u64) -> Snapshot {
        let row = |name: &str, p95_us| Row { name: name.into(), p95_us, ..Row::default() };
        Snapshot {
            elapsed: Duration::from_secs(elapsed_s),
            planned: Some(Duration::from_secs(120)),
            users: 50,
            target_users: 50,
            requests: 6184,
            rps: 412.3,
            rows: vec![row("health", Some(900)), row("list\nagents", Some(145_000)), row("new", None)],
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_line() {
        assert_eq!(
            line(&snapshot(15)),
            "[ 15s/2m] users 50  412.3 rps  6184 requests  0 failed  p95 145 ms \"list agents\""
        );
        let start = Snapshot { planned: None, users: 3, rows: vec![], rps: f64::NAN, ..snapshot(65) };
        assert_eq!(line(&start), "[1m05s] users 3/50  – rps  6184 requests  0 failed");
        let drain = Snapshot { is_draining: true, ..start };
        assert_eq!(line(&drain), "[1m05s] users 3/50  load is over  6184 requests  0 failed");
    }

    #[test]
    fn one_line_an_interval_and_one_at_the_end() {
        let mut plain = Plain::new(Duration::from_secs(5));
        let said: Vec<u64> = (0..=23).filter(|s| plain.update(&snapshot(*s)).is_some()).collect();
        assert_eq!(said, [5, 10, 15, 20]);
        assert!(plain.finish().unwrap().starts_with("[ 23s/2m]"));
        assert_eq!(plain.finish(), None);
        assert!(plain.update(&snapshot(3600)).is_some());
        assert!(plain.update(&snapshot(3601)).is_none());
        assert!(plain.update(&Snapshot { elapsed: Duration::MAX, ..snapshot(0) }).is_some());
        assert!(Plain::new(Duration::ZERO).update(&snapshot(1)).is_some());
    }
}
