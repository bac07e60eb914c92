//! What both formats share on the way to nodes: places and budgets. Must not know either format.

use super::{MOST_ALIASES, MOST_BYTES, MOST_DEPTH, MOST_NODES};
use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::plan::codes;

/// A place in a file.
pub(super) fn span(file: FileId, start: usize, end: usize) -> Span {
    let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file, start: clamp(start), end: clamp(end.max(start)) }
}

/// The error for a text that is too long.
pub(super) fn too_long(text: &str, file: FileId) -> Option<Diagnostic> {
    (text.len() > MOST_BYTES).then(|| {
        let message = format!("the plan has {} bytes; at most {MOST_BYTES} are read", text.len());
        Diagnostic::error(codes::LIMIT, span(file, 0, 0), message).help("move large bodies and data to files")
    })
}

/// What was used up so far.
#[derive(Debug, Default)]
pub(super) struct Budget {
    nodes: usize,
    aliases: usize,
    repeated_bytes: usize,
}

impl Budget {
    /// Counts values.
    pub(super) fn nodes(&mut self, count: usize, at: Span) -> Result<(), Diagnostic> {
        self.nodes = self.nodes.saturating_add(count);
        over(self.nodes > MOST_NODES, at, format!("the plan has more than {MOST_NODES} values"))
    }

    /// Counts one alias that repeats so many bytes of text.
    pub(super) fn alias(&mut self, bytes: usize, at: Span) -> Result<(), Diagnostic> {
        self.aliases += 1;
        self.repeated_bytes = self.repeated_bytes.saturating_add(bytes);
        over(self.aliases > MOST_ALIASES, at, format!("the plan has more than {MOST_ALIASES} aliases"))?;
        over(self.repeated_bytes > MOST_BYTES, at, format!("aliases repeat more than {MOST_BYTES} bytes"))
    }
}

/// Refuses nesting deeper than allowed.
pub(super) fn depth(levels: usize, at: Span) -> Result<(), Diagnostic> {
    over(levels > MOST_DEPTH, at, format!("lists and maps nest deeper than {MOST_DEPTH} levels"))
}

fn over(is_over: bool, at: Span, message: String) -> Result<(), Diagnostic> {
    match is_over {
        true => Err(Diagnostic::error(codes::LIMIT, at, message).help("move large bodies and data to files")),
        false => Ok(()),
    }
}
