//! Where a plan's reports go. Holds no behaviour.

use std::path::PathBuf;

use crate::plan::bounds::Bounds;

/// A place that a plan names for a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPlace {
    /// From the working directory.
    pub path: PathBuf,
    /// Where it must lie when it is opened, symbolic links followed; `None` when the command line named it.
    pub bounds: Option<Bounds>,
}

/// The reports that every run of a plan writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reports {
    /// Keeps every run.
    pub folder: Option<ReportPlace>,
    /// HTML.
    pub html: Option<ReportPlace>,
    /// The result.
    pub json: Option<ReportPlace>,
    /// JUnit XML.
    pub junit: Option<ReportPlace>,
    /// Markdown.
    pub markdown: Option<ReportPlace>,
    /// Prefix of the CSV files.
    pub csv: Option<ReportPlace>,
    /// HdrHistogram's files.
    pub hdr: Vec<ReportPlace>,
}
