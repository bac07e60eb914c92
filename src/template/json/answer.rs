//! The JSON of an answer of which only single paths are asked: its text, read anew for each of the first paths. Must
//! not keep values.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use minijinja::Value;
use minijinja::value::Object;

use super::find::{Key, can_find, find};
use super::scan::{JsonError, without_mark};
use super::tree::{Document, check_encoding, scalar};

/// Paths that are read from the text before it pays to remember where its values are.
const FEW_READS: u32 = 3;

/// See the module.
#[derive(Debug)]
pub struct Answer {
    text: Bytes,
    limit: usize,
    reads: AtomicU32,
    document: OnceLock<Result<Arc<Document>, JsonError>>,
}

impl Answer {
    /// The value of a text that is read when a path is asked; what is made of it takes at most so many bytes.
    pub fn value(text: &Bytes, limit: usize) -> Value {
        let (text, reads) = (text.slice_ref(without_mark(text)), AtomicU32::new(0));
        Value::from_object(Self { text, limit, reads, document: OnceLock::new() })
    }

    /// What a path leads to, and the rest of it where a scalar stands in its way.
    ///
    /// # Errors
    /// When the text is not JSON, or what is made of it takes too much memory.
    pub(in crate::template) fn follow<'k>(&self, keys: &'k [Key]) -> Result<(Value, &'k [Key]), JsonError> {
        let is_many = self.reads.fetch_add(1, Ordering::Relaxed) >= FEW_READS;
        match self.document.get() {
            Some(Ok(document)) => return Ok((document.value(), keys)),
            Some(Err(error)) if !can_find(keys) => return Err(error.clone()),
            None if is_many || !can_find(keys) => match self.document() {
                Ok(document) => return Ok((document.value(), keys)),
                Err(JsonError::TooLarge(_)) if can_find(keys) => {}
                Err(error) => return Err(error.clone()),
            },
            _ => {}
        }
        check_encoding(&self.text)?;
        let Some((at, taken)) = find(&self.text, keys)? else { return Ok((Value::UNDEFINED, &[])) };
        let found = &self.text[at];
        let value = match found.first() {
            Some(b'{' | b'[') => Document::parse_copy(found, self.limit)?.value(),
            _ => scalar(found),
        };
        Ok((value, &keys[taken..]))
    }

    fn document(&self) -> &Result<Arc<Document>, JsonError> {
        self.document.get_or_init(|| Document::parse(&self.text, self.limit))
    }
}

/// Code that is more than a path is given a [`Document`]; this is for what finds its way here in spite of that.
impl Object for Answer {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.document().as_ref().ok()?.value().get_item(key).ok().filter(|value| !value.is_undefined())
    }
}
