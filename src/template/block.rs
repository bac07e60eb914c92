//! A text with statements, of one file or of several that name each other: evaluated by minijinja. Must not read a file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::sync::Arc;

use minijinja::{Environment, ErrorKind, Value};

use super::expression::explain;
use super::guard::{self, Woven};
use super::references::references;
use super::{ENVIRONMENT, EvalError, ExprError, FUNCTIONS, Scope, SyntaxError, words};
use crate::diagnostic::nearest;

/// What a text is called that stands in the plan.
const INLINE: &str = "text";

/// A text with statements.
#[derive(Debug, Clone)]
pub struct Block {
    files: Arc<[File]>,
    env: Arc<Environment<'static>>,
}

#[derive(Debug)]
struct File {
    name: String,
    source: String,
    woven: Option<Woven>,
    /// Names it needs, without those another file gives it.
    names: BTreeSet<String>,
}

/// A file of a template, read already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFile {
    /// What messages call it; each file has another.
    pub name: String,
    /// Its text.
    pub source: String,
    /// The files it names.
    pub links: Vec<Link>,
}

impl TemplateFile {
    /// Most files of one template.
    pub const MOST: usize = 100;
}

/// A file that another one names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// As it is written.
    pub written: String,
    /// The name of the [`TemplateFile`]; `None` for one that may be missing, and is.
    pub target: Option<String>,
    /// It is imported: it sees the names of the other file, which sees none of its own.
    pub is_import: bool,
}

/// A mistake in one of several files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMistake {
    /// Which of them.
    pub file: usize,
    /// What is wrong there.
    pub error: SyntaxError,
}

/// Two are equal when their texts are.
impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        let texts = |block: &Self| {
            block.files.iter().map(|file| (file.name.clone(), file.source.clone())).collect::<Vec<_>>()
        };
        texts(self) == texts(other)
    }
}

impl Block {
    /// Compiles a text of the plan, which names no files.
    pub(super) fn inline(source: &str) -> Result<Self, SyntaxError> {
        let mut env = ENVIRONMENT.clone();
        let woven = add(&mut env, INLINE, source, words::check_template)?;
        let names = names_of(&env, INLINE, source, |_| false);
        let file = File { name: INLINE.to_owned(), source: source.to_owned(), woven, names };
        Ok(Self { files: Arc::new([file]), env: Arc::new(env) })
    }

    /// Compiles files; the first is the one that is rendered.
    pub(super) fn of_files(all: &[TemplateFile]) -> Result<Self, Vec<FileMistake>> {
        let mut env = ENVIRONMENT.clone();
        if all.len() > TemplateFile::MOST {
            let message = format!("a template is at most {} files", TemplateFile::MOST);
            let error = SyntaxError { message, range: 0..0, help: None };
            return Err(vec![FileMistake { file: 0, error }]);
        }
        let shared = Shared::of(all);
        let (mut files, mut mistakes) = (vec![], vec![]);
        for (index, file) in all.iter().enumerate() {
            let is_given = |name: &str| shared.gives(shared.seen[index], name);
            let check = |source: &str| words::check_file(source, &is_given);
            let added = add(&mut env, &file.name, &file.source, check);
            match added.and_then(|woven| shared.check_imports(file).map(|()| woven)) {
                Ok(woven) => {
                    let others = shared.seen[index] & !(1 << index);
                    let names = names_of(&env, &file.name, &file.source, |name| shared.gives(others, name));
                    let (name, source) = (file.name.clone(), file.source.clone());
                    files.push(File { name, source, woven, names });
                }
                Err(error) => mistakes.push(FileMistake { file: index, error }),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let links: BTreeMap<_, BTreeMap<_, _>> = all
            .iter()
            .map(|file| {
                (
                    file.name.clone(),
                    file.links.iter().map(|l| (l.written.clone(), l.target.clone())).collect(),
                )
            })
            .collect();
        env.set_path_join_callback(move |written, parent| {
            let target =
                links.get(parent).and_then(|links: &BTreeMap<String, _>| links.get(written)).cloned();
            // No file is called so: it is one that may be missing.
            target.flatten().map_or(Cow::Borrowed(""), Cow::Owned)
        });
        Ok(Self { files: files.into(), env: Arc::new(env) })
    }

    /// The names each file needs, dotted as far as they are plain, without those another file gives it.
    pub(super) fn names_of_files(&self) -> Vec<BTreeSet<String>> {
        self.files.iter().map(|file| file.names.clone()).collect()
    }

    pub(super) fn names(&self) -> BTreeSet<String> {
        self.files.iter().flat_map(|file| file.names.clone()).collect()
    }

    pub(super) fn render(&self, scope: &Arc<Scope>, out: &mut String) -> Result<(), EvalError> {
        let root = self.files.first().map_or(INLINE, |file| file.name.as_str());
        let rendered = self
            .env
            .get_template(root)
            .and_then(|template| template.render(Value::from_dyn_object(scope.clone())));
        out.push_str(&rendered.map_err(|error| self.explained(root, innermost(&error)))?);
        Ok(())
    }

    fn explained(&self, root: &str, error: &minijinja::Error) -> EvalError {
        let name = error.name().unwrap_or(root);
        let file = self.files.iter().find(|file| file.name == name);
        let written = error.range().zip(file).and_then(|(range, file)| {
            let at = |at| file.woven.as_ref().map_or(at, |woven| woven.written(at));
            file.source.get(at(range.start)..at(range.end))
        });
        let expression: String = written.unwrap_or("the template").chars().take(80).collect();
        if error.kind() == ErrorKind::UndefinedError {
            return EvalError::Undefined(expression);
        }
        let line = match error.line() {
            None => String::new(),
            Some(line) if name == root => format!("line {line}: "),
            Some(line) => format!("{name}:{line}: "),
        };
        EvalError::Other { expression, message: format!("{line}{}", explain(error)) }
    }
}

/// The error in an included file or a block, not the one that says so.
fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let is_outer = matches!(error.kind(), ErrorKind::BadInclude | ErrorKind::EvalBlock);
    let source = error.source().and_then(|source| source.downcast_ref::<minijinja::Error>());
    source.filter(|_| is_outer).map_or(error, innermost)
}

/// The names a template needs but for those that something else gives it.
fn names_of(
    env: &Environment<'_>,
    template: &str,
    source: &str,
    is_given: impl Fn(&str) -> bool,
) -> BTreeSet<String> {
    let macros = words::macro_names(source);
    let all = env.get_template(template).map(|t| t.undeclared_variables(true)).unwrap_or_default();
    let is_own = |name: &str| FUNCTIONS.contains(&name) || guard::RESERVED.contains(&name);
    let is_given = |name: &str| {
        let root = name.split('.').next().unwrap_or_default();
        macros.contains(root) || is_given(root)
    };
    all.into_iter().filter(|name| !is_own(name) && !is_given(name)).collect()
}

/// Puts a template into an environment, with guards where it needs them.
fn add(
    env: &mut Environment<'static>,
    name: &str,
    source: &str,
    check: impl Fn(&str) -> Result<(), ExprError>,
) -> Result<Option<Woven>, SyntaxError> {
    let wrong = |error: ExprError| SyntaxError {
        message: error.message,
        range: error.range.unwrap_or(0..source.len()),
        help: error.help,
    };
    let refused = |error: minijinja::Error| {
        wrong(ExprError { message: explain(&error), range: error.range(), help: None })
    };
    words::check_template_size(source).map_err(wrong)?;
    env.add_template_owned(name.to_owned(), source.to_owned()).map_err(refused)?;
    check(source).map_err(wrong)?;
    let Some(woven) = Woven::template(source) else {
        let message = "this template is written in a way that cannot be checked".to_owned();
        return Err(wrong(ExprError { message, range: None, help: None }));
    };
    if !woven.is_guarded() {
        return Ok(None);
    }
    env.add_template_owned(name.to_owned(), woven.code.clone()).map_err(|error| {
        let range = error.range().map(|range| woven.written(range.start)..woven.written(range.end));
        wrong(ExprError { message: explain(&error), range, help: None })
    })?;
    Ok(Some(woven))
}

/// What the files of a template know of each other's names.
struct Shared<'a> {
    all: &'a [TemplateFile],
    /// Names each file gives a value to.
    own: Vec<BTreeSet<String>>,
    /// Files whose names are those of a file too: those it includes or extends, and the other way round.
    same: Vec<u128>,
    /// The same, with the files that import it.
    seen: Vec<u128>,
}

impl<'a> Shared<'a> {
    fn of(all: &'a [TemplateFile]) -> Self {
        let index_of: BTreeMap<_, _> =
            all.iter().enumerate().map(|(i, file)| (file.name.as_str(), i)).collect();
        let (mut both, mut edges) = (vec![], vec![]);
        for (from, file) in all.iter().enumerate() {
            for link in &file.links {
                let Some(&to) = link.target.as_deref().and_then(|name| index_of.get(name)) else { continue };
                edges.push((from, to));
                if !link.is_import {
                    both.extend([(from, to), (to, from)]);
                }
            }
        }
        edges.extend(&both);
        Self {
            all,
            own: all.iter().map(|file| words::bound_names(&file.source)).collect(),
            same: reached(all.len(), &both),
            seen: reached(all.len(), &edges),
        }
    }

    /// Whether one of the files gives the name a value.
    fn gives(&self, files: u128, name: &str) -> bool {
        self.own.iter().enumerate().any(|(index, own)| files >> index & 1 == 1 && own.contains(name))
    }

    /// What a file imports by its name and nothing there defines.
    fn check_imports(&self, file: &TemplateFile) -> Result<(), SyntaxError> {
        for reference in references(&file.source)? {
            let Some((written, _)) = reference.paths.first() else { continue };
            let link = file.links.iter().find(|link| link.written == *written);
            let target = link.and_then(|link| link.target.as_ref());
            let index = target.and_then(|name| self.all.iter().position(|file| file.name == *name));
            let Some(files) = index.map(|index| self.same[index]) else { continue };
            let unknown = reference.names.into_iter().find(|(name, _)| !self.gives(files, name));
            if let Some((name, range)) = unknown {
                let known = self.own.iter().enumerate().filter(|(index, _)| files >> index & 1 == 1);
                let help = match nearest(&name, known.flat_map(|(_, own)| own).map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("write `{{% macro {name}() %}}…{{% endmacro %}}` there"),
                };
                let message = format!("`{written}` defines no `{name}`");
                return Err(SyntaxError { message, range, help: Some(help) });
            }
        }
        Ok(())
    }
}

/// For each of so many files those that lead to it along the edges, and itself.
fn reached(count: usize, edges: &[(usize, usize)]) -> Vec<u128> {
    let mut all: Vec<u128> = (0..count).map(|index| 1 << index).collect();
    loop {
        let before = all.clone();
        for &(from, to) in edges {
            all[to] |= all[from];
        }
        if all == before {
            return all;
        }
    }
}
