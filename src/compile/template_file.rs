//! Body templates and the files they name: all read while the plan is compiled. Must not evaluate any.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, FileId, Located, Source, Span};
use crate::plan::root::{similar, tidy};
use crate::template::{Link, Reference, SyntaxError, TemplateFile, Text, references};

use super::names::{Place, TEMPLATE_HELP};
use super::refusal::{Use, hidden};
use super::{Compiler, codes, files, in_words};

/// Most files of one template.
const MOST_FILES: usize = TemplateFile::MOST;
/// Most files in a chain in which each names the next: the recursion limit of templates allows for no more.
const MOST_CHAIN: usize = 8;
/// Most bytes of one template with all it names.
const MOST_BYTES: usize = 4 << 20;
/// Most files of all templates of a plan.
const MOST_OF_ALL: usize = 1_000;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Templates {
    /// The text of each file, by where it really is.
    texts: BTreeMap<PathBuf, FileId>,
    /// By the path that names it; `None` when its problems have been said.
    compiled: BTreeMap<PathBuf, Option<Arc<Template>>>,
}

/// A template with its files.
#[derive(Debug)]
struct Template {
    text: Text,
    parts: Vec<Part>,
}

/// A file of a template.
#[derive(Debug)]
struct Part {
    file: FileId,
    names: BTreeSet<String>,
}

/// A template that is being read.
struct Reading<'c, 'p> {
    compiler: &'c mut Compiler<'p>,
    /// The plan's place that names it.
    at: Span,
    files: Vec<TemplateFile>,
    ids: Vec<FileId>,
    /// Which of `files` each really is.
    known: BTreeMap<PathBuf, usize>,
    /// The files being read, outermost first.
    chain: Vec<usize>,
    bytes: usize,
    failed: bool,
    /// A limit was hit; nothing more is read.
    is_over: bool,
}

impl Compiler<'_> {
    /// The template in a file, with all it names.
    pub(super) fn body_template(&mut self, file: &Located<String>, place: Place) -> Option<Text> {
        let path = self.body_path(file)?;
        let known = self.templates.compiled.get(&path).cloned();
        let template = match known {
            Some(known) => known?,
            None => {
                let real = files::real_path(&path, self.bounds.root())
                    .map_err(|words| self.error_in_words(codes::BODY_FILE, file.span, &words))
                    .ok()?;
                let read = self.read_template(&path, real, file.span).map(Arc::new);
                self.templates.compiled.insert(path, read.clone());
                read?
            }
        };
        for part in &template.parts {
            self.load_files_of_file(part.file, file.span);
            self.check_names_of_file(&part.names, part.file, file.span, place);
        }
        Some(template.text.clone())
    }

    fn read_template(&mut self, path: &Path, real: PathBuf, at: Span) -> Option<Template> {
        let mut reading = Reading {
            compiler: self,
            at,
            files: vec![],
            ids: vec![],
            known: BTreeMap::new(),
            chain: vec![],
            bytes: 0,
            failed: false,
            is_over: false,
        };
        if let Err(problem) = reading.open(path, real, at) {
            reading.compiler.error(problem);
            return None;
        }
        reading.finish()
    }
}

impl Reading<'_, '_> {
    /// Reads a file and those it names.
    ///
    /// # Errors
    /// Why it cannot be read; what is wrong inside is said.
    fn open(&mut self, shown: &Path, real: PathBuf, at: Span) -> Result<usize, Diagnostic> {
        let name = shown.display().to_string();
        let file = match self.compiler.templates.texts.get(&real) {
            Some(file) => *file,
            None => {
                let text = files::read_text(shown, self.compiler.bounds.root())
                    .map_err(|words| in_words(codes::BODY_FILE, at, &words))?;
                self.limit(self.compiler.templates.texts.len() < MOST_OF_ALL, at, || {
                    format!("the plan's templates are more than {MOST_OF_ALL} files")
                })?;
                let dir = shown.parent().map_or_else(PathBuf::new, Path::to_owned);
                let file = self.compiler.sources.add_later(Source { name: name.clone(), dir, text });
                self.compiler.templates.texts.insert(real.clone(), file);
                file
            }
        };
        let sources = self.compiler.sources;
        let whole = sources.get(file).text.as_str();
        let source = if self.files.is_empty() { whole.trim_end() } else { whole };
        self.bytes += source.len();
        self.limit(self.bytes <= MOST_BYTES, at, || {
            format!("a template and all it names are larger than {} MiB", MOST_BYTES >> 20)
        })?;
        self.limit(self.files.len() < MOST_FILES, at, || {
            format!("a template names more than {MOST_FILES} files")
        })?;
        self.limit(self.chain.len() < MOST_CHAIN, at, || {
            format!("templates name each other in a chain of more than {MOST_CHAIN} files")
        })?;
        let index = self.files.len();
        self.files.push(TemplateFile { name, source: source.to_owned(), links: vec![] });
        self.ids.push(file);
        self.known.insert(real, index);
        self.chain.push(index);
        match references(source) {
            Ok(all) => all.iter().for_each(|reference| self.follow(index, reference)),
            Err(error) => self.mistake(index, error),
        }
        self.chain.pop();
        Ok(index)
    }

    fn limit(&mut self, is_kept: bool, at: Span, words: impl Fn() -> String) -> Result<(), Diagnostic> {
        if is_kept {
            return Ok(());
        }
        self.is_over = true;
        let error = Diagnostic::error(codes::BODY_FILE, at, words()).label("no further than this file");
        Err(error.help("put several files into one"))
    }

    /// Reads the files that a statement names.
    fn follow(&mut self, from: usize, reference: &Reference) {
        let mut found = false;
        for (written, range) in &reference.paths {
            if self.is_over {
                return;
            }
            let at = self.place(from, range);
            let (shown, real) = match self.find(from, written) {
                Ok(Some((shown, _)))
                    if let Some(problem) = hidden(&self.compiler.bounds, &shown, Use::Sent, at) =>
                {
                    self.say(problem);
                    found = true;
                    continue;
                }
                Ok(Some(place)) => place,
                Ok(None) => {
                    self.link(from, reference, written, None);
                    continue;
                }
                Err(words) => {
                    self.say(in_words(codes::BODY_FILE, at, &words));
                    found = true;
                    continue;
                }
            };
            found = true;
            let index = match self.known.get(&real).copied() {
                Some(index) if self.chain.contains(&index) => {
                    self.circle(index, at);
                    continue;
                }
                Some(index) => index,
                None => match self.open(&shown, real, at) {
                    Ok(index) => index,
                    Err(problem) => {
                        self.say(problem);
                        continue;
                    }
                },
            };
            self.link(from, reference, written, Some(index));
        }
        if !found
            && !reference.may_be_missing
            && let Some((written, range)) = reference.paths.first()
        {
            self.missing(from, written, range);
        }
    }

    fn link(&mut self, from: usize, reference: &Reference, written: &str, target: Option<usize>) {
        let target = target.map(|index| self.files[index].name.clone());
        let link = Link { written: written.to_owned(), target, is_import: reference.is_import() };
        self.files[from].links.push(link);
    }

    /// Where a path may lead: from the folder of the file that says it, else from the plan's `templates/`.
    fn places(&self, from: usize, written: &str) -> Vec<PathBuf> {
        let own = &self.compiler.sources.get(self.ids[from]).dir;
        let folders = std::iter::once(own).chain(&self.compiler.templates_folder);
        folders.map(|folder| tidy(folder.join(written))).collect()
    }

    /// What a path names and where that really is; `None` when there is nothing.
    fn find(&self, from: usize, written: &str) -> Result<Option<(PathBuf, PathBuf)>, String> {
        for place in self.places(from, written) {
            if place.exists() {
                let real = files::real_path(&place, self.compiler.bounds.root())?;
                return Ok(Some((place, real)));
            }
        }
        Ok(None)
    }

    fn missing(&mut self, from: usize, written: &str, range: &Range<usize>) {
        let root = self.compiler.bounds.root();
        let near = self.places(from, written).iter().find_map(|place| {
            let name = similar(place, root)?;
            Some(Path::new(written).with_file_name(name).display().to_string())
        });
        let error = Diagnostic::error(
            codes::BODY_FILE,
            self.place(from, range),
            format!("`{written}`: no such file"),
        );
        self.say(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(
                "a path starts at the folder of the file that says it, or at the plan's `templates` folder",
            ),
        });
    }

    fn circle(&mut self, index: usize, at: Span) {
        let start = self.chain.iter().position(|known| *known == index).unwrap_or(0);
        let names: Vec<_> =
            self.chain[start..].iter().map(|index| self.files[*index].name.as_str()).collect();
        let message = format!(
            "templates name each other in a circle: {} → {}",
            names.join(" → "),
            self.files[index].name
        );
        self.say(
            Diagnostic::error(codes::BODY_FILE, at, message).help(
                "for a text that holds itself write a `macro` that calls itself, or a `for … recursive`",
            ),
        );
    }

    fn place(&self, from: usize, range: &Range<usize>) -> Span {
        Span { file: self.ids[from], start: range.start as u32, end: range.end as u32 }
    }

    fn mistake(&mut self, index: usize, error: SyntaxError) {
        let at = self.place(index, &error.range);
        let help = error.help.unwrap_or_else(|| TEMPLATE_HELP.to_owned());
        self.say(Diagnostic::error(codes::BODY_FILE, at, error.message).help(help));
    }

    fn say(&mut self, problem: Diagnostic) {
        self.failed = true;
        self.compiler.error(in_body(problem, self.at));
    }

    fn finish(mut self) -> Option<Template> {
        if self.failed {
            return None;
        }
        let compiled: Result<Text, Vec<(usize, SyntaxError)>> = match self.files.as_slice() {
            [only] if only.links.is_empty() => Text::compile(&only.source).map_err(|error| vec![(0, error)]),
            all => Text::compile_files(all)
                .map_err(|all| all.into_iter().map(|mistake| (mistake.file, mistake.error)).collect()),
        };
        match compiled {
            Ok(text) => {
                let names = text.names_of_files();
                let parts = self.ids.iter().zip(names).map(|(file, names)| Part { file: *file, names });
                Some(Template { parts: parts.collect(), text })
            }
            Err(mistakes) => {
                mistakes.into_iter().for_each(|(file, error)| self.mistake(file, error));
                None
            }
        }
    }
}

/// A problem inside a template, with the place in the plan that sends it.
pub(super) fn in_body(problem: Diagnostic, at: Span) -> Diagnostic {
    if problem.span.file == at.file { problem } else { problem.other(at, "rendered for this request") }
}
