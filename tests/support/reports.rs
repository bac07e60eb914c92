//! Every report that is made from a result: the flags that ask for them, and the files they become.

use super::Scratch;

const FLAGS: [(&str, &str); 6] = [
    ("--html", "report.html"),
    ("--junit", "report.xml"),
    ("--markdown", "report.md"),
    ("--csv", "report"),
    ("--hdr", "report.hgrm"),
    ("--hdr", "report.hlog"),
];

pub const FILES: [&str; 9] = [
    "report.html",
    "report.xml",
    "report.md",
    "report.hgrm",
    "report.hlog",
    "report_stats.csv",
    "report_stats_history.csv",
    "report_failures.csv",
    "report_exceptions.csv",
];

/// The flags for all of them, written to a folder.
pub fn flags(scratch: &Scratch) -> Vec<String> {
    FLAGS
        .iter()
        .flat_map(|(flag, name)| [flag.to_string(), scratch.path(name).display().to_string()])
        .collect()
}
