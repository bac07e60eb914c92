//! Changes a machine may make: what stands at a diagnostic's place, and what belongs there. Must not change any file.

use super::{Diagnostic, FileId, Severity, Sources, Span, distance, fold, limit};

/// What would mend a problem, when nothing else can be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Text that stands once inside the diagnostic's span.
    pub written: String,
    /// Text for its place.
    pub replacement: String,
    /// What changes with it: a place, the text that stands once inside it, and the text for its place.
    pub also: Vec<(Span, String, String)>,
}

/// A [`Fix`] at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Exactly the bytes to replace.
    pub span: Span,
    /// What comes there.
    pub text: String,
}

impl Diagnostic {
    /// Says what would mend it.
    #[must_use]
    pub fn fix(mut self, written: impl Into<String>, replacement: impl Into<String>) -> Self {
        let (written, replacement) = (written.into(), replacement.into());
        self.fix = Some(Box::new(Fix { written, replacement, also: vec![] }));
        self
    }

    /// Says what changes together with that, at another place of the same file.
    #[must_use]
    pub fn fix_also(mut self, at: Span, written: impl Into<String>, replacement: impl Into<String>) -> Self {
        if let Some(fix) = &mut self.fix {
            fix.also.push((at, written.into(), replacement.into()));
        }
        self
    }

    /// Says that `written` is one of the candidates misspelt, when exactly one is near.
    #[must_use]
    pub fn fix_if_certain<'a>(self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match certain(written, candidates) {
            Some(meant) => self.fix(written, meant),
            None => self,
        }
    }

    /// Whether it is an error in the plan file itself whose correction is certain.
    pub fn is_fixable(&self, sources: &Sources) -> bool {
        let is_own = self.severity == Severity::Error && !self.is_private && self.span.file == FileId(0);
        is_own && self.edit(sources).is_some()
    }

    /// The bytes to replace, when what was written stands at the place as it was read, once. Changes at several places
    /// are one edit, with what stands between them.
    pub fn edit(&self, sources: &Sources) -> Option<Edit> {
        let fix =
            self.fix.as_deref().filter(|fix| !fix.written.is_empty() && fix.written != fix.replacement)?;
        let mut edits = vec![only(self.span, &fix.written, &fix.replacement, sources)?];
        for (at, written, replacement) in &fix.also {
            edits.push(only(*at, written, replacement, sources)?);
        }
        edits.sort_by_key(|edit| edit.span.start);
        let mut edits = edits.into_iter();
        let first = edits.next()?;
        edits.try_fold(first, |whole, next| joined(whole, &next, sources))
    }
}

/// The edit of a text that stands exactly once, as a whole word, inside a place.
fn only(at: Span, written: &str, replacement: &str, sources: &Sources) -> Option<Edit> {
    let text = sources.get(at.file).text.get(at.start as usize..at.end as usize)?;
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let is_whole = |at: &usize| {
        let end = at + written.len();
        !is_part(text[..*at].chars().next_back()) && !is_part(text[end..].chars().next())
    };
    let mut found = text.match_indices(written).map(|(at, _)| at).filter(is_whole);
    let (Some(within), None) = (found.next(), found.next()) else { return None };
    let start = at.start + within as u32;
    let span = Span { start, end: start + written.len() as u32, ..at };
    Some(Edit { span, text: replacement.to_owned() })
}

/// Two edits of one file as one, when they do not overlap.
fn joined(first: Edit, second: &Edit, sources: &Sources) -> Option<Edit> {
    if first.span.file != second.span.file || first.span.end > second.span.start {
        return None;
    }
    let between = first.span.end as usize..second.span.start as usize;
    let between = sources.get(first.span.file).text.get(between)?;
    let span = Span { end: second.span.end, ..first.span };
    Some(Edit { span, text: format!("{}{between}{}", first.text, second.text) })
}

/// The candidate that was meant, when no other is near.
fn certain<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SHORTEST: usize = 3;
    let folded = fold(written);
    if folded.chars().count() < SHORTEST {
        return None;
    }
    let is_near = |candidate: &&str| distance(&folded, &fold(candidate)) <= limit(&folded);
    let mut near: Vec<_> = candidates.into_iter().filter(is_near).collect();
    near.dedup();
    // Other signs may need quotes where the name is to stand.
    let is_plain = |name: &str| name.chars().all(|c| c.is_alphanumeric() || "_-./ ".contains(c));
    match near.as_slice() {
        [only] if is_plain(only) && only.trim() == *only => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    #[test]
    fn only_one_near_name_is_certain() {
        for (written, candidates, expected) in [
            ("wieght", ["weight", "request"].as_slice(), Some("weight")),
            ("spawn-rate", &["spawn_rate", "rate"], Some("spawn_rate")),
            ("agent", &["agents", "agent2"], None),
            ("requ", &["request"], None),
            ("ab", &["ac"], None),
            ("banana", &["weight"], None),
            ("list: agent", &["list: agents"], None),
        ] {
            assert_eq!(certain(written, candidates.iter().copied()), expected, "{written}");
        }
    }

    #[test]
    fn an_edit_needs_one_place() {
        let mut sources = Sources::default();
        let text = "a: \"{{ topk }}\"\nb: \"{{ topk + topk }}\"\nc: topk2\n".to_owned();
        sources.add(Source { name: "plan.yaml".into(), dir: ".".into(), text });
        let at = |start, end| {
            let span = Span { file: FileId(0), start, end };
            Diagnostic::error("P105", span, "m").fix("topk", "top_k").edit(&sources)
        };
        assert_eq!(at(3, 15).map(|edit| (edit.span.start, edit.span.end)), Some((7, 11)));
        assert_eq!(at(16, 40), None);
        assert_eq!(at(41, 49), None);
        assert_eq!(at(0, 9_999), None);
    }

    #[test]
    fn an_edit_of_two_places_keeps_what_is_between() {
        let mut sources = Sources::default();
        let text = "a: { get: \"/x\", b: c }\n".to_owned();
        sources.add(Source { name: "plan.yaml".into(), dir: ".".into(), text });
        let at = |start, end| Span { file: FileId(0), start, end };
        let found = Diagnostic::error("P010", at(5, 8), "m").fix("get", "request");
        let edit = |found: Diagnostic| found.edit(&sources).map(|edit| (edit.span, edit.text));
        let both = found.clone().fix_also(at(10, 14), "/x", "GET /x");
        assert_eq!(edit(both), Some((at(5, 13), "request: \"GET /x".to_owned())));
        assert_eq!(edit(found.clone().fix_also(at(10, 14), "/y", "GET /y")), None);
        assert_eq!(edit(found.fix_also(at(5, 8), "get", "x")), None);
    }
}
