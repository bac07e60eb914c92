//! Changes a machine may make: what stands at a diagnostic's place, and what belongs there. Must not change any file.

use super::{Diagnostic, FileId, Severity, Sources, Span, distance, fold, limit};

/// What would mend a problem, when nothing else can be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Text that stands once inside the diagnostic's span.
    pub written: String,
    /// Text for its place.
    pub replacement: String,
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
        self.fix = Some(Box::new(Fix { written: written.into(), replacement: replacement.into() }));
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

    /// The bytes to replace, when what was written stands at the place as it was read, once.
    pub fn edit(&self, sources: &Sources) -> Option<Edit> {
        let fix =
            self.fix.as_deref().filter(|fix| !fix.written.is_empty() && fix.written != fix.replacement)?;
        let text = sources.get(self.span.file).text.get(self.span.start as usize..self.span.end as usize)?;
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let is_whole = |at: &usize| {
            let end = at + fix.written.len();
            !is_part(text[..*at].chars().next_back()) && !is_part(text[end..].chars().next())
        };
        let mut found = text.match_indices(&fix.written).map(|(at, _)| at).filter(is_whole);
        let (Some(at), None) = (found.next(), found.next()) else { return None };
        let start = self.span.start + at as u32;
        let span = Span { start, end: start + fix.written.len() as u32, ..self.span };
        Some(Edit { span, text: fix.replacement.clone() })
    }
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
}
