//! Request bodies: each kind compiled, their files read. Must not send anything.

use std::path::PathBuf;

use bytes::Bytes;
use http::{HeaderValue, Method, header};

use crate::body::Body;
use crate::body::multipart::{Content, File, Multipart, Part, is_media_type};
use crate::diagnostic::{Diagnostic, Located, Span};
use crate::plan::model::{self, Entries, GraphQlQuery, LongPart, OneOrMany};
use crate::plan::node::{Node, NodeValue};
use crate::template::{JsonText, Text};

use super::header::Headers;
use super::names::Place;
use super::refusal::Use;
use super::request::Line;
use super::session::literal;
use super::{Compiler, codes, files, graphql, media};

/// Largest file that is sent as it is.
const LARGEST_FILE: u64 = 64 << 20;
/// Most bytes of all of them together.
const LARGEST_OF_ALL: u64 = 256 << 20;

impl Compiler<'_> {
    pub(super) fn body(&mut self, written: &model::Request, place: Place, headers: &mut Headers) -> Body {
        let mut typed = |kind: &'static str| {
            headers.fixed.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        };
        match written.body() {
            None => Body::Empty,
            Some(model::Body::Json(node)) => {
                typed("application/json");
                let mut json = JsonText::default();
                self.json(node, place, &mut json);
                Body::Json(json).settled()
            }
            Some(model::Body::Form(entries)) => {
                typed("application/x-www-form-urlencoded");
                Body::Pairs(self.lists(entries, place)).settled()
            }
            Some(model::Body::Text(text)) => {
                typed("text/plain; charset=utf-8");
                self.text(&text.value, text.span, place).map_or(Body::Empty, Body::Text).settled()
            }
            Some(model::Body::Template(file)) => {
                typed(media::of_template(&file.value));
                self.body_template(file, place).map_or(Body::Empty, Body::Text).settled()
            }
            Some(model::Body::Multipart(entries)) => {
                let parts = self.multipart(entries, place);
                let Some((bytes, kind)) = parts.literal() else { return Body::Multipart(parts) };
                headers.fixed.insert(header::CONTENT_TYPE, kind);
                Body::Static(bytes)
            }
            Some(model::Body::File(file)) => {
                typed(media::of_file(&file.value));
                self.raw_file(file).map_or(Body::Empty, Body::Static)
            }
            Some(model::Body::GraphQl(written)) => {
                typed("application/json");
                // GraphQL over HTTP: the newer type first, in which a status tells of errors.
                let accepted = "application/graphql-response+json, application/json;q=0.9";
                headers.fixed.insert(header::ACCEPT, HeaderValue::from_static(accepted));
                Body::Json(self.graphql(written, place)).settled()
            }
        }
    }

    /// What a method has to do with the body.
    pub(super) fn check_method(&mut self, written: &model::Request, line: &Line) {
        let method = &line.method;
        let at = self.place(written.request.span, method.as_str());
        let kind = match written.body() {
            Some(model::Body::GraphQl(_)) if *method != Method::POST => {
                let message = format!("`graphql` is sent with POST, not with {method}");
                let help = written.request.value.replacen(method.as_str(), "POST", 1);
                return self.error(
                    Diagnostic::error(codes::BODY, at, message).help(format!("write `request: {help}`")),
                );
            }
            None => return,
            Some(model::Body::Json(_)) => "json",
            Some(model::Body::Form(_)) => "form",
            Some(model::Body::Text(_)) => "text",
            Some(model::Body::Template(_)) => "template",
            Some(model::Body::Multipart(_)) => "multipart",
            Some(model::Body::File(_)) => "file",
            Some(model::Body::GraphQl(_)) => "graphql",
        };
        // Some search engines take JSON with GET; nobody reads a form there.
        let is_form = matches!(kind, "form" | "multipart" | "file");
        if *method == Method::HEAD || is_form && (*method == Method::GET || *method == Method::OPTIONS) {
            let message = format!("{method} with a `{kind}` body: servers ignore it, or refuse the request");
            let help = match kind {
                "form" => "write POST, or put the values under `query:`",
                _ => "write POST or PUT, or remove the body",
            };
            self.error(Diagnostic::warning(codes::BODY, at, message).help(help));
        }
    }

    /// The type of a multipart body names its boundary: nothing may replace it.
    pub(super) fn keep_boundary(
        &mut self,
        written: &model::Request,
        framing: Option<HeaderValue>,
        headers: &mut Headers,
    ) {
        let is_type = |name: &str| name.trim().eq_ignore_ascii_case("content-type");
        if let Some((name, _)) = written.headers.iter().find(|(name, _)| is_type(&name.value)) {
            let message = "`content-type` of a multipart body is set by plimsoll: it names the boundary";
            self.error(
                Diagnostic::error(codes::HEADER, name.span, message)
                    .help("remove it; a part has a `content_type` of its own"),
            );
        }
        headers.computed.retain(|(name, _)| *name != header::CONTENT_TYPE);
        headers.fixed.remove(header::CONTENT_TYPE);
        headers.fixed.extend(framing.map(|kind| (header::CONTENT_TYPE, kind)));
    }

    fn multipart(&mut self, entries: &Entries<OneOrMany<model::Part>>, place: Place) -> Multipart {
        let mut parts = vec![];
        for (name, values) in entries {
            for part in &values.0 {
                parts.extend(self.part(&name.value, part, place));
            }
        }
        Multipart(parts)
    }

    fn part(&mut self, name: &str, written: &model::Part, place: Place) -> Option<Part> {
        let name = name.to_owned();
        let long = match written {
            model::Part::Field(value) => {
                let content = Content::Text(self.text(&value.value, value.span, place)?);
                return Some(Part { name, filename: None, content_type: None, content });
            }
            model::Part::Long(long) => long,
        };
        let mut text = |text: &Located<String>| self.text(&text.value, text.span, place);
        let filename = long.filename.as_ref().and_then(&mut text);
        let content_type = long.content_type.as_ref().and_then(&mut text);
        self.check_media_type(long, content_type.as_ref());
        let (content, own_name, own_type) = match (&long.file, &long.text, &long.json) {
            (Some(file), _, _) => {
                let content = Content::File(File::from(self.raw_file(file)?));
                let own_name = file.value.rsplit('/').next().unwrap_or_default();
                (content, Some(own_name), Some(media::of_file(&file.value)))
            }
            (_, Some(value), _) => (Content::Text(self.text(&value.value, value.span, place)?), None, None),
            (_, _, Some(node)) => {
                let mut json = JsonText::default();
                self.json(node, place, &mut json);
                (Content::Json(json), None, Some("application/json"))
            }
            // Said already.
            (None, None, None) => return None,
        };
        let filename = filename.or_else(|| own_name.map(literal));
        // Without a type of its own a file's name tells it.
        let by_name =
            long.filename.as_ref().filter(|_| own_type.is_none()).map(|name| media::of_file(&name.value));
        let content_type = content_type.or_else(|| own_type.or(by_name).map(literal));
        Some(Part { name, filename, content_type, content })
    }

    fn check_media_type(&mut self, part: &LongPart, compiled: Option<&Text>) {
        let Some((text, written)) = compiled.and_then(Text::literal).zip(part.content_type.as_ref()) else {
            return;
        };
        if !is_media_type(text) {
            let message = format!("`{text}` is no media type");
            self.error(
                Diagnostic::error(codes::BODY, written.span, message)
                    .help("write it as `type/subtype`, for example `image/png`"),
            );
        }
    }

    fn graphql(&mut self, written: &model::GraphQl, place: Place) -> JsonText {
        let mut json = JsonText::default();
        json.push_raw("{\"query\":");
        let document = match &written.query {
            GraphQlQuery::Text(text) => {
                self.json_text(&text.value, text.span, place, &mut json);
                (!text.value.contains("{{")).then(|| (text.value.clone(), text.span))
            }
            GraphQlQuery::File(query) => {
                self.query_file(&query.file, &mut json).map(|text| (text, query.file.span))
            }
        };
        let operation = written.operation.as_ref();
        if let Some((document, span)) = document.filter(|_| operation.is_none_or(|o| !o.value.contains("{{")))
            && let Some(found) = graphql::mistake_in(&document, operation.map(|o| o.value.as_str()))
        {
            let at = operation.map_or(span, |operation| operation.span);
            self.error(Diagnostic::error(codes::BODY, at, found.message).help(found.help));
        }
        if let Some(variables) = &written.variables {
            json.push_raw(",\"variables\":");
            self.json(variables, place, &mut json);
        }
        if let Some(operation) = operation {
            json.push_raw(",\"operationName\":");
            self.json_text(&operation.value, operation.span, place, &mut json);
        }
        json.push_raw("}");
        json
    }

    /// A document in a file is sent as it is: what changes belongs into its variables.
    fn query_file(&mut self, file: &Located<String>, json: &mut JsonText) -> Option<String> {
        let text = self.body_text(file)?;
        json.push_raw(&serde_json::Value::from(text.as_str()).to_string());
        if text.contains("{{") {
            let message = format!("{}: holds `{{{{`, which is sent as it is", file.value);
            let help = "put what changes into `variables`, or write the document into the plan";
            self.error(Diagnostic::warning(codes::BODY, file.span, message).help(help));
        }
        Some(text)
    }

    /// The text of a body's file.
    fn body_text(&mut self, file: &Located<String>) -> Option<String> {
        let path = self.body_path(file)?;
        let read = files::read_text(&path, self.bounds.root());
        read.map_err(|words| self.error_in_words(codes::BODY_FILE, file.span, &words)).ok()
    }

    fn json_text(&mut self, source: &str, span: Span, place: Place, out: &mut JsonText) {
        if self.text(source, span, place).is_some() {
            // It has just been parsed.
            let _ = out.push_text(source);
        }
    }

    pub(super) fn json(&mut self, node: &Node, place: Place, out: &mut JsonText) {
        match &node.value {
            NodeValue::String(source) => self.json_text(source, node.span, place, out),
            NodeValue::List(items) => {
                out.push_raw("[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_raw(",");
                    }
                    self.json(item, place, out);
                }
                out.push_raw("]");
            }
            NodeValue::Map(entries) => {
                out.push_raw("{");
                for (index, (key, item)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push_raw(",");
                    }
                    out.push_raw(&serde_json::Value::from(key.value.as_str()).to_string());
                    out.push_raw(":");
                    if let NodeValue::String(text) = &item.value {
                        self.warn_of_literal_text(&key.value, text, item.span);
                    }
                    self.json(item, place, out);
                }
                out.push_raw("}");
            }
            NodeValue::Float(number) => out.push_raw(number.text()),
            _ => out.push_raw(&node.to_json().to_string()),
        }
    }

    /// The path of a body's file, which is read now.
    pub(super) fn body_path(&mut self, file: &Located<String>) -> Option<PathBuf> {
        if !file.value.contains("{{") {
            return self.input(file, Use::Sent);
        }
        let message = "the path of a file cannot be computed: it is read before the run";
        let help = "write the path out; for a choice between files write an endpoint for each";
        self.error(Diagnostic::error(codes::BODY_FILE, file.span, message).help(help));
        None
    }

    /// The bytes of a file that is sent as it is; read once, whoever sends it.
    fn raw_file(&mut self, file: &Located<String>) -> Option<Bytes> {
        let path = self.body_path(file)?;
        if let Some(known) = self.body_files.get(&path) {
            return Some(known.clone());
        }
        let used: u64 = self.body_files.values().map(|bytes| bytes.len() as u64).sum();
        let read = files::read(&path, self.bounds.root(), LARGEST_FILE).and_then(|bytes| {
            let is_too_much = used + bytes.len() as u64 > LARGEST_OF_ALL;
            let words =
                || format!("the plan's body files are larger than {} MiB together", LARGEST_OF_ALL >> 20);
            if is_too_much { Err(words()) } else { Ok(bytes) }
        });
        match read {
            Ok(bytes) => {
                let bytes = Bytes::from(bytes);
                self.body_files.insert(path, bytes.clone());
                Some(bytes)
            }
            Err(words) => {
                self.error_in_words(codes::BODY_FILE, file.span, &words);
                None
            }
        }
    }
}
