//! A plan file and what the command line changes in it: read → parse → includes → profile → overrides → [`Plan`].
//! Must not resolve names inside the plan; must not print.

mod env_file;
mod file;
mod include;
mod locust;
mod origin;
mod overlay;
mod set;

pub use env_file::Variables;

pub use origin::OfProfile;

use std::path::{Path, PathBuf};

use super::bounds::Bounds;
use super::codes;
use super::decode::FromNode;
use super::model::Plan;
use super::node::{Node, NodeValue};
use super::parse::Format;
use super::trust::Trust;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Source, Sources, Span};

/// What the command line changes. Later ones win: file, profile, `set`, then the single flags.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--profile NAME`
    pub profile: Option<String>,
    /// `--set path.to.key=value`, in order.
    pub set: Vec<String>,
    /// `--target NAME=URL`
    pub targets: Vec<(String, String)>,
    /// `--host URL`: replaces the default target, which is `target` or the first of `targets`.
    pub host: Option<String>,
    /// `-u`, `--users`
    pub users: Option<u32>,
    /// `-r`, `--spawn-rate`: `5` or `5/s`.
    pub spawn_rate: Option<String>,
    /// `-t`, `--run-time`: `120` (seconds) or `2m`.
    pub run_time: Option<String>,
    /// `--env-file PATH`, instead of `.env` beside the plan.
    pub env_file: Option<PathBuf>,
    /// `--untrusted`, and what the command line allows.
    pub trust: Trust,
}

/// A plan with everything known about it; there is a plan whenever its shape could be read, so look at
/// [`Diagnostics::has_errors`] before running it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Every text, for rendering.
    pub sources: Sources,
    /// The plan with all overrides applied.
    pub plan: Option<Plan>,
    /// The same as a tree, without `profiles`; secrets are not masked yet.
    pub effective: Option<Node>,
    /// The plan's own text, then those it includes.
    pub files: Vec<FileId>,
    /// What was written, before a profile or another file replaced parts of it: the plan's trees with their profiles.
    pub layers: Vec<Node>,
    /// Whether a part could not be read at all, so that anything may be missing.
    pub is_partial: bool,
    /// Where the plan as it would run has errors, and which: those of profiles that were not chosen are not among them.
    pub faults: Vec<(Span, &'static str)>,
    /// What the profile that was chosen says.
    pub of_profile: OfProfile,
    /// Every problem found.
    pub diagnostics: Diagnostics,
    /// Where `env` and `secrets` take their values from.
    pub environment: Variables,
    /// How far the plan is trusted.
    pub trust: Trust,
}

impl Loaded {
    /// What is known where there is nothing in `file` to read a plan from.
    fn without_plan(sources: Sources, file: FileId, diagnostics: Diagnostics, trust: &Trust) -> Self {
        Self {
            sources,
            plan: None,
            effective: None,
            files: vec![file],
            layers: vec![],
            is_partial: true,
            faults: vec![],
            of_profile: OfProfile::default(),
            diagnostics,
            environment: Variables::of_process(trust),
            trust: trust.clone(),
        }
    }
}

/// Reads a plan file and applies the overrides, collecting every problem.
pub fn load(path: &Path, overrides: &Overrides) -> Loaded {
    let mut sources = Sources::default();
    let dir =
        path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let name = path.display().to_string();
    let unknown = || Failure {
        code: codes::UNKNOWN_FORMAT,
        message: format!("`{name}` is neither YAML nor TOML by its name"),
        help: "a plan is a file named .yaml, .yml or .toml".to_owned(),
    };
    let of_stranger = overrides.trust.is_stranger.then(|| Bounds::of(path, true));
    let refused = of_stranger.filter(|bounds| !bounds.hold(path) && path.exists()).map(|bounds| Failure {
        code: codes::FILE_REFUSED,
        message: format!("`{name}` leads out of {}, or to a hidden file", bounds.root().display()),
        help: "with `--untrusted` a plan is a file where its path says, not a link to another".to_owned(),
    });
    let read = Format::of_path(path)
        // A folder that was misspelt is no question of formats.
        .ok_or_else(|| match path.extension() {
            None if !path.exists() => file::read(path).err().unwrap_or_else(unknown),
            _ => unknown(),
        })
        .and_then(|format| refused.map_or(Ok(format), Err))
        .and_then(|format| Ok((format, file::read(path)?)));
    match read {
        Ok((format, text)) => {
            let file = sources.add(Source { name, dir, text });
            let mut found = Diagnostics::default();
            let given = overrides.env_file.as_deref();
            let environment = env_file::read(path, given, &overrides.trust, &mut sources, &mut found);
            let mut loaded = load_text(format, file, sources, overrides);
            found.sorted().into_iter().cloned().for_each(|problem| loaded.diagnostics.push(problem));
            Loaded { environment, ..loaded }
        }
        Err(failure) => {
            let file = sources.add(Source { name, dir, text: String::new() });
            let mut diagnostics = Diagnostics::default();
            let span = Span { file, start: 0, end: 0 };
            diagnostics.push(Diagnostic::error(failure.code, span, failure.message).help(failure.help));
            Loaded::without_plan(sources, file, diagnostics, &overrides.trust)
        }
    }
}

/// As [`load`], for a text that is already in memory, for example a bundled plan.
pub fn load_str(format: Format, source: Source, overrides: &Overrides) -> Loaded {
    let mut sources = Sources::default();
    let file = sources.add(source);
    load_text(format, file, sources, overrides)
}

/// Why there is no text.
struct Failure {
    code: &'static str,
    message: String,
    help: String,
}

fn load_text(format: Format, file: FileId, mut sources: Sources, overrides: &Overrides) -> Loaded {
    let trust = &overrides.trust;
    let mut diagnostics = Diagnostics::default();
    let (node, problems) = format.parse(&sources.get(file).text, file);
    let is_readable = node.is_some() || !problems.is_empty();
    problems.into_iter().for_each(|problem| diagnostics.push(problem));
    if !is_readable {
        let empty =
            Diagnostic::error(codes::MISSING_KEY, Span { file, start: 0, end: 0 }, "the plan is empty");
        diagnostics.push(empty.help("start with `plan: 1`"));
    }
    let Some(base) = node else {
        return Loaded::without_plan(sources, file, diagnostics, trust);
    };
    if base.as_map().is_none() {
        let message = format!("expected a plan: a map that starts with `plan: 1`, found {}", base.kind());
        let error = Diagnostic::error(codes::WRONG_TYPE, base.span, message);
        let is_toml = base.as_str().is_some_and(|text| text.contains(" = "));
        diagnostics.push(match is_toml {
            true => error.help("it looks like TOML; name the file .toml, or write `key: value`"),
            false => {
                error.help("start with `plan: 1`, then `target: http://localhost:9000` and `endpoints:`")
            }
        });
        return Loaded::without_plan(sources, file, diagnostics, trust);
    }
    let whole = include::resolve(base, file, trust, &mut sources, &mut diagnostics);
    let base = whole.node;
    let mut effective =
        overlay::with_profile(&base, overrides.profile.as_deref(), file, &mut sources, &mut diagnostics);
    set::apply(&mut effective, &overrides.set, &mut sources, &mut diagnostics);
    locust::apply(&mut effective, overrides, &mut sources, &mut diagnostics);
    let plan = decode(&effective, whole.is_partial, &mut diagnostics);
    let faults = diagnostics.errors().map(|d| (d.span, d.code)).collect();
    overlay::check_other_profiles(&base, overrides.profile.as_deref(), &mut diagnostics);
    if let Some(map) = effective.as_map_mut() {
        map.retain(|(key, _)| key.value != "profiles");
    }
    let of_profile = OfProfile::of(&base, overrides.profile.as_deref());
    let mut layers = whole.layers;
    layers.push(base);
    Loaded {
        sources,
        plan,
        effective: Some(effective),
        files: whole.files,
        layers,
        is_partial: whole.is_partial,
        faults,
        of_profile,
        diagnostics,
        environment: Variables::of_process(trust),
        trust: trust.clone(),
    }
}

/// The plan of a tree. Where the syntax is broken, or a file is missing, what is missing or odd is most likely a
/// consequence, so only the other problems are added.
fn decode(effective: &Node, is_partial: bool, diagnostics: &mut Diagnostics) -> Option<Plan> {
    let is_broken = diagnostics.any(|d| d.code == codes::SYNTAX);
    let mut found = Diagnostics::default();
    let plan = Plan::from_node(effective, &mut found);
    let is_own = |d: &&Diagnostic| match d.code {
        codes::MISSING_KEY => !is_broken && !is_partial,
        codes::WRONG_TYPE => !is_broken,
        _ => true,
    };
    found.sorted().into_iter().filter(is_own).cloned().for_each(|d| diagnostics.push(d));
    plan
}

/// A text of the command line that diagnostics can point into, with the span of all of it.
fn flag(name: &str, text: &str, sources: &mut Sources) -> Span {
    let file = sources.add(Source { name: name.to_owned(), dir: PathBuf::from("."), text: text.to_owned() });
    Span { file, start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) }
}

/// A node of text at a place.
fn text_node(text: impl Into<String>, span: Span) -> Node {
    Node::new(NodeValue::String(text.into()), span)
}
