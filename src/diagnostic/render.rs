//! Diagnostics as text for people, in rustc's look. Must not decide what is wrong.

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity, Source, Sources, Span};

/// Widest output line; longer source lines are trimmed around the caret.
const WIDTH: usize = 120;
/// Most bytes of one source line handed to the renderer.
const MOST_LINE: usize = 2_000;
/// Most diagnostics shown; a plan with more is fixed in rounds.
const MOST_SHOWN: usize = 50;

/// One diagnostic as lines for a terminal, with colours when asked.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut elements = places(diagnostic, sources);
    for help in &diagnostic.help {
        elements.push(Level::HELP.message(clean(help)).into());
    }
    let title = level.primary_title(clean(&diagnostic.message)).id(diagnostic.code);
    let group: Group<'_> = title.elements(elements);
    renderer.term_width(WIDTH).render(&[group])
}

/// All of them in the order of the text, one empty line between two.
pub fn render_all(all: &Diagnostics, sources: &Sources, color: bool) -> String {
    let sorted = all.sorted();
    let mut out = String::new();
    for diagnostic in sorted.iter().take(MOST_SHOWN) {
        out.push_str(render(diagnostic, sources, color).trim_end());
        out.push_str("\n\n");
    }
    let (errors, warnings) = all.counts();
    if errors + warnings > MOST_SHOWN {
        out.push_str(&format!("… and {} more\n\n", errors + warnings - MOST_SHOWN));
    }
    out
}

/// Lines between two places that are still shown as one piece.
const NEAR: usize = 6;

/// Both places: in one piece of source when they are near, else one after the other.
fn places(diagnostic: &Diagnostic, sources: &Sources) -> Vec<Element<'static>> {
    let span = diagnostic.span;
    if diagnostic.is_private {
        let (line, column) = sources.line_col(span);
        let name = clean(&sources.get(span.file).name);
        return vec![Origin::path(name).line(line).char_column(column).into()];
    }
    let Some((other, words)) = diagnostic.other.as_deref() else {
        return place(span, &diagnostic.label, AnnotationKind::Primary, sources);
    };
    let source = sources.get(span.file);
    let lines = [sources.line_col(span).0, sources.line_col(*other).0];
    let shown = [ShownLine::of(source, span), ShownLine::of(sources.get(other.file), *other)];
    let is_near = span.file == other.file && lines[0].abs_diff(lines[1]) <= NEAR;
    if !is_near || shown.iter().any(|line| line.is_cut) || source.text.is_empty() {
        let mut elements = place(span, &diagnostic.label, AnnotationKind::Primary, sources);
        elements.extend(place(*other, words, AnnotationKind::Context, sources));
        return elements;
    }
    let (first, last) = (lines[0].min(lines[1]), lines[0].max(lines[1]));
    let text: Vec<_> =
        source.text.split('\n').skip(first - 1).take(last - first + 1).map(shown_text).collect();
    let starts = lines.map(|line| text[..line - first].iter().map(|l| l.len() + 1).sum::<usize>());
    let caret = |i: usize| shown[i].caret.start + starts[i]..shown[i].caret.end + starts[i];
    let primary = annotation(AnnotationKind::Primary, caret(0), &diagnostic.label);
    let context = annotation(AnnotationKind::Context, caret(1), words);
    let snippet = Snippet::source(text.join("\n")).line_start(first).path(clean(&source.name));
    vec![snippet.annotation(primary).annotation(context).into()]
}

fn shown_text(line: &str) -> String {
    clean_source(line.trim_end_matches('\r').get(..MOST_LINE).unwrap_or(line.trim_end_matches('\r')))
}

fn annotation(kind: AnnotationKind, caret: std::ops::Range<usize>, label: &str) -> Annotation<'static> {
    let annotation: Annotation<'static> = kind.span(caret);
    if label.is_empty() { annotation } else { annotation.label(clean(label)) }
}

/// Where it is, and the source line when there is one.
fn place(span: Span, label: &str, kind: AnnotationKind, sources: &Sources) -> Vec<Element<'static>> {
    let source = sources.get(span.file);
    let (line, column) = sources.line_col(span);
    let name = clean(&source.name);
    if source.text.is_empty() {
        return vec![Origin::path(name).into()];
    }
    let shown = ShownLine::of(source, span);
    let annotation = annotation(kind, shown.caret, label);
    let snippet = Snippet::source(shown.text).line_start(line).annotation(annotation);
    match shown.is_cut {
        true => vec![Origin::path(name).line(line).char_column(column).into(), snippet.into()],
        false => vec![snippet.path(name).into()],
    }
}

/// The first line of a span, cut when it is very long, and the caret in it.
struct ShownLine {
    text: String,
    caret: std::ops::Range<usize>,
    is_cut: bool,
}

impl ShownLine {
    fn of(source: &Source, span: Span) -> Self {
        let text = source.text.as_str();
        let at = floor(text, span.start as usize);
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
        let end = start + text[start..end].trim_end_matches('\r').len();
        let at = at.min(end);
        let is_cut = end - start > MOST_LINE;
        let (from, to) = match is_cut {
            true => (
                floor(text, at.saturating_sub(MOST_LINE / 2)).max(start),
                floor(text, at + MOST_LINE / 2).min(end),
            ),
            false => (start, end),
        };
        let stop = floor(text, span.end as usize).clamp(at, to);
        let (before, marked) = (clean_source(&text[from..at]), clean_source(&text[at..stop]));
        let caret = before.len()..before.len() + marked.len();
        Self { text: before + &marked + &clean_source(&text[stop..to]), caret, is_cut }
    }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Control and direction characters as a visible replacement: a plan must not move the cursor or reorder text.
fn clean_source(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// As [`clean_source`], for words of messages; cut, because a name can be as long as the plan.
fn clean(text: &str) -> String {
    const MOST: usize = 2_000;
    let cut = floor(text, MOST);
    let mut out: String = text[..cut].chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect();
    if cut < text.len() {
        out.push('…');
    }
    out
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add(Source { name: "plan.yaml".into(), dir: ".".into(), text: text.into() });
        sources
    }

    fn at(start: u32, end: u32) -> Span {
        Span { file: FileId(0), start, end }
    }

    #[test]
    fn it_looks_like_rustc() {
        let text = "plan: 1\nwieght: 5\nname: x\n";
        let diagnostic = Diagnostic::error("P010", at(8, 14), "`wieght` is not a key of a plan")
            .label("here")
            .other(at(18, 22), "the other")
            .help("did you mean `weight`?");
        let expected = "\
error[P010]: `wieght` is not a key of a plan
 --> plan.yaml:2:1
  |
2 | wieght: 5
  | ^^^^^^ here
3 | name: x
  | ---- the other
  |
  = help: did you mean `weight`?";
        assert_eq!(render(&diagnostic, &sources(text), false), expected);
        assert!(render(&diagnostic, &sources(text), true).contains('\u{1b}'));
    }

    #[test]
    fn hostile_text_stays_text() {
        let text = "a\u{1b}[31m: \u{202e}x\rz\n";
        let diagnostic = Diagnostic::error("P010", at(0, 9), "`a\u{1b}[31m\nerror: forged`");
        let shown = render(&diagnostic, &sources(text), false);
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}') && !shown.contains("\nerror"),
            "{shown}"
        );
    }

    #[test]
    fn a_long_line_is_cut_and_keeps_its_column() {
        let text = format!("a: {}\nb: 1\n", "x".repeat(100_000));
        let shown = render(&Diagnostic::error("P012", at(50_000, 50_002), "m"), &sources(&text), false);
        assert!(shown.len() < 2_000 && shown.contains("plan.yaml:1:50001"), "{shown}");
    }

    #[test]
    fn any_span_renders() {
        for text in ["", "a", "é: 1", "a: 1\n", "\n\n", "\u{feff}a: 1"] {
            for start in 0..8 {
                for end in 0..8 {
                    let diagnostic =
                        Diagnostic::error("P001", at(start, end), "m").other(at(end, start), "o");
                    assert!(!render(&diagnostic, &sources(text), false).is_empty());
                }
            }
        }
    }

    #[test]
    fn many_are_cut() {
        let mut all = Diagnostics::default();
        (0..200).for_each(|i| all.push(Diagnostic::error("P010", at(i, i), "m")));
        assert!(render_all(&all, &sources("plan: 1\n"), false).contains("… and 150 more"));
    }
}
