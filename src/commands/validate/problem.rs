//! A diagnostic as machines read it: places as lines and columns, secrets hidden. Its fields are the JSON format, which
//! only ever gets more of them.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Severity, Sources, Span};
use crate::mask::Masker;
use crate::plan::load::Loaded;

use crate::commands::terminal::secrets;

/// One problem.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    #[serde(flatten)]
    pub place: Place,
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    pub message: String,
    /// What to do, one line each.
    pub help: Vec<String>,
    /// Other places it is about.
    pub related: Vec<Related>,
    /// What `--fix` would change.
    pub fix: Option<Replacement>,
}

/// A range of a file. Lines and columns count from 1, columns in characters; the end is the first column after it.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

/// A place with its words.
#[derive(Debug, Clone, Serialize)]
pub struct Related {
    #[serde(flatten)]
    pub place: Place,
    pub message: String,
}

/// A range and the text that belongs there.
#[derive(Debug, Clone, Serialize)]
pub struct Replacement {
    #[serde(flatten)]
    pub place: Place,
    pub text: String,
}

impl Problem {
    /// All problems of a plan, in the order of its text.
    pub fn all(diagnostics: &Diagnostics, loaded: &Loaded) -> Vec<Self> {
        let masker = secrets(loaded);
        diagnostics.sorted().into_iter().map(|found| Self::of(found, &loaded.sources, &masker)).collect()
    }

    fn of(found: &Diagnostic, sources: &Sources, masker: &Masker) -> Self {
        let hidden = |text: &str| masker.mask(text).into_owned();
        let related = found
            .other
            .as_deref()
            .map(|(span, words)| Related { place: Place::of(*span, sources), message: hidden(words) });
        let edit = found.edit(sources).filter(|_| found.is_fixable(sources));
        let fix = edit.map(|edit| Replacement { place: Place::of(edit.span, sources), text: edit.text });
        Self {
            place: Place::of(found.span, sources),
            code: found.code,
            severity: match found.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: hidden(&found.message),
            help: found.help.iter().map(|line| hidden(line)).collect(),
            related: related.into_iter().collect(),
            // Never half of a text with a secret in it.
            fix: fix.filter(|fix| hidden(&fix.text) == fix.text),
        }
    }
}

impl Place {
    /// What a flag says has its place at the start of the plan.
    fn of(span: Span, sources: &Sources) -> Self {
        let name = &sources.get(span.file).name;
        let span = match span.file != FileId(0) && name.starts_with("--") {
            true => Span { file: FileId(0), start: 0, end: 0 },
            false => span,
        };
        let (line, column) = sources.line_col(span);
        let (end_line, end_column) = sources.line_col(Span { start: span.end.max(span.start), ..span });
        Self { file: sources.get(span.file).name.clone(), line, column, end_line, end_column }
    }
}
