//! A JSON document as a template sees it: its text, and beside it only where each value begins. Numbers, texts and
//! names are made when somebody looks at them. Must not know where the text comes from.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use minijinja::Value;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr};

use super::number::{number, plain_number};
use super::scan::{JsonError, Visit, end_of_scalar, end_of_text, scan, without_mark};
use super::string::{is_text, order, order_beside, text_at};

/// Objects with more members are searched by a sorted list.
const FEW: usize = 16;

/// A document that has been checked.
///
/// `nodes` holds a block for each list and object: its number of items, then for each item where its name begins (in
/// objects), where its value begins, and the block of that value (0 for a scalar, and for what is empty); then, for objects with more than
/// `FEW` members, their indexes sorted by name. That is 8 bytes a value, and 4 more for a member or container.
#[derive(Debug)]
pub struct Document {
    text: Bytes,
    nodes: Box<[u32]>,
    root: Place,
    /// The text is not a part of something larger, which would be kept with it.
    is_own: bool,
}

/// Where a value begins, and its block.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    block: u32,
}

impl Document {
    /// Reads a text, with or without a byte order mark, into at most so many bytes beside the text.
    ///
    /// # Errors
    /// When it is not JSON, nests deeper than 128 levels, or needs more memory than that.
    pub fn parse(text: &Bytes, limit: usize) -> Result<Arc<Self>, JsonError> {
        let text = text.slice_ref(without_mark(text));
        check_encoding(&text)?;
        let mut build = Build { text: &text, limit, ..Build::default() };
        // Block 0 is that of all empty containers.
        build.nodes.push(0);
        if !scan(&text, &mut build)? {
            return Err(JsonError::TooLarge(limit));
        }
        let root = match build.items[..] {
            [start, block] => Place { start, block },
            _ => Place { start: 0, block: 0 },
        };
        let nodes = build.nodes.into_boxed_slice();
        Ok(Arc::new(Self { text, nodes, root, is_own: false }))
    }

    /// As [`Document::parse`], of a copy of the text.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_copy(text: &[u8], limit: usize) -> Result<Arc<Self>, JsonError> {
        let document = Arc::into_inner(Self::parse(&Bytes::copy_from_slice(text), limit)?);
        match document {
            Some(document) => Ok(Arc::new(Self { is_own: true, ..document })),
            None => Err(JsonError::TooLarge(limit)),
        }
    }

    /// The whole document as a value.
    pub fn value(self: &Arc<Self>) -> Value {
        self.value_at(self.root, false)
    }

    /// What it takes, bytes: the text and the places in it.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.nodes.len() * size_of::<u32>()
    }

    fn value_at(self: &Arc<Self>, place: Place, are_plain: bool) -> Value {
        let start = place.start as usize;
        match self.text.get(start) {
            Some(b'{' | b'[') => {
                Value::from_object(Container { document: Arc::clone(self), place, are_plain })
            }
            _ => {
                let value = scalar(&self.text[start..end_of_scalar(&self.text, start)]);
                if are_plain { plain_number(&value).unwrap_or(value) } else { value }
            }
        }
    }
}

/// Refuses what is not UTF-8, and says what it is when it begins as UTF-16 does.
pub(super) fn check_encoding(text: &[u8]) -> Result<(), JsonError> {
    if text.is_ascii() || std::str::from_utf8(text).is_ok() {
        return Ok(());
    }
    let words = match text {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16, and JSON is UTF-8",
        _ => "it is not UTF-8",
    };
    Err(JsonError::Syntax(words.to_owned()))
}

/// The value of a text, number or word of JSON's grammar.
pub(super) fn scalar(text: &[u8]) -> Value {
    match text.first() {
        Some(b'"') => match text_at(text, 0) {
            std::borrow::Cow::Borrowed(text) => Value::from(text),
            std::borrow::Cow::Owned(text) => Value::from(text),
        },
        Some(b't') => Value::from(true),
        Some(b'f') => Value::from(false),
        Some(b'n') => Value::from(()),
        _ => std::str::from_utf8(text).map_or(Value::UNDEFINED, number),
    }
}

/// A list or object of a document.
#[derive(Debug)]
pub(in crate::template) struct Container {
    document: Arc<Document>,
    place: Place,
    /// Its numbers come as plain ones, for comparisons: without the text they were written as.
    are_plain: bool,
}

impl Container {
    /// The same, with numbers as plain ones or as they were written.
    pub fn with_plain(&self, are_plain: bool) -> Value {
        Value::from_object(Self { document: Arc::clone(&self.document), place: self.place, are_plain })
    }

    /// Its text, without the white space between its parts.
    pub fn write(&self, out: &mut String) {
        let text = &self.document.text[self.span()];
        let (mut at, mut from) = (0, 0);
        let push =
            |out: &mut String, part: &[u8]| out.push_str(std::str::from_utf8(part).unwrap_or_default());
        while at < text.len() {
            match text[at] {
                b'"' => at = end_of_text(text, at),
                b' ' | b'\n' | b'\r' | b'\t' => {
                    push(out, &text[from..at]);
                    at += 1;
                    from = at;
                }
                _ => at += 1,
            }
        }
        push(out, &text[from..]);
    }

    /// The value of a document of its own, which holds nothing of the text around it.
    pub fn detached(&self) -> Option<Value> {
        if self.document.is_own && self.place.start == self.document.root.start {
            return Some(self.document.value());
        }
        Document::parse_copy(&self.document.text[self.span()], usize::MAX).ok().map(|own| own.value())
    }

    /// The document it is a part of.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    fn span(&self) -> Range<usize> {
        let (start, text) = (self.place.start as usize, &self.document.text);
        // Behind its last item stands, but for white space, its end.
        let inner = match self.len().checked_sub(1).map(|last| self.item(last)) {
            None => start + 1,
            Some(last) if !matches!(text.get(last.start as usize), Some(b'{' | b'[')) => {
                end_of_scalar(text, last.start as usize)
            }
            Some(place) => Self { document: Arc::clone(&self.document), place, are_plain: true }.span().end,
        };
        let close = if self.is_map() { b'}' } else { b']' };
        let end = text[inner..].iter().position(|byte| *byte == close);
        start..end.map_or(text.len(), |length| inner + length + 1)
    }

    fn is_map(&self) -> bool {
        self.document.text.get(self.place.start as usize) == Some(&b'{')
    }

    fn len(&self) -> usize {
        self.document.nodes[self.place.block as usize] as usize
    }

    fn width(&self) -> usize {
        2 + usize::from(self.is_map())
    }

    /// Where an item begins in its block.
    fn slot(&self, index: usize) -> usize {
        self.place.block as usize + 1 + index * self.width()
    }

    fn item(&self, index: usize) -> Place {
        let nodes = &self.document.nodes[self.slot(index) + self.width() - 2..];
        Place { start: nodes[0], block: nodes[1] }
    }

    fn name(&self, index: usize) -> usize {
        self.document.nodes[self.slot(index)] as usize
    }

    fn member(&self, name: &str) -> Option<usize> {
        let (text, len) = (&self.document.text, self.len());
        if len <= FEW {
            return (0..len).rev().find(|index| is_text(text, self.name(*index), name));
        }
        let sorted = &self.document.nodes[self.slot(len)..][..len];
        let found = sorted.binary_search_by(|index| order_beside(text, self.name(*index as usize), name));
        found.ok().map(|at| sorted[at] as usize)
    }

    fn value(&self, index: usize) -> Value {
        self.document.value_at(self.item(index), self.are_plain)
    }
}

impl Object for Container {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if self.is_map() { ObjectRepr::Map } else { ObjectRepr::Seq }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if self.is_map() {
            return self.get_value_by_str(key.as_str()?);
        }
        let index = key.as_usize().filter(|index| *index < self.len())?;
        Some(self.value(index))
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if !self.is_map() {
            return None;
        }
        self.member(key).map(|index| self.value(index))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let len = self.len();
        if !self.is_map() {
            return Enumerator::Seq(len);
        }
        let own = Arc::clone(self);
        let name = move |index| Value::from(&*text_at(&own.document.text, own.name(index)));
        Enumerator::Iter(Box::new((0..len).map(name)))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.len())
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        // The same part of the same document; what is not is compared item by item.
        let is_same = Arc::ptr_eq(&self.document, &other.document) && self.place.start == other.place.start;
        is_same.then_some(Ordering::Equal)
    }

    fn render(self: &Arc<Self>, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        out.write_str(&text)
    }
}

/// A document while it is read.
#[derive(Default)]
struct Build<'t> {
    text: &'t [u8],
    limit: usize,
    nodes: Vec<u32>,
    /// Items of the containers that are still open, innermost last.
    items: Vec<u32>,
    /// Of each open container: where it begins, whether it is an object, where its items begin.
    open: Vec<(u32, bool, usize)>,
}

impl Build<'_> {
    fn fits(&self) -> bool {
        (self.nodes.len() + self.items.len()) * size_of::<u32>() <= self.limit
    }

    /// The members without those that a later one of the same name replaces, and their indexes sorted by name when
    /// there are many.
    fn members(&mut self, from: usize) -> Vec<u32> {
        const WIDTH: usize = 3;
        let text = self.text;
        let count = (self.items.len() - from) / WIDTH;
        let name = |items: &[u32], index: usize| items[from + index * WIDTH] as usize;
        let is_few = count <= FEW;
        let mut sorted: Vec<u32> = if is_few { vec![] } else { (0..count as u32).collect() };
        let mut replaced = vec![];
        if is_few {
            for index in 1..count {
                let same = |other: &usize| {
                    order(text, name(&self.items, *other), name(&self.items, index)) == Ordering::Equal
                };
                replaced.extend((0..index).filter(same).map(|other| other as u32));
            }
        } else {
            // Stable: of the same names the last one stays the last.
            sorted
                .sort_by(|a, b| order(text, name(&self.items, *a as usize), name(&self.items, *b as usize)));
            let pairs = sorted.windows(2).filter(|pair| {
                order(text, name(&self.items, pair[0] as usize), name(&self.items, pair[1] as usize))
                    == Ordering::Equal
            });
            replaced.extend(pairs.map(|pair| pair[0]));
        }
        if replaced.is_empty() {
            return sorted;
        }
        replaced.sort_unstable();
        replaced.dedup();
        let members: Vec<u32> = self.items.split_off(from);
        for (index, member) in members.chunks_exact(WIDTH).enumerate() {
            if replaced.binary_search(&(index as u32)).is_err() {
                self.items.extend_from_slice(member);
            }
        }
        // Once more without them: their indexes have changed.
        self.members(from)
    }
}

impl Visit for Build<'_> {
    fn open(&mut self, at: usize, is_map: bool) -> bool {
        self.open.push((at as u32, is_map, self.items.len()));
        self.fits()
    }

    fn key(&mut self, at: Range<usize>) -> bool {
        self.items.push(at.start as u32);
        true
    }

    fn scalar(&mut self, at: Range<usize>) -> bool {
        self.items.extend([at.start as u32, 0]);
        self.fits()
    }

    fn close(&mut self, _: usize) -> bool {
        let Some((start, is_map, from)) = self.open.pop() else { return false };
        let sorted = if is_map { self.members(from) } else { vec![] };
        let count = (self.items.len() - from) / (2 + usize::from(is_map));
        if count == 0 {
            self.items.extend([start, 0]);
            return self.fits();
        }
        let block = self.nodes.len() as u32;
        self.nodes.push(count as u32);
        self.nodes.extend(self.items.drain(from..));
        if count > FEW {
            self.nodes.extend(sorted);
        }
        self.items.extend([start, block]);
        self.fits()
    }
}
