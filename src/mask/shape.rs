//! What a document looks like, without what stands in it.

use super::MASK;

/// A JSON body without its texts: for bodies that hold credentials nobody has named yet. Of anything else only the
/// length.
pub fn shape_of(body: &[u8]) -> String {
    match serde_json::from_slice(body) {
        Ok(json) => hidden(json).to_string(),
        Err(_) if body.is_empty() => String::new(),
        Err(_) => format!("({} bytes, not shown)", body.len()),
    }
}

fn hidden(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(_) => Value::from(MASK),
        Value::Array(items) => items.into_iter().map(hidden).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, hidden(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_hidden_and_the_rest_is_seen() {
        let body = br#"{"access_token":"abc","ttl":600,"roles":["admin",{"ok":true}],"none":null}"#;
        let shown = r#"{"access_token":"***","ttl":600,"roles":["***",{"ok":true}],"none":null}"#;
        assert_eq!(shape_of(body), shown);
        assert_eq!(shape_of(b"token=abc"), "(9 bytes, not shown)");
        assert_eq!(shape_of(b""), "");
    }
}
