//! Builds nodes from the events of the YAML parser. Must not decide what a syntax error means.

use std::collections::HashMap;

use serde_yaml::granit_parser::{Event, ScalarStyle, Span as EventSpan, StructureStyle, Tag};

use super::entry::{Anchored, Entry, Key, as_key, measure, merge};
use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::plan::codes;
use crate::plan::node::{Node, NodeValue};
use crate::plan::parse::convert::{self, Budget, depth};
use crate::plan::parse::{yaml_scalar, yaml_trap};

/// An open list or map.
struct Open {
    anchor: usize,
    start: Span,
    flow: bool,
    /// Starts with an unquoted `{{`; becomes text so that the rest can still be read.
    template: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, places: HashMap<String, Span>, merged: Vec<Node>, key: Option<Key> },
}

pub(super) struct Builder<'t> {
    text: &'t str,
    offset: usize,
    file: FileId,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    budget: Budget,
    documents: usize,
    root: Option<Node>,
    problems: Vec<Diagnostic>,
    trapped: bool,
}

impl<'t> Builder<'t> {
    /// A builder for a text that starts at byte `offset` of its file.
    pub(super) fn new(text: &'t str, offset: usize, file: FileId) -> Self {
        Self {
            text,
            offset,
            file,
            open: vec![],
            anchors: HashMap::new(),
            budget: Budget::default(),
            documents: 0,
            root: None,
            problems: vec![],
            trapped: false,
        }
    }

    /// Takes the next event; an error ends the reading.
    pub(super) fn event(&mut self, event: Event<'_>, at: EventSpan) -> Result<(), Diagnostic> {
        let span = self.span(at);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "a plan is one document; a second one starts here";
                    return Err(Diagnostic::error(codes::SYNTAX, span, message)
                        .help("remove the `---` and what follows, or put it in a file of its own"));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.budget.nodes(1, span)?;
                let plain = style == ScalarStyle::Plain;
                let value = self.scalar(&text, plain, tag.as_deref(), span);
                self.place(Node { value, span }, anchor, (plain && tag.is_none()).then_some(&*text))?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.start(Content::List(vec![]), style, anchor, tag.as_deref(), span)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let content =
                    Content::Map { entries: vec![], places: HashMap::new(), merged: vec![], key: None };
                self.start(content, style, anchor, tag.as_deref(), span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            _ => {}
        }
        Ok(())
    }

    /// Records the error that ended the reading, unless an unquoted template already explains it.
    pub(super) fn stop(&mut self, error: Diagnostic) {
        if !(self.trapped && matches!(error.code, codes::SYNTAX | codes::UNQUOTED_TEMPLATE)) {
            self.problems.push(error);
        }
        self.root = None;
    }

    /// The root value and every problem.
    pub(super) fn finish(self) -> (Option<Node>, Vec<Diagnostic>) {
        (self.root, self.problems)
    }

    fn span(&self, at: EventSpan) -> Span {
        let range = at.byte_range().unwrap_or(0..0);
        convert::span(self.file, self.offset + range.start, self.offset + range.end)
    }

    fn source(&self, span: Span) -> &'t str {
        let at = |byte: u32| (byte as usize).saturating_sub(self.offset);
        self.text.get(at(span.start)..at(span.end)).unwrap_or("")
    }

    fn scalar(&mut self, text: &str, plain: bool, tag: Option<&Tag>, span: Span) -> NodeValue {
        match tag {
            Some(tag) if tag.is_yaml_core_schema_tag("str") || tag.original() == "!" => {
                return NodeValue::String(text.to_owned());
            }
            Some(tag) => self.refuse_tag(tag, span),
            None => {}
        }
        if !plain {
            return NodeValue::String(text.to_owned());
        }
        yaml_scalar::resolve(text).unwrap_or_else(|why| {
            self.problems.push(
                Diagnostic::error(codes::OUT_OF_RANGE, span, format!("`{}` {why}", self.source(span)))
                    .help("put it in quotes to send it as text"),
            );
            NodeValue::Null
        })
    }

    fn refuse_tag(&mut self, tag: &Tag, span: Span) {
        let message = format!("the tag `{}` has no meaning in a plan", tag.original());
        let before = self.text.get(..(span.start as usize).saturating_sub(self.offset)).unwrap_or_default();
        let line = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        let span = match before[before.len() - line..].rfind(&tag.original()) {
            Some(at) => {
                let start = self.offset + before.len() - line + at;
                convert::span(self.file, start, start + tag.original().len())
            }
            None => span,
        };
        self.problems.push(Diagnostic::error(codes::SYNTAX, span, message).help("remove it"));
    }

    fn start(
        &mut self,
        content: Content,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Diagnostic> {
        self.budget.nodes(1, span)?;
        depth(self.open.len() + 1, span)?;
        if let Some(tag) = tag {
            self.refuse_tag(tag, span);
        }
        let at = (span.start as usize).saturating_sub(self.offset);
        let flow = style == StructureStyle::Flow;
        let inside_template = self.open.iter().any(|open| open.template);
        let template = flow && self.text.get(at..).is_some_and(|rest| rest.starts_with("{{"));
        if template && !inside_template {
            self.trapped = true;
            let mut problem = yaml_trap::unquoted_template(self.text, at, self.file);
            problem.span.start += self.offset as u32;
            problem.span.end += self.offset as u32;
            self.problems.push(problem);
        }
        self.open.push(Open { anchor, start: span, flow, template, content });
        Ok(())
    }

    fn end(&mut self, at: Span) -> Result<(), Diagnostic> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.content {
            Content::List(items) => NodeValue::List(items),
            Content::Map { mut entries, mut places, merged, .. } => {
                merge(&mut entries, &mut places, merged);
                NodeValue::Map(entries)
            }
        };
        let end = match &value {
            _ if open.flow => at.end,
            NodeValue::List(items) => items.last().map_or(open.start.end, |last| last.span.end),
            NodeValue::Map(entries) => {
                entries.iter().map(|(k, v)| k.span.end.max(v.span.end)).max().unwrap_or(open.start.end)
            }
            _ => open.start.end,
        };
        let span = Span { end: end.max(open.start.start), ..open.start };
        let value = match open.template {
            true => NodeValue::String(self.source(span).to_owned()),
            false => value,
        };
        self.place(Node { value, span }, open.anchor, None)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Diagnostic> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Diagnostic::error(codes::SYNTAX, span, "this alias is part of what it repeats")
                .help("an alias must stand after the whole value it names"));
        };
        self.budget.alias(anchored.bytes, span)?;
        self.budget.nodes(anchored.nodes, span)?;
        depth(self.open.len() + anchored.levels, span)?;
        let node = anchored.node.clone();
        self.place(node, 0, None)
    }

    /// Puts a finished value where it belongs: into the open list, as a key, as a value, or as the root.
    fn place(&mut self, node: Node, anchor: usize, plain: Option<&str>) -> Result<(), Diagnostic> {
        if anchor != 0 {
            self.anchors.insert(anchor, measure(&node));
        }
        let source = self.source(node.span);
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, places, merged, key } => match key.take() {
                None => *key = Some(as_key(node, plain, source, open.template, places, &mut self.problems)),
                Some(Key::Named(name)) => entries.push((name, node)),
                Some(Key::Refused) => {}
                Some(Key::Merge) => match node.value {
                    NodeValue::List(items) => merged.extend(items),
                    _ => merged.push(node),
                },
            },
        }
        if let Some(Open { content: Content::Map { merged, .. }, .. }) = self.open.last()
            && let Some(wrong) = merged.iter().find(|m| m.as_map().is_none())
        {
            return Err(Diagnostic::error(codes::SYNTAX, wrong.span, "`<<` merges maps only")
                .help("write `<<: *name` with the name of a map"));
        }
        Ok(())
    }
}
