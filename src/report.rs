//! Reports: each is one file, a function of the one result document. They know only that document — no plan, no
//! engine, no clock — and return text; only [`live`], [`sink`] and [`folder`] touch the outside.
//!
//! `console` and `html` show the same numbers: `tables` makes the cells, `number` writes them, `text` makes what
//! came from plans and servers harmless.

pub mod brief;
pub mod connections;
pub mod console;
pub mod csv;
pub mod folder;
pub mod github;
mod guarded;
pub mod hdr;
pub mod html;
pub mod json;
pub mod junit;
pub mod live;
pub mod markdown;
pub mod model;
pub mod number;
pub mod schema;
mod short_texts;
pub mod sink;
pub mod tables;
pub mod text;
pub mod verdict;

#[cfg(test)]
pub mod fixture;

/// Why a report could not be read, made or written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The text is no JSON.
    #[error("not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The JSON is something else.
    #[error("not a result of plimsoll: it has no `plimsoll` and `format`")]
    NotResult,
    /// Written by a later version.
    #[error(
        "a result of format {format}, written by plimsoll {written_by}; this plimsoll reads up to format {}",
        model::FORMAT
    )]
    NewerFormat {
        /// Its format.
        format: u64,
        /// Version that wrote it.
        written_by: String,
    },
    /// A result, but fields are missing or of the wrong type.
    #[error("a damaged result")]
    Damaged(#[source] serde_json::Error),
    /// A result that would take too much memory.
    #[error("takes more than {} MiB of memory, which no result needs", guarded::MOST_BYTES >> 20)]
    TooLarge,
    /// A value that JSON cannot hold.
    #[error("the result cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// A row that CSV cannot hold, which memory rules out.
    #[error("the CSV files cannot be made")]
    Table(#[source] ::csv::Error),
    /// A text that XML cannot hold.
    #[error("the JUnit report cannot be made")]
    Xml(#[source] quick_junit::SerializeError),
    /// A histogram of the result that cannot be read.
    #[error("a histogram of the result is damaged")]
    Histogram,
    /// The page's template and its data disagree.
    #[error("the HTML report cannot be made")]
    Render(#[source] minijinja::Error),
    /// The file cannot be written.
    #[error("cannot write {path}: {cause}")]
    Write {
        /// The path as given.
        path: String,
        /// In plain words.
        cause: String,
    },
}
