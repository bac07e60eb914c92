//! What the index says of a run, read from its result without the rest, which may be large. Must not open files.

use std::io::Read;

use serde::Deserialize;

use super::model::{Ended, FORMAT, Verdict};
use super::text::{clean, cut};

/// Columns of a text that is kept.
const LONGEST: usize = 200;

/// The part of a result that the index shows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Brief {
    format: u64,
    /// The plan that ran.
    pub plan: BriefPlan,
    /// When, and how long.
    pub run: BriefRun,
    /// What it came to.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The exit code.
    pub exit_code: u8,
    /// All endpoints together.
    pub totals: BriefTotals,
}

/// The plan that ran.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BriefPlan {
    /// Its name.
    pub name: String,
    /// Hash of its text.
    pub sha256: String,
    /// The profile, if one was chosen.
    #[serde(default)]
    pub profile: Option<String>,
}

/// When, and how long.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BriefRun {
    /// RFC 3339.
    pub started_at: String,
    /// Seconds.
    pub duration_s: f64,
    /// How it ended.
    pub ended: Ended,
}

/// All endpoints together.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BriefTotals {
    /// Requests ended or interrupted.
    pub requests: u64,
    /// Share of them that failed; absent without requests.
    #[serde(default)]
    pub error_ratio: Option<f64>,
    /// Requests a second.
    pub rps: f64,
    /// Latency.
    #[serde(default)]
    pub latency_us: Option<BriefLatency>,
}

/// Latency, µs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BriefLatency {
    /// 95 % are not above it.
    pub p95: u64,
}

impl Brief {
    /// The part of the result in `text`, its texts made harmless and short.
    ///
    /// # Errors
    /// In words that follow "its result is".
    pub fn read(text: impl Read) -> Result<Self, String> {
        let mut brief: Self = serde_json::from_reader(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Io => "not readable".to_owned(),
            serde_json::error::Category::Eof => "cut off".to_owned(),
            serde_json::error::Category::Syntax => "not JSON".to_owned(),
            serde_json::error::Category::Data => "not a result of plimsoll".to_owned(),
        })?;
        if brief.format > u64::from(FORMAT) {
            return Err("of a newer plimsoll".to_owned());
        }
        let texts =
            [&mut brief.plan.name, &mut brief.plan.sha256, &mut brief.run.started_at, &mut brief.reason];
        for text in texts.into_iter().chain(&mut brief.plan.profile) {
            // What is longer than a screen is cut before it is looked at letter by letter.
            let end = text.char_indices().nth(2 * LONGEST).map_or(text.len(), |(at, _)| at);
            *text = cut(&clean(&text[..end]), LONGEST);
        }
        Ok(brief)
    }
}
