//! The keys of one map while it is read: known, of a later version, or unknown. Must not know any key by name.

use super::FromNode;
use crate::diagnostic::{Diagnostic, Diagnostics, Located, Span, nearest};
use crate::plan::codes;
use crate::plan::node::{Node, NodeValue};

/// Most unknown keys reported one by one for one map.
const MOST_UNKNOWN: usize = 100;

/// What a key that another tool knows by this name says here.
#[derive(Debug, Clone, Default)]
pub struct Foreign {
    /// Keys of this map that are not missed because of it.
    pub stands_for: &'static [&'static str],
    /// What to write instead; `None` when what is said of another key of the map says it.
    pub help: Option<String>,
    /// The key for its place, when `--fix` may put it there.
    pub key: Option<&'static str>,
    /// What becomes of the value then, when it does not stay: as written, and the new one.
    pub value: Option<(String, String)>,
}

/// Finds what a key that is not known here means elsewhere: from the whole map, and the entry.
pub(crate) type Translate = fn(&Node, &(Located<String>, Node)) -> Option<Foreign>;

/// One map of the plan and what may stand in it.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    node: &'a Node,
    entries: &'a [(Located<String>, Node)],
    what: &'static str,
    later: &'static [&'static str],
    translate: Option<Translate>,
}

impl<'a> Keys<'a> {
    /// Opens a map and reports every key that is not in `known`; `None` when it is not a map.
    pub fn open(
        node: &'a Node,
        what: &'static str,
        known: &[&'static str],
        later: &'static [&'static str],
        translate: Option<Translate>,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let Some(entries) = node.as_map() else {
            return super::wrong_type(node, what, out);
        };
        let mut unknown = 0;
        for entry in entries {
            let key = &entry.0;
            if later.contains(&key.value.as_str()) {
                out.push(not_yet(key));
            } else if !known.contains(&key.value.as_str()) {
                unknown += 1;
                if unknown > MOST_UNKNOWN {
                    continue;
                }
                match translate.and_then(|translate| translate(node, entry)) {
                    Some(meant) => meant.told(entry, what).into_iter().for_each(|told| out.push(told)),
                    None => out.push(unknown_key(key, what, known)),
                }
            }
        }
        if unknown > MOST_UNKNOWN {
            let message = format!("and {} more keys that are not known", unknown - MOST_UNKNOWN);
            out.push(Diagnostic::error(codes::UNKNOWN_KEY, node.span, message));
        }
        Some(Self { node, entries, what, later, translate })
    }

    /// A map of which other keys are somebody else's, so that none is unknown.
    pub fn among(node: &'a Node, what: &'static str) -> Self {
        Self { node, entries: node.as_map().unwrap_or_default(), what, later: &[], translate: None }
    }

    /// The map itself.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// The place of the whole map.
    pub fn span(&self) -> Span {
        self.node.span
    }

    /// The value of a key; the value for absence when it is not written or cannot be read.
    pub fn take<T: FromNode>(&self, key: &str, out: &mut Diagnostics) -> Option<T> {
        match self.node.get(key) {
            Some(node) => T::from_node(node, out).or_else(T::absent),
            None => T::absent().or_else(|| {
                self.missing(key, self.what, &format!("write `{key}: {}`", T::example()), out);
                None
            }),
        }
    }

    /// Where a key stands, when it is written.
    pub fn span_of(&self, key: &str) -> Option<Span> {
        self.entries.iter().find(|(k, _)| k.value == key).map(|(k, _)| k.span)
    }

    /// Whether a key is written with an empty list.
    pub fn is_empty_list(&self, key: &str) -> bool {
        matches!(self.node.get(key), Some(Node { value: NodeValue::List(items), .. }) if items.is_empty())
    }

    /// Reports a key that is absent, or whose list is empty, although `who` needs it.
    pub fn required(&self, key: &str, who: &str, help: &str, out: &mut Diagnostics) {
        match self.span_of(key) {
            None => self.missing(key, who, help, out),
            Some(span) if self.is_empty_list(key) => {
                let message = format!("`{key}` is empty");
                out.push(Diagnostic::error(codes::MISSING_KEY, span, message).help(help));
            }
            Some(_) => {}
        }
    }

    /// Reports two keys that exclude each other, when both are written.
    pub fn clash(&self, first: &str, second: &str, help: &str, out: &mut Diagnostics) {
        let (Some(a), Some(b)) = (self.span_of(first), self.span_of(second)) else { return };
        let message = format!("`{first}` and `{second}` exclude each other");
        out.push(
            Diagnostic::error(codes::CLASH, b, message)
                .label(format!("`{second}` here"))
                .other(a, format!("`{first}` here"))
                .help(help),
        );
    }

    /// Says nothing where another error already explains it.
    fn missing(&self, key: &str, who: &str, help: &str, out: &mut Diagnostics) {
        let message = format!("{who} needs `{key}`");
        if !self.may_mean(key) {
            let label = format!("no `{key}` here");
            out.push(Diagnostic::error(codes::MISSING_KEY, self.node.span, message).label(label).help(help));
        }
    }

    /// Whether a key is written, or one that may be meant as it: misspelt, of another tool, or of a later version.
    pub fn may_mean(&self, key: &str) -> bool {
        let stands_for_it = |entry: &(Located<String>, Node)| {
            let meant = self.translate.and_then(|translate| translate(self.node, entry));
            meant.is_some_and(|meant| meant.stands_for.contains(&key))
        };
        let explains = |entry: &(Located<String>, Node)| {
            let written = entry.0.value.as_str();
            self.later.contains(&written) || nearest(written, [key]).is_some() || stands_for_it(entry)
        };
        self.entries.iter().any(explains)
    }
}

impl Foreign {
    /// The error that tells it, when this is the key to tell it at.
    pub(crate) fn told(self, (key, value): &(Located<String>, Node), what: &str) -> Option<Diagnostic> {
        let message = format!("`{}` is not a key of {what}", key.value);
        let problem = Diagnostic::error(codes::UNKNOWN_KEY, key.span, message).help(self.help?);
        Some(match (self.key, self.value) {
            (Some(name), None) => problem.fix(&key.value, name),
            (Some(name), Some((old, new))) => problem.fix(&key.value, name).fix_also(value.span, old, new),
            (None, _) => problem,
        })
    }
}

/// The error for a key of a later version.
fn not_yet(key: &Located<String>) -> Diagnostic {
    let message = format!("`{}` is not supported yet in this version", key.value);
    Diagnostic::error(codes::NOT_YET, key.span, message)
        .help("remove it, or wait for the version that brings it")
}

/// The error for a key nobody reads.
pub(crate) fn unknown_key(key: &Located<String>, what: &str, known: &[&'static str]) -> Diagnostic {
    Diagnostic::error(codes::UNKNOWN_KEY, key.span, format!("`{}` is not a key of {what}", key.value))
        .did_you_mean_or_list(&key.value, known.iter().copied())
}

/// The error for a single value where a map is wanted: `only` is the key that could hold it, `example` one such map.
pub(crate) fn value_for_map<T>(
    node: &Node,
    what: &str,
    only: Option<&str>,
    example: &str,
    out: &mut Diagnostics,
) -> Option<T> {
    const MOST: usize = 80;
    let error = super::wrong_type_error(node, what);
    let is_short = |text: &&str| text.len() <= MOST && !text.contains(['\n', '"', '{', '}', '[', ']', ',']);
    out.push(match (&node.value, node.as_str().filter(is_short), only) {
        (_, Some(text), Some(key)) => error.help(format!("write `{{ {key}: {text} }}`")),
        (NodeValue::Null, _, Some(key)) => error.help(format!("write `{{ {key}: … }}`")),
        _ if example != super::NO_EXAMPLE => error.help(format!("write for example `{example}`")),
        _ => error,
    });
    None
}

/// The key that a field stands for: its name without the `_` that sets it apart from a word of Rust.
pub(crate) const fn key_of(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [.., b'_'] => field.split_at(field.len() - 1).0,
        _ => field,
    }
}
