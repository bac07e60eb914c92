//! A snippet of a page as part of a plan: laid over a small plan that has the names it may use (`tests/guide/context`),
//! by the same `include` that people use. A wrong key, value or name in it is an error of that plan.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use plimsoll::compile::{Purpose, compile};
use plimsoll::diagnostic::{Diagnostics, FileId, Severity, render_all};
use plimsoll::plan::load::{Overrides, load};
use plimsoll::plan::node::Node;
use plimsoll::plan::parse::Format;

/// Warnings that a part alone gives: its secret has no value, nothing uses its feed, no baseline is named, no target is
/// HTTPS, nothing runs its endpoint.
const OF_PARTS: [&str; 5] = ["P108", "P109", "P118", "P121", "P200"];

/// The keys of each level.
static KEYS: LazyLock<Vec<(Level, BTreeSet<String>)>> =
    LazyLock::new(|| Level::ALL.into_iter().map(|level| (level, level.keys())).collect());

/// Where the keys of a snippet stand in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Plan,
    Request,
    Step,
    Load,
    Auth,
    Feed,
    Threshold,
    Repeat,
}

impl Level {
    const ALL: [Self; 8] = [
        Self::Plan,
        Self::Request,
        Self::Step,
        Self::Load,
        Self::Auth,
        Self::Feed,
        Self::Threshold,
        Self::Repeat,
    ];

    /// The definitions of the schema whose keys they are.
    fn definitions(self) -> &'static [&'static str] {
        match self {
            Self::Plan => &["Plan"],
            Self::Request => &["Endpoint", "RequestStep"],
            Self::Step => &["UseStep", "SetStep", "IfStep", "RepeatStep", "GroupStep", "ChooseStep"],
            Self::Load => &["Load"],
            Self::Auth => &["Auth"],
            Self::Feed => &["LongFeed"],
            Self::Threshold => &["LongThreshold"],
            Self::Repeat => &["Repeat"],
        }
    }

    fn keys(self) -> BTreeSet<String> {
        let schema = plimsoll::plan::schema::schema();
        let of = |name: &&str| schema["$defs"][*name]["properties"].as_object().unwrap().clone();
        let keys = self.definitions().iter().flat_map(of).map(|(key, _)| key);
        keys.chain((self == Self::Step).then(|| "poll".to_owned())).collect()
    }

    /// The level with the most keys of this map, the outermost of several; none when it has none of them.
    fn of(map: &Node) -> Option<Self> {
        let written = map.as_map()?;
        let known =
            |keys: &BTreeSet<String>| written.iter().filter(|(key, _)| keys.contains(&key.value)).count();
        let (best, keys) = KEYS.iter().rev().max_by_key(|(_, keys)| known(keys))?;
        (known(keys) > 0).then_some(*best)
    }

    /// The snippet as a part of a plan, in YAML.
    fn wrapped(self, text: &str) -> String {
        match self {
            Self::Plan => text.to_owned(),
            Self::Request => format!("endpoints:\n  snippet:\n{}", indented(text, "    ")),
            Self::Step => steps(&listed(text, "")),
            Self::Load => format!("load:\n{}", indented(text, "  ")),
            Self::Auth => format!("auth:\n{}", indented(text, "  ")),
            Self::Feed => format!("data:\n  questions:\n{}", indented(text, "    ")),
            Self::Repeat => {
                let rest = if text.contains("steps:") { "" } else { "steps: [{ think: 1s }]\n" };
                steps(&listed(&format!("repeat:\n{}", indented(&format!("{text}\n{rest}"), "  ")), ""))
            }
            Self::Threshold => format!("thresholds:\n{}", listed(text, "  ")),
        }
    }
}

fn steps(list: &str) -> String {
    format!("flows:\n  snippet:\n    steps:\n{}", indented(list, "      "))
}

/// A map as the one entry of a list.
fn listed(text: &str, indent: &str) -> String {
    format!("{indent}- {}", indented(text, &format!("{indent}  ")).trim_start())
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{by}{line}\n") }).collect()
}

/// Everything a person would be told about the plan at this path; empty when there is nothing to say.
pub fn told(plan: &Path) -> String {
    let loaded = load(plan, &Overrides::default());
    let mut found = loaded.diagnostics.clone();
    compile(&loaded, plan, None, Purpose::Check, &mut found);
    render_all(&found, &loaded.sources, false)
}

/// Whether a text is a whole plan.
pub fn is_whole(format: Format, text: &str) -> bool {
    let key = if format == Format::Yaml { "plan: " } else { "plan = " };
    text.lines().any(|line| line.starts_with(key))
}

/// Checks a part of a plan in this folder, which holds a copy of the context. What is said about it, if anything.
pub fn check(folder: &Path, format: Format, text: &str) -> Result<(), String> {
    let (node, problems) = format.parse(text, FileId(0));
    if let Some(problem) = problems.first() {
        return Err(problem.message.clone());
    }
    let node = node.ok_or("nothing is in it")?;
    let level = match (format, node.as_list()) {
        (Format::Yaml, Some(_)) => None,
        _ => Some(Level::of(&node).unwrap_or(Level::Plan)),
    };
    let part = match level {
        None => steps(text),
        // What a table of TOML stands in can be written before it only at the top.
        Some(Level::Plan) => text.to_owned(),
        Some(Level::Request) if format == Format::Toml => format!("[endpoints.snippet]\n{text}"),
        Some(level) => level.wrapped(text),
    };
    let name = if format == Format::Yaml { "snippet.yaml" } else { "snippet.toml" };
    std::fs::write(folder.join(name), part).unwrap();
    // What the part says itself is not laid below it: the two might exclude each other.
    let says = |key: &str| level == Some(Level::Plan) && node.get(key).is_some();
    // What a shorthand of `auth` sets, a login must not set too.
    let is_shorthand = ["bearer", "basic", "api_key", "oauth2"].iter().any(|key| node.get(key).is_some());
    let mut below = vec!["context.yaml"];
    let unless_said = [
        ("target", "targets.yaml"),
        ("auth", "login.yaml"),
        ("secrets", "secrets.yaml"),
        ("data", "data.yaml"),
        ("scenarios", "load.yaml"),
    ];
    let is_left_out = |key: &str| says(key) || key == "auth" && level == Some(Level::Auth) && is_shorthand;
    below.extend(unless_said.iter().filter(|(key, _)| !is_left_out(key)).map(|(_, name)| *name));
    below.extend((level == Some(Level::Request)).then_some("request.yaml"));
    let below: Vec<_> = below.into_iter().map(|name| format!("context/{name}")).collect();
    let plan = folder.join("check.yaml");
    std::fs::write(&plan, format!("plan: 1\ninclude: [{}, {name}]\n", below.join(", "))).unwrap();
    let loaded = load(&plan, &Overrides::default());
    let mut found = loaded.diagnostics.clone();
    compile(&loaded, &plan, None, Purpose::Check, &mut found);
    let mut wrong = Diagnostics::default();
    for problem in found.sorted() {
        let is_own = loaded.sources.get(problem.span.file).name.ends_with(name);
        let is_told = is_own && !OF_PARTS.contains(&problem.code);
        if problem.severity == Severity::Error || is_told {
            wrong.push(problem.clone());
        }
    }
    let words = render_all(&wrong, &loaded.sources, false);
    if words.is_empty() { Ok(()) } else { Err(words) }
}
