//! A request as a line of JSON. What is the same for all requests of a row is made once. Must not write anything.

use std::io::Write as _;
use std::time::Instant;

use crate::compile::CompiledPlan;
use crate::compile::model::SeriesInfo;
use crate::engine::Logged;
use crate::metric::{ABSENT, Outcome, Phase};

/// Shape of the lines.
const FORMAT: u32 = 1;
/// Longest text of a plan in a line, in characters.
const LONGEST: usize = 200;

/// Makes lines.
pub(super) struct Lines {
    /// By row: its members, as JSON.
    rows: Box<[String]>,
    /// First line.
    first: String,
    /// Start of the load by the wall clock, µs since 1970; known with the first request.
    started_us: Option<i64>,
    /// The second that was written last, and its text.
    second: (i64, String),
}

impl Lines {
    pub(super) fn new(plan: &CompiledPlan, run_id: &str) -> Self {
        let text = |text: &str| json_text(&plan.masker.mask(text));
        let name = text(&plan.info.name);
        let version = env!("CARGO_PKG_VERSION");
        let first = format!(
            "{{\"plimsoll\":\"{version}\",\"samples\":{FORMAT},\"plan\":{name},\"run\":{}}}\n",
            text(run_id)
        );
        let row = |row: &SeriesInfo| {
            let mut members = format!("\"name\":{}", text(&row.name));
            if let Some(scenario) = plan.scenarios.get(row.scenario) {
                members += &format!(",\"scenario\":{}", text(&scenario.name));
            }
            if let Some(method) = &row.method {
                members += &format!(",\"method\":{}", text(method.as_str()));
            }
            if row.measured.is_some() {
                members += ",\"warmup\":true";
            }
            members
        };
        Self {
            rows: plan.series.iter().map(row).collect(),
            first,
            started_us: None,
            second: (i64::MIN, String::new()),
        }
    }

    /// The line before all requests.
    pub(super) fn first(&self) -> Vec<u8> {
        self.first.clone().into_bytes()
    }

    /// Adds the line of a request of a load that began at `start`.
    pub(super) fn add(&mut self, out: &mut Vec<u8>, start: Instant, logged: &Logged) {
        let sample = &logged.sample;
        let ago = || start.elapsed().as_micros() as i64;
        let started_us =
            *self.started_us.get_or_insert_with(|| jiff::Timestamp::now().as_microsecond() - ago());
        let begun_us = started_us + logged.ended_us as i64 - i64::from(sample.latency_us);
        self.tell_second(begun_us.div_euclid(1_000_000));
        // Writing to memory cannot fail.
        let _ = write!(
            out,
            "{{\"time\":\"{}.{:06}Z\",{}",
            self.second.1,
            begun_us.rem_euclid(1_000_000),
            self.rows.get(sample.series.0 as usize).map_or("", String::as_str)
        );
        if sample.status > 0 {
            let _ = write!(out, ",\"status\":{}", sample.status);
        }
        let _ = match sample.outcome {
            Outcome::Ok => write!(out, ",\"outcome\":\"ok\""),
            Outcome::Failed(kind) => write!(out, ",\"outcome\":\"failed\",\"failure\":\"{}\"", kind.name()),
            Outcome::Interrupted => write!(out, ",\"outcome\":\"interrupted\""),
        };
        let _ = write!(out, ",\"latency_us\":{}", sample.latency_us);
        for (phase, us) in Phase::ALL.iter().zip(sample.phases).filter(|(_, us)| *us != ABSENT) {
            let _ = write!(out, ",\"{}_us\":{us}", phase.name());
        }
        let (bytes_in, bytes_out, is_new) = (sample.bytes_in, sample.bytes_out, sample.new_connection);
        let _ =
            writeln!(out, ",\"bytes_in\":{bytes_in},\"bytes_out\":{bytes_out},\"new_connection\":{is_new}}}");
    }

    /// Adds the line after all requests.
    pub(super) fn last(&self, out: &mut Vec<u8>, written: u64, lost: u64, beyond: u64) {
        let is_cut = lost > 0 || beyond > 0;
        let _ = writeln!(
            out,
            "{{\"end\":true,\"requests\":{written},\"lost\":{lost},\"beyond_limit\":{beyond},\"complete\":{}}}",
            !is_cut
        );
    }

    fn tell_second(&mut self, second: i64) {
        if self.second.0 != second {
            let at = jiff::Timestamp::from_second(second).unwrap_or_default();
            self.second = (second, at.strftime("%Y-%m-%dT%H:%M:%S").to_string());
        }
    }
}

fn json_text(text: &str) -> String {
    let short: String = text.chars().take(LONGEST).collect();
    serde_json::Value::String(short).to_string()
}
