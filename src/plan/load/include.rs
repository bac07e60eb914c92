//! `include`: files that a plan stands on. Must not know any key except `include` and `plan`.
//!
//! The included files come first, in the order written, then the file that includes them on top; two files are
//! joined as a profile is ([`overlay::merge`]): maps key by key, a `load` by its form, everything else replaced.
//! A file that is reached twice counts once, where it was reached first: what others changed in it is never
//! undone, and files that include each other many times cost no more than one each.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{Failure, file, overlay};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Located, Source, Sources, Span, nearest};
use crate::plan::bounds::{Bounds, Refusal};
use crate::plan::codes;
use crate::plan::model::VERSION;
use crate::plan::node::{Node, NodeValue};
use crate::plan::parse::{Format, MOST_BYTES, MOST_NODES};
use crate::plan::root::{similar, tidy};
use crate::plan::trust::Trust;

/// Most files a plan may include, all together.
pub const MOST_FILES: usize = 100;
/// Most files in a chain of includes.
pub const MOST_CHAIN: usize = 16;

/// A plan with all it includes.
pub(super) struct Whole {
    /// The joined tree, without `include`.
    pub node: Node,
    /// Something could not be read, so anything may be missing.
    pub is_partial: bool,
    /// The plan's own text, then those it includes.
    pub files: Vec<FileId>,
    /// Each file by itself, where there is more than one.
    pub layers: Vec<Node>,
}

/// Reads what the plan of `file` includes and joins it.
pub(super) fn resolve(
    plan: Node,
    file: FileId,
    trust: &Trust,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Whole {
    if plan.get("include").is_none() {
        // Misspelt, it leads to nothing: what those files hold is missing.
        let is_meant = |(key, _): &(Located<String>, Node)| nearest(&key.value, ["include"]).is_some();
        let is_partial = plan.as_map().unwrap_or_default().iter().any(is_meant);
        return Whole { node: plan, is_partial, files: vec![file], layers: vec![] };
    }
    let source = sources.get(file);
    let own = Path::new(&source.name).canonicalize().unwrap_or_default();
    let mut reader = Reader {
        bounds: Bounds::of(&source.dir.join("plan"), trust.is_stranger),
        chain: vec![(own, source.name.clone())],
        seen: HashSet::new(),
        layers: vec![],
        files: vec![file],
        bytes: source.text.len(),
        nodes: plan.count(),
        is_over: false,
        is_partial: false,
        sources,
        out,
    };
    let span = plan.span;
    reader.layer(plan);
    let Reader { layers, is_partial, files, .. } = reader;
    let mut joined = Node::new(NodeValue::Map(vec![]), span);
    layers.iter().for_each(|layer| overlay::merge(&mut joined, layer));
    // The version stands first, as in any plan.
    if let Some(map) = joined.as_map_mut() {
        map.sort_by_key(|(key, _)| key.value != "plan");
    }
    Whole { node: joined, is_partial, files, layers }
}

struct Reader<'a> {
    sources: &'a mut Sources,
    out: &'a mut Diagnostics,
    bounds: Bounds,
    /// The files being read, outermost first: where each really is, and what it is called.
    chain: Vec<(PathBuf, String)>,
    /// Every file included so far.
    seen: HashSet<PathBuf>,
    layers: Vec<Node>,
    files: Vec<FileId>,
    bytes: usize,
    nodes: usize,
    /// A limit was hit; nothing more is read.
    is_over: bool,
    is_partial: bool,
}

impl Reader<'_> {
    /// Puts a file on top of those it includes.
    fn layer(&mut self, mut node: Node) {
        for path in self.take_paths(&mut node) {
            if let Err(problem) = self.fragment(&path) {
                self.out.push(problem);
                self.is_partial = true;
            }
        }
        self.layers.push(node);
    }

    /// The paths a file includes; takes the key out of it.
    fn take_paths(&mut self, node: &mut Node) -> Vec<Located<String>> {
        let Some(map) = node.as_map_mut() else { return vec![] };
        let Some(at) = map.iter().position(|(key, _)| key.value == "include") else { return vec![] };
        let (_, written) = map.remove(at);
        let one = std::slice::from_ref(&written);
        let items = written.as_list().unwrap_or(one);
        let mut paths = vec![];
        for item in items {
            match path_in(item) {
                Ok(path) => paths.push(path),
                Err(problem) => {
                    self.out.push(problem);
                    self.is_partial = true;
                }
            }
        }
        paths
    }

    /// Reads one included file and all below it, unless that has happened already.
    fn fragment(&mut self, path: &Located<String>) -> Result<(), Diagnostic> {
        if self.is_over {
            return Ok(());
        }
        let shown = self.shown_path(path);
        let name = shown.display().to_string();
        let error = |code, message: String| Diagnostic::error(code, path.span, message);
        let Some(format) = Format::of_path(&shown) else {
            let message = format!("`{name}` is neither YAML nor TOML by its name");
            return Err(
                error(codes::UNKNOWN_FORMAT, message).help("include files named .yaml, .yml or .toml")
            );
        };
        let real = self.real_path(&shown, path)?;
        if let Some(at) = self.chain.iter().position(|(known, _)| *known == real) {
            let circle: Vec<_> = self.chain[at..].iter().map(|(_, name)| name.as_str()).collect();
            let circle = circle.join(" → ");
            let message = format!("files include each other in a circle: {circle} → {}", self.chain[at].1);
            return Err(error(codes::INCLUDE, message).help("remove one of these includes"));
        }
        if !self.seen.insert(real.clone()) {
            return Ok(());
        }
        self.count(path.span)?;
        let text =
            file::read(&shown).map_err(|Failure { code, message, help }| error(code, message).help(help))?;
        self.bytes += text.len();
        self.check_size(path.span)?;
        let dir = shown.parent().map_or_else(PathBuf::new, Path::to_owned);
        let file = self.sources.add(Source { name: name.clone(), dir, text });
        self.files.push(file);
        let (node, problems) = format.parse(&self.sources.get(file).text, file);
        self.is_partial |= problems.iter().any(|problem| problem.code == codes::SYNTAX);
        problems.into_iter().for_each(|problem| self.out.push(problem));
        // A file of nothing but comments adds nothing.
        let Some(node) = node else { return Ok(()) };
        self.nodes += node.count();
        self.check_size(path.span)?;
        let Some(node) = self.fragment_of(node) else { return Ok(()) };
        self.chain.push((real, name));
        self.layer(node);
        self.chain.pop();
        Ok(())
    }

    /// The path as people see it: relative to the including file, without the detours that lead nowhere else.
    fn shown_path(&self, path: &Located<String>) -> PathBuf {
        tidy(self.sources.get(path.span.file).dir.join(&path.value))
    }

    /// Where the file really is, below the root.
    fn real_path(&self, shown: &Path, path: &Located<String>) -> Result<PathBuf, Diagnostic> {
        let name = shown.display();
        let error = |code, message: String| Diagnostic::error(code, path.span, message);
        let real = shown.canonicalize().map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => {
                let error = error(codes::UNREADABLE, format!("`{name}` does not exist"));
                match similar(shown, self.bounds.root()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None if path.value.contains(['*', '?']) => {
                        error.help("name each file; patterns such as `*` are not expanded")
                    }
                    None => error.help("a path starts at the folder of the file that includes it"),
                }
            }
            _ => error(codes::UNREADABLE, format!("`{name}` cannot be read: {cause}"))
                .help("check the path and the rights"),
        })?;
        match self.bounds.refusal(shown) {
            // Of a trusted plan it is read, since nothing of it can be sent that its author does not know.
            Some(Refusal::Hidden(part)) if self.bounds.is_strict() => {
                let message = format!("`{name}` is hidden: by `{part}`");
                let help = "with `--untrusted` a plan reads no hidden file; give it another name";
                return Err(error(codes::FILE_REFUSED, message).help(help));
            }
            None | Some(Refusal::Hidden(_)) => return Ok(real),
            Some(Refusal::Outside) => {}
        }
        let message = format!("`{name}` lies outside {}", self.bounds.root().display());
        let help = "copy it into that folder, or mark a folder above both with a file named `.plimsoll`";
        Err(error(codes::INCLUDE, message).help(help))
    }

    fn count(&mut self, at: Span) -> Result<(), Diagnostic> {
        if self.seen.len() > MOST_FILES {
            return self.over(at, format!("the plan includes more than {MOST_FILES} files"));
        }
        if self.chain.len() > MOST_CHAIN {
            return self.over(at, format!("includes go deeper than {MOST_CHAIN} files"));
        }
        Ok(())
    }

    fn check_size(&mut self, at: Span) -> Result<(), Diagnostic> {
        if self.bytes > MOST_BYTES {
            return self
                .over(at, format!("the plan and its includes are larger than {} MiB", MOST_BYTES >> 20));
        }
        if self.nodes > MOST_NODES {
            return self.over(at, format!("the plan and its includes have more than {MOST_NODES} values"));
        }
        Ok(())
    }

    fn over(&mut self, at: Span, message: String) -> Result<(), Diagnostic> {
        self.is_over = true;
        let error = Diagnostic::error(codes::LIMIT, at, message).label("no further than this file");
        Err(error.help("put several files into one, or split the plan"))
    }

    /// A file's map without `plan`, which is not handed on: a plan says its version itself.
    fn fragment_of(&mut self, mut node: Node) -> Option<Node> {
        let found = node.kind();
        let span = node.span;
        let Some(map) = node.as_map_mut() else {
            let message = format!("expected a part of a plan: a map, found {found}");
            self.out.push(Diagnostic::error(codes::WRONG_TYPE, span, message).help("write `key: value`"));
            self.is_partial = true;
            return None;
        };
        if let Some(at) = map.iter().position(|(key, _)| key.value == "plan") {
            let (_, version) = map.remove(at);
            if version.as_int() != Some(VERSION.into()) {
                let message = format!("an included file is of the same format version, {VERSION}");
                let error = Diagnostic::error(codes::VERSION, version.span, message);
                self.out.push(error.help(format!("write `plan: {VERSION}`, or leave it out")));
            }
        }
        Some(node)
    }
}

/// A path as written.
fn path_in(node: &Node) -> Result<Located<String>, Diagnostic> {
    let error = |message: String| Diagnostic::error(codes::WRONG_TYPE, node.span, message);
    match node.as_str() {
        Some(text) if text.contains("{{") => Err(error("a path to include cannot be a template".to_owned())
            .help("files are read before anything is computed; choose with `--profile`, or by another plan")),
        Some(text) if text.trim().is_empty() => {
            Err(error("the path to include is empty".to_owned())
                .help("write for example `include: base.yaml`"))
        }
        Some(text) => Ok(Located { value: text.to_owned(), span: node.span }),
        None => Err(error(format!("expected a path or a list of paths, found {}", node.kind()))
            .help("write for example `include: base.yaml`, or `include: [base.yaml, load.toml]`")),
    }
}
