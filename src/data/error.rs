//! What can be wrong with a data file, before the run and in it: which file, which line, what to do. Must not print.

use std::path::PathBuf;

/// Why there is no row while the plan runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRow {
    /// Every row was handed out, and the feed does not begin again.
    #[error("all its {rows} rows were taken")]
    UsedUp {
        /// Rows of the feed.
        rows: u64,
    },
    /// The file is not what it was when it was checked.
    #[error("{} has changed since the run began; leave data files alone while a plan runs", path.display())]
    Changed {
        /// The path as given.
        path: PathBuf,
    },
}

/// Why a data file cannot be used. The text names the file (with the line where there is one) and the way out.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// No such file.
    #[error("{}: no such file{}", path.display(), near.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Missing {
        /// The path as given.
        path: PathBuf,
        /// The most similar name in the same folder.
        near: Option<String>,
    },
    /// The name does not end in a format we know.
    #[error("{}: unknown kind of data file; write `format: csv`, `json` or `jsonl`, or name it .csv, .tsv, .json or .jsonl", path.display())]
    UnknownKind {
        /// The path as given.
        path: PathBuf,
    },
    /// The path, or a symbolic link on it, leads out of the plan's folder.
    #[error(
        "{}: lies outside {}; data files must stay inside the plan's folder, also through symbolic links: copy it there",
        path.display(), root.display()
    )]
    Outside {
        /// The path as given.
        path: PathBuf,
        /// The folder it must stay in.
        root: PathBuf,
    },
    /// A directory, device, pipe or socket.
    #[error("{}: is {what}, not a regular file; give a file that can be read from beginning to end", path.display())]
    NotAFile {
        /// The path as given.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// The file is larger than any feed.
    #[error("{}: larger than {} GiB; split it, or keep only the columns and rows the plan needs", path.display(), limit >> 30)]
    TooLarge {
        /// The path as given.
        path: PathBuf,
        /// The largest size, bytes.
        limit: u64,
    },
    /// A list of objects that is too large to be kept in memory.
    #[error("{}: a list of more than {} MiB has to be kept in memory; write it as .jsonl, one object a line, whose rows are read when they are needed", path.display(), limit >> 20)]
    LargeList {
        /// The path as given.
        path: PathBuf,
        /// The largest size, bytes.
        limit: u64,
    },
    /// A row no plan means.
    #[error("{}:{line}: a row of more than {} MiB; is a quote or a line break missing?", path.display(), limit >> 20)]
    LongRow {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// The longest row, bytes.
        limit: u64,
    },
    /// More columns than any plan means.
    #[error("{}:{line}: more than {limit} columns; are names and values mixed up?", path.display())]
    TooManyColumns {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// The most columns.
        limit: usize,
    },
    /// A NUL byte, which no text has.
    #[error("{}:{line}: holds a NUL byte; this is no text file: save it as UTF-8", path.display())]
    Nul {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
    },
    /// The header has one column with another sign in it that separates columns.
    #[error("{}:{line}: the columns seem to be separated by {seen}, not by {used}; write `delimiter: \"{written}\"`", path.display())]
    Delimiter {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// What was looked for, in words.
        used: String,
        /// What stands there, in words.
        seen: String,
        /// What stands there, as a plan writes it.
        written: String,
    },
    /// More values than are kept in memory.
    #[error("{}:{line}: more than {limit} values; split it, or keep only the columns and rows the plan needs", path.display())]
    TooManyValues {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// The most values in one file.
        limit: usize,
    },
    /// The operating system would not read it.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The path as given.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Text in another encoding.
    #[error("{}: is UTF-16; save the file as UTF-8 (a spreadsheet calls it \"CSV UTF-8\")", path.display())]
    Utf16 {
        /// The path as given.
        path: PathBuf,
    },
    /// Bytes that are not UTF-8.
    #[error("{}:{line}: not UTF-8; save the file as UTF-8 (a spreadsheet calls it \"CSV UTF-8\")", path.display())]
    NotUtf8 {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
    },
    /// Nothing in it, or a header without rows.
    #[error("{}: has no rows; add at least one", path.display())]
    Empty {
        /// The path as given.
        path: PathBuf,
    },
    /// The first row of a CSV file is not a list of names.
    #[error("{}:{line}: not a header row: {reason}; the first row must name the columns, such as `id,text`", path.display())]
    Header {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A CSV row that is longer or shorter than the header.
    #[error("{}:{line}: values in this row: {found}, columns in the header: {expected}; put quotes around values that hold a comma", path.display())]
    Ragged {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// Values in this row.
        found: u64,
        /// Names in the header.
        expected: u64,
    },
    /// A value that RFC 4180 does not allow, and that programs read in different ways.
    #[error("{}:{line}: {column}: {what}", path.display())]
    Cell {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// Which column, by its name where that is known.
        column: String,
        /// What is wrong and what to write.
        what: &'static str,
    },
    /// A carriage return alone, which some programs take for the end of a row.
    #[error("{}:{line}: a carriage return (CR) without a line feed; save the file with LF or CRLF at the ends of lines", path.display())]
    LoneReturn {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
    },
    /// A quote that never ends, which swallows the rows after it.
    #[error("{}:{line}: a quote opened in this row is never closed; close it, or double a quote that is part of a value", path.display())]
    OpenQuote {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
    },
    /// Not JSON, or not an array of objects.
    #[error("{}:{line}:{column}: {reason}", path.display())]
    Json {
        /// The path as given.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// 1-based.
        column: u64,
        /// What is wrong and what is wanted.
        reason: String,
    },
}
