//! The plan compiled: text resolved, names interned, everything that can be decided before the first packet
//! decided, all problems at once. Must not send anything.

mod answer;
mod auth;
mod baseline;
mod body;
pub mod codes;
mod consequence;
mod cookie;
mod credentials;
mod doubt;
mod effort;
mod entry;
pub mod explain;
mod feed;
mod files;
mod graphql;
mod header;
mod later_use;
mod media;
pub mod model;
mod named_files;
mod names;
mod own;
mod redirects;
mod refusal;
mod reports;
mod request;
mod scenario;
mod scope;
mod secrets;
mod session;
mod step;
mod syntax_help;
mod target;
mod template_file;
mod threshold;
mod timed;
mod tls;

pub use crate::plan::root::ROOT_MARK;
pub use model::CompiledPlan;
pub use scenario::DEFAULT_SCENARIO;
pub use secrets::secret_values;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use minijinja::Value;
use sha2::{Digest as _, Sha256};

use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::http::Target;
use crate::mask::Masker;
use crate::metric::{SeriesId, SeriesKind};
use crate::plan::bounds::Bounds;
use crate::plan::load::{Loaded, Variables};
use crate::plan::model::{Plan, ScenarioHttp, Tags};
use crate::plan::trust::Trust;
use crate::template::{FILES, Names, SlotId};

use consequence::Written;
use effort::Effort;
use feed::Feeds;
use model::{Info, Request, SeriesInfo, ThresholdScope};
use named_files::NamedFiles;
use names::{Below, Known, KnownFeed};
use own::Reach;
use scenario::{Group, groups};
use template_file::Templates;

/// Time limit of a request when a plan says nothing.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the compiled plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It will run: a secret without a value is an error.
    Run,
    /// It is only looked at: a secret without a value is a warning.
    Check,
}

/// Compiles a loaded plan; everything found goes to `out`. `None` when there were errors.
pub fn compile(
    loaded: &Loaded,
    path: &Path,
    profile: Option<&str>,
    purpose: Purpose,
    out: &mut Diagnostics,
) -> Option<CompiledPlan> {
    let plan = loaded.plan.as_ref()?;
    let mut compiler = Compiler::new(plan, loaded, path, purpose);
    compiler.has_profile = profile.is_some();
    let compiled = compiler.compile(loaded, path, profile);
    // Where `allow` could not be read, a file that is refused may be one that it names.
    let may_be_allowed = !loaded.trust.is_stranger && !compiler.written.is_sound(&["allow"]);
    let Compiler { out: found, .. } = compiler;
    let failed = found.has_errors() || loaded.diagnostics.has_errors();
    let mut seen = HashSet::new();
    let is_new = |d: &&Diagnostic| seen.insert((d.span, d.code, d.message.clone()));
    let is_cause = |d: &&Diagnostic| !(may_be_allowed && d.code == codes::FILE_REFUSED);
    found
        .sorted()
        .into_iter()
        .filter(is_cause)
        .filter(is_new)
        .for_each(|diagnostic| out.push(diagnostic.clone()));
    compiled.filter(|_| !failed)
}

/// What is known while a plan is compiled.
struct Compiler<'a> {
    plan: &'a Plan,
    sources: &'a Sources,
    purpose: Purpose,
    out: Diagnostics,
    names: Names,
    known: Known,
    /// How far the plan is trusted.
    trust: Trust,
    /// Where files must lie.
    bounds: Bounds,
    /// Files of bodies, each read once.
    body_files: BTreeMap<PathBuf, Bytes>,
    targets: Vec<Target>,
    /// How the requests that are being compiled call them.
    reach: Reach,
    feeds: Feeds,
    /// Values that are known before the run: secrets, variables.
    values: Vec<(SlotId, Value)>,
    /// Names of this scenario whose values are not the plan's.
    changed: BTreeSet<String>,
    /// What a scenario begins from.
    of_plan: OfPlan,
    series: Vec<SeriesInfo>,
    /// The scenario that is being compiled, its number, and what its rows are called by.
    group: Group<'a>,
    http: Option<&'a ScenarioHttp>,
    scenario: usize,
    prefix: String,
    /// Of this scenario: row of each request name, with its request line as written.
    rows: BTreeMap<String, (SeriesId, String)>,
    /// What rows were tagged with, besides the plan's tags.
    tagged: BTreeMap<u16, Tags>,
    /// Thresholds about tags.
    tag_scopes: Vec<(Span, ThresholdScope)>,
    /// The first threshold that is relative to a baseline.
    first_relative: Option<Span>,
    /// Of this scenario: endpoints of the plan that a flow uses.
    shared: BTreeMap<String, Option<Request>>,
    /// Whether the request before the step that is compiled follows redirects.
    follows: bool,
    secrets: BTreeMap<String, String>,
    environment: Variables,
    /// Variables of the environment that templates name.
    env_names: BTreeSet<String>,
    /// Names that were refused, so that their use is not reported too.
    refused: BTreeSet<String>,
    written: Written,
    named_files: NamedFiles,
    /// Files that are read for the run.
    inputs: BTreeSet<PathBuf>,
    templates: Templates,
    /// Where templates look for files that do not lie beside them.
    templates_folder: Option<PathBuf>,
    /// Whether a profile was laid over the plan.
    has_profile: bool,
    /// What values that are computed before the run have taken.
    effort: Effort,
}

/// What every scenario has unless it says otherwise.
#[derive(Debug, Default)]
struct OfPlan {
    values: Vec<(SlotId, Value)>,
    fixed: BTreeMap<String, Below>,
    feeds: BTreeMap<String, KnownFeed>,
    reach: Reach,
}

impl<'a> Compiler<'a> {
    fn new(plan: &'a Plan, loaded: &'a Loaded, path: &Path, purpose: Purpose) -> Self {
        let mut bounds = Bounds::of(path, loaded.trust.is_stranger);
        let allowed = plan.allow.iter().flat_map(|allow| &allow.files);
        allowed.for_each(|file| bounds.allow(&files::path_of(file, &loaded.sources)));
        Self {
            templates_folder: crate::plan::root::templates_of(path, bounds.root()),
            trust: loaded.trust.clone(),
            templates: Templates::default(),
            plan,
            sources: &loaded.sources,
            purpose,
            out: Diagnostics::default(),
            effort: Effort::default(),
            names: Names::default(),
            known: Known::default(),
            bounds,
            body_files: BTreeMap::new(),
            targets: vec![],
            reach: Reach::default(),
            feeds: Feeds::default(),
            values: vec![],
            changed: BTreeSet::new(),
            of_plan: OfPlan::default(),
            series: vec![],
            // There is at least the plan itself.
            group: groups(plan)[0],
            http: None,
            scenario: 0,
            prefix: String::new(),
            rows: BTreeMap::new(),
            tagged: BTreeMap::new(),
            tag_scopes: vec![],
            first_relative: None,
            shared: BTreeMap::new(),
            follows: false,
            secrets: BTreeMap::new(),
            environment: loaded.environment.clone(),
            env_names: BTreeSet::new(),
            refused: BTreeSet::new(),
            written: Written::of(loaded),
            has_profile: false,
            named_files: NamedFiles::default(),
            inputs: BTreeSet::new(),
        }
    }

    fn compile(&mut self, loaded: &Loaded, path: &Path, profile: Option<&str>) -> Option<CompiledPlan> {
        self.check_allowed();
        let mut initial = self.secrets_and_environment();
        initial.push((self.names.add(FILES), Value::from_dyn_object(self.named_files.texts())));
        initial.extend(self.variables(&initial));
        self.values = initial.clone();
        self.compile_targets(&initial);
        self.of_plan.values = initial.clone();
        self.of_plan.fixed = self.known.fixed.clone();
        self.of_plan.reach = self.reach.clone();
        self.plan_feeds();
        let [user, run, repeat] = ["user", "run", "repeat"].map(|name| self.names.add(name));
        let ready = self.ready();
        let mut thresholds = self.plan_thresholds();
        let scenarios = self.scenarios(&mut thresholds);
        self.check_tag_scopes();
        let baseline = self.baseline();
        self.check_feeds(&scenarios);
        if self.series.len() > usize::from(u16::MAX) {
            let message = format!("the plan has {} rows, and reports hold {}", self.series.len(), u16::MAX);
            let problem = Diagnostic::error(codes::VALUE, self.start_of_plan(), message);
            self.error(problem.help("use fewer endpoints or scenarios, or several plans"));
        }
        let tls = self.tls();
        let reports = self.reports(loaded);
        let file = loaded.sources.get(crate::diagnostic::FileId(0));
        let masker = Masker::new(secret_values(loaded).into_iter().chain(self.sensitive_variables()));
        let effective = loaded.effective.as_ref().map_or(serde_json::Value::Null, |node| node.to_json());
        let stem =
            path.file_stem().map_or_else(|| path.display().to_string(), |s| s.to_string_lossy().into_owned());
        let info = Info {
            name: self.plan.name.as_ref().map_or(stem, |name| name.value.clone()),
            description: self.plan.description.as_ref().map(|text| text.value.trim().to_owned()),
            file: file.name.clone(),
            sha256: digest(loaded).as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            profile: profile.map(str::to_owned),
            effective: without_defaults(masked(effective, &masker)),
            inputs: loaded
                .sources
                .names()
                .map(PathBuf::from)
                .chain(std::mem::take(&mut self.inputs))
                .filter(|path| path.is_file())
                .collect(),
        };
        Some(CompiledPlan {
            info,
            ready,
            scenarios,
            thresholds: thresholds.into(),
            baseline,
            tolerance: self.plan.grading.as_ref().and_then(|g| g.tolerance.as_ref()).map(|t| t.value.0),
            names: Arc::new(self.names.clone()),
            initial,
            user,
            run,
            repeat,
            feeds: self.feeds.take(),
            masker,
            targets: std::mem::take(&mut self.targets).into(),
            local_addresses: self.local_addresses(),
            allowed_hosts: self.trust.hosts.clone(),
            look_ups: self.look_ups(),
            tls,
            reports,
            keep_alive: self.keeps_alive(),
            max_values: self.max_values(),
            tags: self.plan.tags.by_name(),
            series: std::mem::take(&mut self.series).into(),
        })
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        self.out.push(diagnostic);
    }

    /// A new row.
    fn add_series(&mut self, name: &str, kind: SeriesKind, method: Option<http::Method>) -> SeriesId {
        let name = if kind == SeriesKind::Ready { name.to_owned() } else { format!("{}{name}", self.prefix) };
        let scenario = self.scenario;
        let tags = self.plan.tags.by_name();
        self.series.push(SeriesInfo { name, kind, method, scenario, tags, warmup: None, measured: None });
        SeriesId((self.series.len() - 1) as u16)
    }

    /// The place of `needle` inside a written text, or all of the text.
    fn place(&self, span: Span, needle: &str) -> Span {
        let text = &self.sources.get(span.file).text;
        let found = text.get(span.start as usize..span.end as usize).and_then(|raw| raw.find(needle));
        match found {
            Some(at) if !needle.is_empty() => {
                let start = span.start + at as u32;
                Span { start, end: start + needle.len() as u32, ..span }
            }
            _ => span,
        }
    }

    /// The place of `range` of `value`, which is written at `span`, maybe in quotes or with escapes.
    fn place_of(&self, span: Span, value: &str, range: Range<usize>) -> Span {
        let text = &self.sources.get(span.file).text;
        let raw = text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let Some(needle) = value.get(range.clone()).filter(|needle| !needle.is_empty()) else { return span };
        let found = match raw.find(value) {
            Some(at) => Some(at + range.start),
            None => {
                let nth = value[..range.start].matches(needle).count();
                raw.match_indices(needle)
                    .nth(nth)
                    .or_else(|| raw.match_indices(needle).next())
                    .map(|(at, _)| at)
            }
        };
        let Some(start) = found.map(|at| span.start + at as u32) else { return span };
        Span { start, end: start + needle.len() as u32, ..span }
    }

    /// An error in words that may end with what to do, after a `; `.
    fn error_in_words(&mut self, code: &'static str, span: Span, words: &str) {
        self.error(in_words(code, span, words));
    }
}

/// Of the plan and all it includes; of the file alone where it includes nothing.
fn digest(loaded: &Loaded) -> impl AsRef<[u8]> + use<> {
    let texts = loaded.files.iter().map(|file| &loaded.sources.get(*file).text);
    texts.fold(Sha256::new(), |hash, text| hash.chain_update(text)).finalize()
}

fn in_words(code: &'static str, span: Span, words: &str) -> Diagnostic {
    match words.rsplit_once("; ") {
        Some((message, help)) => Diagnostic::error(code, span, message).help(help),
        None => Diagnostic::error(code, span, words),
    }
}

/// The plan without the defaults of its secrets, whatever their type.
fn without_defaults(mut effective: serde_json::Value) -> serde_json::Value {
    let secrets = effective.get_mut("secrets").and_then(|secrets| secrets.as_object_mut());
    for secret in secrets.into_iter().flat_map(|all| all.values_mut()) {
        if let Some(default) = secret.get_mut("default") {
            *default = crate::mask::MASK.into();
        }
    }
    effective
}

/// Every text of a document with secrets hidden.
fn masked(value: serde_json::Value, masker: &Masker) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) => Value::String(masker.mask(&text).into_owned()),
        Value::Array(list) => Value::Array(list.into_iter().map(|item| masked(item, masker)).collect()),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, item)| (masker.mask(&key).into_owned(), masked(item, masker)))
                .collect(),
        ),
        other => other,
    }
}
