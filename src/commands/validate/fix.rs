//! `validate --fix`: applies the corrections that leave no doubt, one at a time, each checked before it counts, and
//! replaces the file as a whole. Must not change a plan that is right, nor anything but a regular file of its own.

use std::fs;
use std::path::Path;

use crate::cli::Validate;
use crate::diagnostic::{Diagnostic, Diagnostics, Edit, FileId, Source};
use crate::plan::codes;
use crate::plan::load::{Loaded, load, load_str};
use crate::plan::parse::Format;
use crate::report::{
    sink,
    text::{clean, shown_path},
};

use super::{check, overrides};
use crate::commands::terminal::{complain, secrets};

/// Most corrections of one file.
const MOST: usize = 200;
/// Codes that a correction must not bring: they say that the text is no longer what it was.
const FORM: [&str; 6] =
    [codes::SYNTAX, codes::DUPLICATE_KEY, codes::UNQUOTED_TEMPLATE, codes::TAB, codes::LIMIT, codes::CLASH];

/// Corrects a plan and says what was changed; `false` when it could not be written.
pub fn fix(path: &Path, options: &Validate) -> bool {
    let Some(format) = Format::of_path(path) else { return true };
    let loaded = load(path, &overrides(options));
    let source = loaded.sources.get(FileId(0)).clone();
    let mut fixer = Fixer { path, options, format, source: source.clone(), tried: vec![], told: vec![] };
    fixer.all(loaded);
    if fixer.told.is_empty() {
        return true;
    }
    let name = shown_path(path);
    let written = match options.dry_run {
        true => Ok(()),
        false => write(path, &source.text, &fixer.source.text),
    };
    if let Err(words) = written {
        complain(&format!("error: {name} was not corrected: {words}"));
        return false;
    }
    fixer.told.iter().for_each(|change| complain(change));
    if options.dry_run {
        complain(&format!("{name} was not changed (--dry-run)"));
    }
    true
}

struct Fixer<'a> {
    path: &'a Path,
    options: &'a Validate,
    format: Format,
    source: Source,
    /// Corrections that did not help: message and replacement.
    tried: Vec<(String, Edit)>,
    /// What was changed, in words.
    told: Vec<String>,
}

impl Fixer<'_> {
    fn all(&mut self, mut loaded: Loaded) {
        let (_, mut found) = check(&loaded, self.path, self.options.profile.as_deref());
        while self.tried.len() + self.told.len() < MOST {
            let Some((problem, edit)) = self.next(&found, &loaded) else { return };
            let mut text = self.source.text.clone();
            let range = edit.span.start as usize..edit.span.end as usize;
            text.replace_range(range.clone(), &edit.text);
            let source = Source { text, ..self.source.clone() };
            let after = load_str(self.format, source.clone(), &overrides(self.options));
            let (_, left) = check(&after, self.path, self.options.profile.as_deref());
            let is_readable = after.effective.is_some() || loaded.effective.is_none();
            if is_readable && helps(&problem, &edit, &found, &left, loaded.effective.is_some()) {
                self.told.push(change(&problem, &self.source, &source, range.start, &loaded));
                (self.source, loaded, found) = (source, after, left);
            } else {
                self.tried.push((problem.message.clone(), edit));
            }
        }
    }

    /// The first error with a correction that was not tried yet.
    fn next(&self, found: &Diagnostics, loaded: &Loaded) -> Option<(Diagnostic, Edit)> {
        let of_plan = |problem: &&Diagnostic| problem.is_fixable(&loaded.sources);
        let with_edit = |problem: &Diagnostic| Some((problem.clone(), problem.edit(&loaded.sources)?));
        let is_new = |(problem, edit): &(Diagnostic, Edit)| {
            !self.tried.iter().any(|(message, tried)| message == &problem.message && tried == edit)
        };
        found.sorted().into_iter().filter(of_plan).filter_map(with_edit).find(is_new)
    }
}

/// Whether the problem is gone and the form of the text did not suffer. What could not be seen before may come to
/// light: in a text that could not be read as a whole, behind the correction.
fn helps(
    problem: &Diagnostic,
    edit: &Edit,
    before: &Diagnostics,
    after: &Diagnostics,
    was_readable: bool,
) -> bool {
    let is_same = |d: &&Diagnostic| {
        d.code == problem.code && d.message == problem.message && d.span.start == problem.span.start
    };
    let end = edit.span.start + edit.text.len() as u32;
    let is_seen = |d: &&&Diagnostic| was_readable || d.span.start <= end;
    let of_code = |all: &Diagnostics, code: &str| {
        all.sorted().iter().filter(is_seen).filter(|d| d.code == code).count()
    };
    !after.sorted().into_iter().any(|d| is_same(&d))
        && FORM.iter().all(|code| of_code(after, code) <= of_code(before, code))
}

/// The line before and after.
fn change(problem: &Diagnostic, old: &Source, new: &Source, at: usize, loaded: &Loaded) -> String {
    let (line, column) = loaded.sources.line_col(problem.span);
    let masker = secrets(loaded);
    let shown = |text: &str| {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[start..].lines().next().unwrap_or_default();
        let cut: String = clean(&masker.mask(line)).chars().take(200).collect();
        cut
    };
    let name = clean(&old.name);
    let (before, after) = (shown(&old.text), shown(&new.text));
    format!("fixed {name}:{line}:{column} [{}]\n  - {}\n  + {}", problem.code, before.trim(), after.trim())
}

/// Puts the new text in the place of the old one, or says why not.
fn write(path: &Path, old: &str, new: &str) -> Result<(), String> {
    let kind = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if kind.is_symlink() {
        return Err("it is a symbolic link; name the file it leads to".to_owned());
    }
    if !kind.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if kind.permissions().readonly() {
        return Err("it is read-only".to_owned());
    }
    if fs::read(path).map_err(|error| error.to_string())? != old.as_bytes() {
        return Err("it has changed meanwhile; run the command again".to_owned());
    }
    sink::replace(path, new).map_err(|error| match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })
}
