//! Problems in a plan: many, located, with help. Holds the data and the collection; [`render()`] makes them text.
//! Must not know what a plan is.

mod fix;
mod render;

pub use fix::{Edit, Fix};
pub use render::{render, render_all};

use std::path::PathBuf;
use std::sync::OnceLock;

/// Index of a file in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u16);

/// Bytes `start..end` of a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value and the place it was written at.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// Two located values are equal when the values are: a plan in TOML equals the same plan in YAML.
impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// One text a diagnostic can point into: a plan file, or a `--set path=value` of the command line.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name shown to people: the path as given, or the flag.
    pub name: String,
    /// The directory relative paths in this source start from.
    pub dir: PathBuf,
    /// The text.
    pub text: String,
}

/// Every text of one load of a plan.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
    /// Where the lines of each end, once somebody asked.
    lines: Vec<OnceLock<Box<[u32]>>>,
    later: Later,
}

/// Texts found while something else holds the sources: a list that only grows, so that places stay valid.
#[derive(Debug, Clone, Default)]
struct Later(OnceLock<Box<(Source, Later)>>);

/// The first id of a text that was added later.
const LATER: u16 = 1 << 15;

impl Sources {
    /// Adds a text and returns its id.
    pub fn add(&mut self, source: Source) -> FileId {
        self.files.push(source);
        self.lines.push(OnceLock::new());
        FileId((self.files.len() - 1) as u16)
    }

    /// As [`Sources::add`], while the sources are in use. One thread only does so at a time.
    pub fn add_later(&self, source: Source) -> FileId {
        let (mut end, mut index) = (&self.later, 0);
        while let Some(next) = end.0.get() {
            (end, index) = (&next.1, index + 1);
        }
        end.0.get_or_init(|| Box::new((source, Later::default())));
        FileId(LATER + index)
    }

    /// The source of an id handed out by [`Sources::add`] or [`Sources::add_later`].
    pub fn get(&self, id: FileId) -> &Source {
        let later = || std::iter::successors(self.later.0.get(), |next| next.1.0.get());
        let added = id.0.checked_sub(LATER).and_then(|index| later().nth(index.into()));
        added.map_or_else(|| &self.files[usize::from(id.0 % LATER)], |found| &found.0)
    }

    /// What each text is called, a file by its path.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let later = std::iter::successors(self.later.0.get(), |next| next.1.0.get());
        self.files.iter().chain(later.map(|next| &next.0)).map(|source| source.name.as_str())
    }

    /// 1-based line and column (in characters) of a span's first byte.
    pub fn line_col(&self, span: Span) -> (usize, usize) {
        let text = &self.get(span.file).text;
        let mut at = (span.start as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self.line(span);
        let column = text[..at].rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
        (line, column)
    }

    /// 1-based line of a span's first byte.
    pub fn line(&self, span: Span) -> usize {
        let text = &self.get(span.file).text;
        let known =
            self.lines.get(usize::from(span.file.0)).map(|lines| lines.get_or_init(|| line_ends(text)));
        let ends_before = |ends: &[u32]| ends.partition_point(|end| *end < span.start);
        known.map_or_else(|| ends_before(&line_ends(text)), |ends| ends_before(ends)) + 1
    }
}

/// Where the lines of a text end.
fn line_ends(text: &str) -> Box<[u32]> {
    text.bytes().zip(0..).filter(|(byte, _)| *byte == b'\n').map(|(_, at)| at).collect()
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The plan runs, but surely not as meant.
    Warning,
    /// The plan does not run.
    Error,
}

/// One problem at one place.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable code, `P001`…
    pub code: &'static str,
    /// What is wrong, one sentence, no full stop.
    pub message: String,
    /// The place.
    pub span: Span,
    /// Words under the caret; may be empty.
    pub label: String,
    /// A second place (the other half of a clash) with its words.
    pub other: Option<Box<(Span, String)>>,
    /// What to do about it, one line each.
    pub help: Vec<String>,
    /// The source line holds what nobody should see; only its number is shown.
    pub is_private: bool,
    /// What a machine may change to mend it.
    pub fix: Option<Box<Fix>>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span,
            label: String::new(),
            other: None,
            help: vec![],
            is_private: false,
            fix: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Words under the caret.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Shows the place without its source line, which holds a password or the like.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.is_private = true;
        self
    }

    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Names the other place of a clash.
    #[must_use]
    pub fn other(mut self, span: Span, text: impl Into<String>) -> Self {
        self.other = Some(Box::new((span, text.into())));
        self
    }

    /// Adds "did you mean `x`?" when a candidate is near enough to `written`.
    #[must_use]
    pub fn did_you_mean<'a>(self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        let all: Vec<_> = candidates.into_iter().collect();
        match nearest(written, all.iter().copied()) {
            Some(near) => self.help(format!("did you mean `{near}`?")).fix_if_certain(written, all),
            None => self,
        }
    }

    /// As [`Diagnostic::did_you_mean`]; without a near one, all candidates are named.
    #[must_use]
    pub fn did_you_mean_or_list<'a>(self, written: &str, all: impl IntoIterator<Item = &'a str>) -> Self {
        let all: Vec<_> = all.into_iter().collect();
        match nearest(written, all.iter().copied()) {
            Some(near) => self.help(format!("did you mean `{near}`?")).fix_if_certain(written, all),
            None if all.is_empty() => self,
            None => self.help(format!("there is {}", listed(&all))),
        }
    }
}

/// Names with commas, the first few of very many.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 30;
    let shown: Vec<_> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MOST { " …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Everything found so far.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// How many errors and warnings were found; some are not kept.
    found: [usize; 2],
}

/// Most errors kept, and most warnings: what is made of them takes time for each.
const MOST_KEPT: usize = 1_000;

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let found = &mut self.found[usize::from(diagnostic.severity == Severity::Warning)];
        *found += 1;
        if *found <= MOST_KEPT {
            self.list.push(diagnostic);
        }
    }

    /// Whether the plan must not run.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether one of them is such.
    pub fn any(&self, is_such: impl Fn(&Diagnostic) -> bool) -> bool {
        self.list.iter().any(is_such)
    }

    /// Those that keep the plan from running, in the order found.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter().filter(|d| d.severity == Severity::Error)
    }

    /// How many errors and warnings were found.
    pub fn counts(&self) -> (usize, usize) {
        let [errors, warnings] = self.found;
        (errors, warnings)
    }

    /// All that are kept, in the order of the text.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.list.iter().collect();
        all.sort_by_key(|d| (d.span.file, d.span.start, d.code));
        all
    }
}

/// The candidate nearest to what was written, when it is near enough to be a typo: at most a third of the
/// letters differ (optimal string alignment distance), only case, `_`, `-` and spaces do, or one begins with
/// the other.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written_folded = fold(written);
    let limit = limit(&written_folded);
    let length = written_folded.chars().count();
    let begins = |c: &str| {
        let c = fold(c);
        c.len().min(written_folded.len()) >= SHORTEST_START
            && (c.starts_with(&written_folded) || written_folded.starts_with(&c))
    };
    let all: Vec<_> = candidates.into_iter().collect();
    let close = all
        .iter()
        .filter(|c| fold(c).chars().count().abs_diff(length) <= limit)
        .map(|c| (distance(&written_folded, &fold(c)), *c))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, c)| (*d, c.len()))
        .map(|(_, c)| c);
    close.or_else(|| all.into_iter().find(|c| begins(c)))
}

/// A name without what people get wrong most: case, `_`, `-` and spaces.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase().replace(['_', '-', ' '], "")
}

/// How many letters of a folded name may be wrong.
fn limit(folded: &str) -> usize {
    (folded.chars().count() / 3).clamp(1, 4)
}

/// Fewest letters two names share at their start to be near.
const SHORTEST_START: usize = 4;

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let keys = ["weight", "request", "thresholds", "spawn_rate"];
        for (written, expected) in [
            ("wieght", Some("weight")),
            ("treshold", Some("thresholds")),
            ("spawn-rate", Some("spawn_rate")),
            ("banana", None),
        ] {
            assert_eq!(nearest(written, keys), expected, "{written}");
        }
    }
}
