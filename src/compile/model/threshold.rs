//! Compiled thresholds: what each is about, and where it stands in the plan. Must not judge.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::metric::SeriesId;
use crate::threshold::Threshold;

/// What a threshold is about.
#[derive(Debug, Clone, PartialEq)]
pub enum ThresholdScope {
    /// All endpoints together.
    Plan,
    /// All endpoints of one scenario; with its name in reports.
    Scenario(usize, String),
    /// One endpoint or flow; with its name in reports.
    Series(SeriesId, String),
    /// All endpoints with these tags; with its name in reports.
    Tags(TagScope, String),
}

/// Rows by what they have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct TagScope {
    /// Index of the scenario they belong to; of all where there is none.
    pub scenario: Option<usize>,
    /// The tags, all of which they have.
    pub tags: BTreeMap<String, String>,
}

/// A threshold and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct ScopedThreshold {
    /// What it is about.
    pub scope: ThresholdScope,
    /// The comparison.
    pub threshold: Threshold,
    /// Whether missing it only warns.
    pub warn_only: bool,
    /// Where it stands.
    pub place: Place,
}

/// The file of an earlier run.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineFile {
    /// The file; it need not be there.
    pub path: PathBuf,
    /// Where the plan names it.
    pub place: Place,
}

/// A place in a file of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}
