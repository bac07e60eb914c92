//! Files that `file("…")` names in templates: read once, while the plan is compiled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{FileId, Located, Span};
use crate::template::{Files, files_in_expression, files_in_template};

use super::names::Place;
use super::refusal::{Use, hidden};
use super::template_file::in_body;
use super::{Compiler, codes, files, in_words};

/// Largest file: an expression can make little more.
const LARGEST: usize = 1 << 20;
/// Most bytes of all files.
const MOST_BYTES: usize = 64 << 20;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct NamedFiles {
    texts: Arc<Files>,
    /// The file each path stands for.
    paths: BTreeMap<String, PathBuf>,
    bytes: usize,
}

impl NamedFiles {
    /// The texts, for templates.
    pub fn texts(&self) -> Arc<Files> {
        self.texts.clone()
    }

    /// Reads the file `path` stands for, written as `name`.
    fn add(&mut self, name: &str, path: &Path, root: &Path) -> Result<(), String> {
        if let Some(known) = self.paths.get(name) {
            return match known == path {
                true => Ok(()),
                false => {
                    Err(format!("{name}: is {} elsewhere; write it in another way here", known.display()))
                }
            };
        }
        let text = files::read_text(path, root)?;
        self.bytes += text.len();
        if text.len() > LARGEST {
            return Err(format!("{name}: is larger than {} MiB; use it as a body file", LARGEST >> 20));
        }
        if self.bytes > MOST_BYTES {
            return Err(format!("{name}: all files are larger than {} MiB together", MOST_BYTES >> 20));
        }
        self.texts.add(name, &text);
        self.paths.insert(name.to_owned(), path.to_owned());
        Ok(())
    }
}

impl Compiler<'_> {
    /// Reads the files that a text of the plan names.
    pub(super) fn load_files(&mut self, source: &str, span: Span, place: Place) {
        if !source.contains("file") {
            return;
        }
        let named = match place {
            Place::Answer | Place::AuthAnswer => files_in_expression(source),
            _ => files_in_template(source),
        };
        for (name, range) in named {
            let at = self.place_of(span, source, range);
            let path = files::path_of(&Located { value: name.clone(), span }, self.sources);
            let problem = hidden(&self.bounds, &path, Use::Sent, at).or_else(|| {
                self.inputs.insert(path.clone());
                let added = self.named_files.add(&name, &path, self.bounds.root());
                added.err().map(|words| in_words(codes::NAMED_FILE, at, &words))
            });
            if let Some(problem) = problem {
                // Said once: what reads it while the plan is compiled finds something.
                self.named_files.texts.add(&name, "");
                self.error(problem);
            }
        }
    }

    /// As [`Compiler::load_files`] for a file of a template; paths start at its own folder.
    pub(super) fn load_files_of_file(&mut self, file: FileId, at: Span) {
        let sources = self.sources;
        let source = sources.get(file);
        for (name, range) in files_in_template(&source.text) {
            let span = Span { file, start: range.start as u32, end: range.end as u32 };
            let path = source.dir.join(&name);
            let problem = hidden(&self.bounds, &path, Use::Sent, span).or_else(|| {
                self.inputs.insert(path.clone());
                let added = self.named_files.add(&name, &path, self.bounds.root());
                added.err().map(|words| in_words(codes::NAMED_FILE, span, &words))
            });
            if let Some(problem) = problem {
                self.named_files.texts.add(&name, "");
                self.error(in_body(problem, at));
            }
        }
    }
}
