//! Which reports a run writes. Must not touch any file.

use super::OneOrMany;
use crate::diagnostic::Located;

plan_keys! {
    /// Reports that every run of the plan writes; flags of the command line win.
    "the reports"
    pub struct Reports {
        /// Folder that keeps every run: in a folder of the plan's name one for each run, with an index of all of them.
        folder: Option<Located<String>>,
        /// Self-contained HTML report, a `.html`.
        html: Option<Located<String>>,
        /// The result, a `.json`.
        json: Option<Located<String>>,
        /// JUnit XML, a `.xml`.
        junit: Option<Located<String>>,
        /// Summary in Markdown, a `.md`.
        markdown: Option<Located<String>>,
        /// Prefix of Locust's CSV files: `PREFIX_stats.csv` and three more.
        csv: Option<Located<String>>,
        /// Latencies for HdrHistogram's tools: a `.hgrm` or `.hlog`, or a list of them.
        hdr: Option<OneOrMany<Located<String>>>,
    }
}
