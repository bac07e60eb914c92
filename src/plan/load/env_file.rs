//! A file of environment variables, `.env`: found, read, parsed strictly. What it holds is never shown, not even in
//! an error. Must not change the process's environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Source, Sources, Span};
use crate::plan::codes;
use crate::plan::trust::Trust;

/// The file beside a plan.
const NAME: &str = ".env";

/// The variables a plan can use: the process's environment, and where it has none, those of a file; of a stranger's plan only
/// those that the command line allows.
#[derive(Clone, Default)]
pub struct Variables {
    of_file: Arc<BTreeMap<String, String>>,
    trust: Trust,
}

/// Shows names, never a value.
impl fmt::Debug for Variables {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.of_file.keys()).finish()
    }
}

impl Variables {
    /// Those of the process alone.
    pub(super) fn of_process(trust: &Trust) -> Self {
        Self { of_file: Arc::default(), trust: trust.clone() }
    }

    /// The value of a variable that the plan may read.
    pub fn get(&self, name: &str) -> Option<String> {
        let found = || std::env::var(name).ok().or_else(|| self.of_file.get(name).cloned());
        self.trust.may_read(name).then(found).flatten()
    }
}

/// The variables of `given`, else those of `.env` beside the plan, if there is one and the plan is no stranger's.
pub(super) fn read(
    plan: &Path,
    given: Option<&Path>,
    trust: &Trust,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Variables {
    let none = Variables::of_process(trust);
    let beside = || if trust.is_stranger { None } else { beside(plan) };
    let Some(path) = given.map(Path::to_owned).or_else(beside) else { return none };
    let name = path.display().to_string();
    let text = if given.is_none() && !is_inside(&path) {
        Err(format!("`{name}` is a link that leads out of the plan's folder"))
    } else {
        file::read(&path).map_err(|problem| problem.message)
    };
    let dir = path.parent().map(Path::to_owned).unwrap_or_default();
    let (text, problem) = match text {
        Ok(text) => (text, None),
        Err(problem) => (String::new(), Some(problem)),
    };
    let id = sources.add(Source { name, dir, text });
    if let Some(message) = problem {
        let help = match given {
            Some(_) => "check the path and the rights; it is a text of lines such as `API_KEY=…`",
            None => "mend or remove it, or name another with `--env-file`",
        };
        let span = Span { file: id, start: 0, end: 0 };
        out.push(Diagnostic::error(codes::ENV_FILE, span, message).help(help).private());
        return none;
    }
    Variables { of_file: Arc::new(parse(&sources.get(id).text, id, out)), ..none }
}

/// The file beside a plan; a folder of that name (of a Python environment) is none.
fn beside(plan: &Path) -> Option<PathBuf> {
    let path = match plan.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => folder.join(NAME),
        None => PathBuf::from(NAME),
    };
    // A link that leads nowhere is reported when it is read.
    let found = path.symlink_metadata().is_ok() && !path.is_dir();
    found.then_some(path)
}

/// Whether it lies, links followed, where it stands: a plan must not read what its user did not put there.
fn is_inside(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(real), Ok(folder)) => real.starts_with(folder),
        // It cannot be read either, which is said then.
        _ => true,
    }
}

/// Reads `NAME=value` lines; every problem is reported.
fn parse(text: &str, file: FileId, out: &mut Diagnostics) -> BTreeMap<String, String> {
    let mut found = BTreeMap::<String, (String, usize)>::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while at < text.len() {
        let line = Line { text, at };
        let (entry, next) = match line.read() {
            Ok((entry, next)) => (entry, next),
            Err(Wrong { message, help, in_quotes }) => {
                let span = Span { file, start: at as u32, end: at as u32 };
                out.push(Diagnostic::error(codes::ENV_FILE, span, message).help(help).private());
                // Where a quoted value ends is not known then.
                (None, if in_quotes { text.len() } else { line.end() + 1 })
            }
        };
        if let Some((name, value)) = entry {
            if let Some((_, first)) = found.get(&name) {
                let message = format!("`{name}` is set twice, first in line {first}");
                let span = Span { file, start: at as u32, end: at as u32 };
                out.push(
                    Diagnostic::error(codes::ENV_FILE, span, message).help("keep one of them").private(),
                );
            } else {
                found.insert(name, (value, text[..at].matches('\n').count() + 1));
            }
        }
        at = next;
    }
    found.into_iter().map(|(name, (value, _))| (name, value)).collect()
}

/// What is wrong with a line, and what to do.
struct Wrong {
    message: String,
    help: &'static str,
    in_quotes: bool,
}

fn wrong<T>(message: impl Into<String>, help: &'static str) -> Result<T, Wrong> {
    Err(Wrong { message: message.into(), help, in_quotes: false })
}

fn wrong_in_quotes<T>(message: impl Into<String>, help: &'static str) -> Result<T, Wrong> {
    Err(Wrong { message: message.into(), help, in_quotes: true })
}

/// A text from the start of one of its lines.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Line<'a> {
    /// Where the line ends.
    fn end(self) -> usize {
        self.text[self.at..].find('\n').map_or(self.text.len(), |length| self.at + length)
    }

    /// Name and value, if the line has some, and where the next begins.
    fn read(self) -> Result<(Option<(String, String)>, usize), Wrong> {
        let line = &self.text[self.at..self.end()];
        let start = line.trim_start();
        if start.trim().is_empty() || start.starts_with('#') {
            return Ok((None, self.end() + 1));
        }
        let exported = start.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
        let rest = exported.unwrap_or(start).trim_start();
        let Some((name, value)) = rest.split_once('=') else {
            return wrong("there is no `=` in this line", "a line is `NAME=value`, or begins with `#`");
        };
        let name = name.trim_end();
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !is_name(name) {
            return wrong(
                "what stands before `=` is no name of a variable",
                "a name has letters, digits and `_`, and does not start with a digit",
            );
        }
        let value_at = self.end() - value.len();
        let (value, next) = Line { at: value_at, ..self }.value()?;
        if value.contains('\0') {
            return wrong(format!("the value of `{name}` holds a NUL character"), "remove it");
        }
        Ok((Some((name.to_owned(), value)), next))
    }

    /// The value that begins here, and where the next line begins.
    fn value(self) -> Result<(String, usize), Wrong> {
        let line = &self.text[self.at..self.end()];
        let indent = line.len() - line.trim_start().len();
        let start = self.at + indent;
        match line.trim_start().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(start + 1, quote),
            _ => {
                let comment = line.match_indices('#').find(|(at, _)| line[..*at].ends_with([' ', '\t']));
                let value = comment.map_or(line, |(at, _)| &line[..at]).trim();
                if value.contains("${") {
                    return wrong(SUBSTITUTION, SUBSTITUTION_HELP);
                }
                Ok((value.to_owned(), self.end() + 1))
            }
        }
    }

    /// The value from `start`, where its quotes have been opened; it may hold line breaks.
    fn quoted(self, start: usize, quote: char) -> Result<(String, usize), Wrong> {
        let mut value = String::new();
        let mut chars = self.text[start..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => return self.after_quotes(value, start + at + 1),
                '$' if quote == '"' && self.text[start + at..].starts_with("${") => {
                    return wrong_in_quotes(SUBSTITUTION, SUBSTITUTION_HELP);
                }
                '\\' if quote == '"' => value.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, 'r')) => '\r',
                    Some((_, 't')) => '\t',
                    Some((_, c @ ('\\' | '"' | '$'))) => c,
                    _ => {
                        return wrong_in_quotes(
                            "an escape in quotes is none of `\\n`, `\\r`, `\\t`, `\\\\`, `\\\"` and `\\$`",
                            "write `\\\\` for a backslash, or use single quotes, in which nothing is an escape",
                        );
                    }
                }),
                '\r' if self.text[start + at..].starts_with("\r\n") => {}
                c => value.push(c),
            }
        }
        wrong_in_quotes(format!("the quote {quote} is never closed"), "close it at the end of the value")
    }

    /// After a quoted value may stand a comment, and nothing else.
    fn after_quotes(self, value: String, at: usize) -> Result<(String, usize), Wrong> {
        let end = Line { at, ..self }.end();
        let rest = &self.text[at..end];
        let is_comment = rest.trim_start().starts_with('#') && rest.starts_with([' ', '\t']);
        if !rest.trim().is_empty() && !is_comment {
            return wrong(
                "something follows the closing quote",
                "put all of the value in quotes, or `#` with a space before it for a comment",
            );
        }
        Ok((value, end + 1))
    }
}

const SUBSTITUTION: &str = "`${ }` is not replaced in this file";
const SUBSTITUTION_HELP: &str = "write the value out, or put it in single quotes to keep `${` as it is";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (BTreeMap<String, String>, Vec<(String, usize)>) {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let id = sources.add(Source { name: NAME.into(), dir: ".".into(), text: text.into() });
        let found = parse(text, id, &mut out);
        let told = out.sorted().iter().map(|d| (d.message.clone(), sources.line_col(d.span).0)).collect();
        (found, told)
    }

    #[test]
    fn the_usual_syntax_is_read() {
        for (text, expected) in [
            ("A=b", "b"),
            ("A = b ", "b"),
            ("  export A=b\r\n", "b"),
            ("export\tA=b", "b"),
            ("\u{feff}# first\n\nA=b # comment", "b"),
            ("A=b#c", "b#c"),
            ("A=", ""),
            ("A=   # nothing", ""),
            ("A=b=c==", "b=c=="),
            ("A=pa$$word$1", "pa$$word$1"),
            ("A='b # c' # d", "b # c"),
            ("A='${B} \\n'", "${B} \\n"),
            ("A=\"b\\n\\t\\\"\\\\\\$c\"", "b\n\t\"\\$c"),
            ("A=\"b\r\nc\"\nB=d", "b\nc"),
            ("A='b\nc'", "b\nc"),
            ("A=it's", "it's"),
            ("A=é✓", "é✓"),
        ] {
            let (found, told) = parsed(text);
            assert_eq!(
                (found.get("A").map(String::as_str), told.len()),
                (Some(expected), 0),
                "{text:?}: {told:?}"
            );
        }
        assert_eq!(parsed("A='1\n2'\nB=3 # x\n\n  C=4").0.len(), 3);
    }

    #[test]
    fn mistakes_have_their_line_and_hide_the_value() {
        for (text, line, words) in [
            ("A=1\nsecret-word", 2, "no `=`"),
            ("A: secret-word", 1, "no `=`"),
            ("\n1A=secret-word", 2, "no name"),
            ("my-key=secret-word", 1, "no name"),
            ("=secret-word", 1, "no name"),
            ("export =secret-word", 1, "no name"),
            ("A=\"secret-word", 1, "never closed"),
            ("B=1\nA='secret-word\n\nC=2", 2, "never closed"),
            ("A='x'secret-word", 1, "follows"),
            ("A='x'#secret-word", 1, "follows"),
            ("A=\"secret\\word\"", 1, "escape"),
            ("A=${secret}", 1, "not replaced"),
            ("A=\"${secret}\"", 1, "not replaced"),
            ("A=1\n\nA=secret-word", 3, "set twice, first in line 1"),
            ("A=secret\0word", 1, "NUL"),
        ] {
            let (_, told) = parsed(text);
            assert!(told[0].0.contains(words) && told[0].1 == line, "{text:?}: {told:?}");
            assert!(told.iter().all(|(words, _)| !words.contains("secret")), "{text:?}: {told:?}");
        }
    }

    #[test]
    fn every_mistake_is_told_and_the_rest_is_read() {
        let (found, told) = parsed("a b\nA=1\n-\nB=2");
        assert_eq!((found.len(), told.len()), (2, 2));
    }
}
