//! `--set path.to.key=value`: single values laid over the plan. Must not know which keys exist; the plan's own
//! check finds unknown ones.

use super::{flag, overlay, text_node};
use crate::diagnostic::{Diagnostic, Diagnostics, Located, Sources, Span};
use crate::plan::codes;
use crate::plan::node::{Node, NodeValue};
use crate::plan::parse::yaml;

/// Maps whose keys are names of the plan: a path through an unknown name is a typo, not a new entry.
const NAMED: [&str; 5] = ["endpoints", "flows", "data", "secrets", "scenarios"];

/// Applies every `--set`, in order; those of `load` together choose the load form.
pub(super) fn apply(plan: &mut Node, all: &[String], sources: &mut Sources, out: &mut Diagnostics) {
    let mut settings = Vec::new();
    for text in all {
        match Setting::read(text, sources) {
            Ok(setting) => settings.push(setting),
            Err(problems) => problems.into_iter().for_each(|problem| out.push(problem)),
        }
    }
    choose_form(plan, &settings);
    for setting in settings {
        if let Err(problem) = setting.put(plan) {
            out.push(problem);
        }
    }
}

/// As in a profile: the keys of a `load` that are set remove the other forms of the file.
fn choose_form(plan: &mut Node, settings: &[Setting]) {
    let mut loads: Vec<Vec<&str>> = vec![];
    for setting in settings {
        let path: Vec<_> = setting.path.iter().map(|part| part.value.as_str()).collect();
        if let ["load", _] | ["scenarios", _, "load", _] = path[..]
            && !loads.contains(&path[..path.len() - 1].to_vec())
        {
            loads.push(path[..path.len() - 1].to_vec());
        }
    }
    for path in loads {
        let Some(load) = find(plan, &path) else { continue };
        let mut over = overlay::empty_map(load.span);
        for setting in settings {
            let is_of_it =
                setting.path.iter().map(|part| part.value.as_str()).take(path.len()).eq(path.iter().copied());
            if let (true, Some(key), Some(map)) =
                (is_of_it && setting.path.len() == path.len() + 1, setting.path.last(), over.as_map_mut())
            {
                map.push((key.clone(), setting.value.clone()));
            }
        }
        overlay::replace_form(load, &over);
    }
}

/// The node at a path of keys.
fn find<'n>(node: &'n mut Node, path: &[&str]) -> Option<&'n mut Node> {
    path.iter().try_fold(node, |node, part| {
        node.as_map_mut()?.iter_mut().find(|(key, _)| key.value == *part).map(|(_, below)| below)
    })
}

struct Setting {
    path: Vec<Located<String>>,
    value: Node,
}

impl Setting {
    fn read(text: &str, sources: &mut Sources) -> Result<Self, Vec<Diagnostic>> {
        let all = flag("--set", text, sources);
        let wrong = |message: &str| {
            let error = Diagnostic::error(codes::BAD_OVERRIDE, all, message);
            vec![error.help("write --set path.to.key=value, for example --set load.users=100")]
        };
        let (path, rest) = split_path(text, all).ok_or_else(|| wrong("this is not `path=value`"))?;
        if path.iter().any(|part| part.value.is_empty()) {
            return Err(wrong("a part of the path is empty"));
        }
        let value_span = Span { start: all.end - rest.len() as u32, ..all };
        if rest.trim_start().starts_with("{{") {
            return Ok(Self { path, value: text_node(rest.trim(), value_span) });
        }
        let blank = " ".repeat(value_span.start as usize);
        let (node, problems) = yaml::parse(&(blank + rest), all.file);
        if !problems.is_empty() {
            return Err(problems);
        }
        let value = node.unwrap_or_else(|| Node::new(NodeValue::Null, value_span));
        Ok(Self { path, value })
    }

    /// Puts the value at its path, making maps on the way where there are none.
    fn put(self, plan: &mut Node) -> Result<(), Diagnostic> {
        if let Some(key) =
            self.path.first().filter(|key| ["include", "profiles"].contains(&key.value.as_str()))
        {
            let message = format!("`{}` is read before `--set` is applied", key.value);
            let error = Diagnostic::error(codes::BAD_OVERRIDE, key.span, message);
            return Err(error.help("set the value itself, or change the plan"));
        }
        if let [map, name, _, ..] = self.path.as_slice() {
            refuse_unknown_name(plan, map, name)?;
        }
        let mut here = plan;
        for part in &self.path {
            here = step(here, part)?;
        }
        *here = self.value;
        Ok(())
    }
}

/// `a."b.c".d[0]=value` as its parts and what follows the `=`.
fn split_path(text: &str, all: Span) -> Option<(Vec<Located<String>>, &str)> {
    let (mut parts, mut part, mut start, mut in_quotes) = (vec![], String::new(), 0, false);
    // Behind an index there is no name.
    let mut is_index = false;
    let mut letters = text.char_indices();
    while let Some((at, c)) = letters.next() {
        let ends = !in_quotes && (matches!(c, '.' | '=') || index_at(&text[at..]).is_some());
        if ends && !std::mem::take(&mut is_index) {
            let span = Span { start: start as u32, end: at as u32, ..all };
            parts.push(Located { value: std::mem::take(&mut part).trim().to_owned(), span });
        }
        match c {
            '"' => in_quotes = !in_quotes,
            '=' if ends => return Some((parts, &text[at + 1..])),
            '.' if ends => start = at + 1,
            '[' if ends => {
                let digits = index_at(&text[at..])?;
                let span = Span { start: at as u32 + 1, end: (at + 1 + digits.len()) as u32, ..all };
                parts.push(Located { value: digits.to_owned(), span });
                letters.by_ref().nth(digits.len());
                is_index = true;
            }
            _ => part.push(c),
        }
    }
    None
}

/// The digits of `[0]` where a text begins with it and a part of a path may end behind it.
fn index_at(text: &str) -> Option<&str> {
    let (digits, rest) = text.strip_prefix('[')?.split_once(']')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && rest.starts_with(['.', '=', '['])).then_some(digits)
}

fn refuse_unknown_name(plan: &Node, map: &Located<String>, name: &Located<String>) -> Result<(), Diagnostic> {
    let Some(named) = plan.get(&map.value).and_then(Node::as_map) else { return Ok(()) };
    if !NAMED.contains(&map.value.as_str()) || named.iter().any(|(key, _)| key.value == name.value) {
        return Ok(());
    }
    let message = format!("`{}` has no `{}`", map.value, name.value);
    Err(Diagnostic::error(codes::BAD_OVERRIDE, name.span, message)
        .did_you_mean(&name.value, named.iter().map(|(key, _)| key.value.as_str())))
}

fn step<'n>(here: &'n mut Node, part: &Located<String>) -> Result<&'n mut Node, Diagnostic> {
    if !matches!(here.value, NodeValue::List(_) | NodeValue::Map(_)) {
        *here = overlay::empty_map(part.span);
    }
    match &mut here.value {
        NodeValue::List(items) => {
            let count = items.len();
            let index = part.value.parse::<usize>().ok();
            index.and_then(|index| items.get_mut(index)).ok_or_else(|| {
                let message = format!("`{}` is not an item of this list of {count}", part.value);
                Diagnostic::error(codes::BAD_OVERRIDE, part.span, message).help("items are counted from 0")
            })
        }
        NodeValue::Map(map) => {
            let at = map.iter().position(|(key, _)| key.value == part.value).unwrap_or_else(|| {
                map.push((part.clone(), Node::new(NodeValue::Null, part.span)));
                map.len() - 1
            });
            Ok(&mut map[at].1)
        }
        _ => Err(Diagnostic::error(codes::BAD_OVERRIDE, part.span, "this path leads nowhere")),
    }
}
