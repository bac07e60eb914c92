//! Progress as a display that redraws itself: one line for the run, one an endpoint. Must not redraw more often
//! than [`SHORTEST`], however often it is told something.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Row, Snapshot, clock, label, say, users};
use crate::report::number::{rate, seconds};
use crate::report::text::{cut, pad_right, width};

/// Least time between two drawings.
const SHORTEST: Duration = Duration::from_millis(200);
/// Most endpoints shown: with the line of the run they fit a small terminal, and what does not is not drawn.
const MOST_ROWS: usize = 14;
/// Columns of a name.
const NAME: usize = 36;

pub(super) struct Terminal {
    lines: MultiProgress,
    run: Option<ProgressBar>,
    rows: Vec<ProgressBar>,
    drawn: Option<Duration>,
}

impl Default for Terminal {
    fn default() -> Self {
        // Lines change one by one; all but the forced drawings at the end of an update are held back.
        let target = ProgressDrawTarget::stderr_with_hz(1);
        Self { lines: MultiProgress::with_draw_target(target), run: None, rows: Vec::new(), drawn: None }
    }
}

impl Terminal {
    pub(super) fn update(&mut self, snapshot: &Snapshot) {
        let due = self.drawn.is_none_or(|drawn| {
            snapshot.elapsed < drawn || snapshot.elapsed.saturating_sub(drawn) >= SHORTEST
        });
        if !due {
            return;
        }
        self.drawn = Some(snapshot.elapsed);
        let run = self.run.get_or_insert_with(|| self.lines.add(ProgressBar::new(0))).clone();
        let texts = rows(snapshot);
        while self.rows.len() < texts.len() {
            let line = self.lines.add(ProgressBar::new(0));
            line.set_style(style("  {wide_msg}"));
            self.rows.push(line);
        }
        for (line, text) in self.rows.iter().zip(texts.into_iter().chain(std::iter::repeat(String::new()))) {
            line.set_message(text);
        }
        if let Some(planned) = snapshot.planned {
            if run.length() != Some(millis(planned)) {
                run.set_style(style("{bar:24} {wide_msg}"));
                run.set_length(millis(planned));
            }
            run.set_position(millis(snapshot.elapsed.min(planned)));
        } else {
            run.set_style(style("{wide_msg}"));
        }
        run.set_message(head(snapshot));
        run.force_draw();
    }

    pub(super) fn message(&mut self, text: &str) {
        if self.lines.is_hidden() {
            say(text);
        } else {
            let _ = self.lines.println(text);
        }
    }

    pub(super) fn finish(&mut self) {
        let _ = self.lines.clear();
        // Lines draw once more when they are dropped; nobody should see that.
        self.lines.set_draw_target(ProgressDrawTarget::hidden());
        self.rows.clear();
        self.run = None;
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn head(snapshot: &Snapshot) -> String {
    let planned = snapshot.planned.map(|p| format!("/{}", clock(p))).unwrap_or_default();
    let (elapsed, users, rps) = (clock(snapshot.elapsed), users(snapshot), rate(snapshot.rps));
    let (requests, failures) = (snapshot.requests, snapshot.failures);
    format!("{elapsed}{planned}  users {users}  {rps} rps  {requests} requests  {failures} failed")
}

/// The plan's order while all fit; else those with the most requests, and how many more there are.
fn rows(snapshot: &Snapshot) -> Vec<String> {
    let mut shown: Vec<&Row> = snapshot.rows.iter().collect();
    if shown.len() > MOST_ROWS {
        shown.sort_by_key(|row| std::cmp::Reverse(row.requests));
        shown.truncate(MOST_ROWS - 1);
    }
    let labels: Vec<String> = shown.iter().map(|row| cut(&label(row), NAME)).collect();
    let name = labels.iter().map(|l| width(l)).max().unwrap_or(0);
    let line = |(row, label): (&&Row, &String)| {
        let p95 = row.p95_us.map(|us| format!("  p95 {}", seconds(us as f64 / 1e6))).unwrap_or_default();
        let (label, rps) = (pad_right(label, name), rate(row.rps));
        format!("{label} {:>8} requests {:>6} failed {rps:>8} rps{p95}", row.requests, row.failures)
    };
    let mut lines: Vec<String> = shown.iter().zip(&labels).map(line).collect();
    if snapshot.rows.len() > shown.len() {
        lines.push(format!("… and {} more", snapshot.rows.len() - shown.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::live::{Live, Mode};

    fn snapshot(endpoints: u64) -> Snapshot {
        let row = |n: u64| Row {
            name: format!("endpoint {n}"),
            method: Some("GET".into()),
            requests: n * 10,
            failures: n % 2,
            rps: n as f64,
            p95_us: (n > 0).then_some(n * 1000),
        };
        Snapshot {
            elapsed: Duration::from_secs(15),
            planned: Some(Duration::from_secs(120)),
            users: 50,
            target_users: 50,
            requests: 6184,
            rps: 412.3,
            rows: (0..endpoints).map(row).collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn lines_of_the_display() {
        assert_eq!(head(&snapshot(0)), "15s/2m  users 50  412.3 rps  6184 requests  0 failed");
        assert_eq!(
            rows(&snapshot(2)),
            [
                "GET endpoint 0        0 requests      0 failed      0.0 rps",
                "GET endpoint 1       10 requests      1 failed      1.0 rps  p95 1 ms"
            ]
        );
        let many = rows(&snapshot(40));
        assert_eq!((many.len(), many[MOST_ROWS - 1].as_str()), (MOST_ROWS, "… and 27 more"));
        assert!(many[0].starts_with("GET endpoint 39"));
    }

    #[test]
    fn no_mode_panics() {
        for mode in [Mode::Terminal, Mode::Plain { every: Duration::from_secs(5) }, Mode::Quiet] {
            let mut live = Live::new(mode);
            for n in [0, 3, 40, 1] {
                live.update(&snapshot(n));
            }
            live.update(&Snapshot { planned: None, rps: f64::NAN, elapsed: Duration::MAX, ..snapshot(1) });
            live.finish();
            live.update(&snapshot(2));
            live.finish();
        }
    }
}
