//! What the index says of a run: the head of its result, up to the totals. What follows, second by second, may be large
//! and is not read. Must not open files.

use std::fmt;
use std::io::Read;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::error::Category;

use super::model::{Ended, FORMAT, Verdict};
use super::text::{clean, cut};

/// Columns of a text that is kept.
const LONGEST: usize = 200;

/// The part of a result that the index shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Brief {
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
        let mut parts = Parts::default();
        let read = serde_json::Deserializer::from_reader(text).deserialize_map(&mut parts);
        match (parts.whole(), read.map_err(|error| error.classify())) {
            (Some((format, _)), _) if format > u64::from(FORMAT) => Err("of a newer plimsoll".to_owned()),
            (Some((_, brief)), _) => Ok(brief.made_harmless()),
            (None, Ok(()) | Err(Category::Data)) => Err("not a result of plimsoll".to_owned()),
            (None, Err(Category::Syntax)) => Err("not JSON".to_owned()),
            (None, Err(Category::Eof)) => Err("cut off, or too large".to_owned()),
            (None, Err(Category::Io)) => Err("not readable".to_owned()),
        }
    }

    fn made_harmless(mut self) -> Self {
        let texts = [&mut self.plan.name, &mut self.plan.sha256, &mut self.run.started_at, &mut self.reason];
        for text in texts.into_iter().chain(&mut self.plan.profile) {
            // What is longer than a screen is cut before it is looked at letter by letter.
            let end = text.char_indices().nth(2 * LONGEST).map_or(text.len(), |(at, _)| at);
            *text = cut(&clean(&text[..end]), LONGEST);
        }
        self
    }
}

/// What was found so far.
#[derive(Default)]
struct Parts {
    format: Option<u64>,
    plan: Option<BriefPlan>,
    run: Option<BriefRun>,
    verdict: Option<Verdict>,
    reason: Option<String>,
    exit_code: Option<u8>,
    totals: Option<BriefTotals>,
}

impl Parts {
    fn is_whole(&self) -> bool {
        self.format.is_some()
            && self.plan.is_some()
            && self.run.is_some()
            && self.verdict.is_some()
            && self.reason.is_some()
            && self.exit_code.is_some()
            && self.totals.is_some()
    }

    /// The format and the rest, when nothing is missing.
    fn whole(self) -> Option<(u64, Brief)> {
        let brief = Brief {
            plan: self.plan?,
            run: self.run?,
            verdict: self.verdict?,
            reason: self.reason?,
            exit_code: self.exit_code?,
            totals: self.totals?,
        };
        Some((self.format?, brief))
    }
}

impl<'de> Visitor<'de> for &mut Parts {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a result")
    }

    /// An error ends the reading: also when nothing is missing any more.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "format" => self.format = Some(map.next_value()?),
                "plan" => self.plan = Some(map.next_value()?),
                "run" => self.run = Some(map.next_value()?),
                "verdict" => self.verdict = Some(map.next_value()?),
                "reason" => self.reason = Some(map.next_value()?),
                "exit_code" => self.exit_code = Some(map.next_value()?),
                "totals" => self.totals = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if self.is_whole() {
                return Err(A::Error::custom("enough"));
            }
        }
        Ok(())
    }
}
