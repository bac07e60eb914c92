//! Values made over: with plain numbers for comparisons, for the `jsonpath` filter, and for being remembered. Must not
//! know what a value is compared with.

use minijinja::Value;
use minijinja::value::ValueKind;

use super::number::plain_number;
use super::tree::{Container, Document};
use super::write_json;

/// The value with numbers as plain ones, all through it; `None` when it is that already.
pub(in crate::template) fn plain(value: &Value) -> Option<Value> {
    if let Some(container) = value.downcast_object_ref::<Container>() {
        return Some(container.with_plain(true));
    }
    match value.kind() {
        ValueKind::Plain => plain_number(value),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Vec<Value> = value.try_iter().into_iter().flatten().collect();
            let all: Vec<_> = items.iter().map(plain).collect();
            let is_plain = all.iter().all(Option::is_none);
            (!is_plain)
                .then(|| all.into_iter().zip(items).map(|(plain, item)| plain.unwrap_or(item)).collect())
        }
        ValueKind::Map => {
            let keys: Vec<Value> = value.try_iter().into_iter().flatten().collect();
            let items: Vec<_> = keys.iter().map(|key| value.get_item(key).unwrap_or_default()).collect();
            let all: Vec<_> = items.iter().map(plain).collect();
            let is_plain = all.iter().all(Option::is_none);
            let items = all.into_iter().zip(items).map(|(plain, item)| plain.unwrap_or(item));
            (!is_plain).then(|| Value::from_pairs(keys.into_iter().zip(items)))
        }
        _ => None,
    }
}

/// The value for what reads serde's; called with what has been weighed. A number that no double holds is `null`.
pub(in crate::template) fn to_serde(value: &Value) -> serde_json::Value {
    let items = || value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => items().map(|item| to_serde(&item)).collect(),
        ValueKind::Map => {
            let name = |key: &Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            let member = |key: Value| (name(&key), to_serde(&value.get_item(&key).unwrap_or_default()));
            serde_json::Value::Object(items().map(member).collect())
        }
        _ => {
            let plain = plain_number(value);
            serde_json::to_value(plain.as_ref().unwrap_or(value)).unwrap_or_default()
        }
    }
}

/// The value as it is remembered: lists and objects as one compact document that holds nothing of what they were taken
/// from.
pub fn compact(value: Value) -> Value {
    let remembered = match value.downcast_object_ref::<Container>() {
        Some(container) => container.detached(),
        None if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) => {
            let mut text = String::new();
            write_json(&value, &mut text);
            Document::parse_copy(text.as_bytes(), usize::MAX).ok().map(|document| document.value())
        }
        None => None,
    };
    remembered.unwrap_or(value)
}

/// Bytes that a value of [`compact`] takes beside the few of every value.
pub fn memory_of(value: &Value) -> usize {
    match (value.as_str(), value.downcast_object_ref::<Container>()) {
        (Some(text), _) => text.len(),
        (None, Some(container)) => container.document().bytes(),
        (None, None) => 0,
    }
}
