//! The result document as JSON text and back. Must not change what the document says.

use std::io::{BufReader, Read, Seek};

use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

use super::ReportError;
use super::model::{FORMAT, ResultDocument, forget_names};
use crate::encoding;

/// Bytes read at once.
const BUFFER: usize = 1 << 18;

/// `doc` as indented JSON with a line end.
///
/// # Errors
/// Only if a value cannot be written as JSON, which the model rules out.
pub fn to_string(doc: &ResultDocument) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(doc).map_err(ReportError::Encode)?;
    text.push('\n');
    Ok(text)
}

/// The document in `source`, parsed as it is read: the text of a run of hours takes more memory than the document.
///
/// # Errors
/// As [`from_str`]; what cannot be read, or is not UTF-8, is no JSON.
pub fn from_reader(mut source: impl Read + Seek) -> Result<ResultDocument, ReportError> {
    let begun = encoding::skip_mark(&mut source);
    begun.map_err(|error| ReportError::NotJson(serde_json::Error::io(error)))?;
    let parsed = serde_json::from_reader::<_, ResultDocument>(BufReader::with_capacity(BUFFER, &mut source));
    forget_names();
    if let Ok(doc) = parsed
        && doc.format <= FORMAT
    {
        return Ok(doc);
    }
    // Why not: from the start.
    let mut text = String::new();
    let whole = encoding::skip_mark(&mut source).and_then(|()| source.read_to_string(&mut text));
    whole.map_err(|error| ReportError::NotJson(serde_json::Error::io(error)))?;
    from_str(&text)
}

/// The document in `text`.
///
/// # Errors
/// Text that is no JSON, JSON that is no result of plimsoll, a result of a newer format, a damaged result.
pub fn from_str(text: &str) -> Result<ResultDocument, ReportError> {
    // Not as a tree of values first: that of a long run takes gigabytes.
    let head: Head = serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => ReportError::NotResult,
        Category::Syntax | Category::Eof | Category::Io => ReportError::NotJson(error),
    })?;
    let written_by = head.plimsoll.as_str().ok_or(ReportError::NotResult)?;
    let format = head.format.as_u64().ok_or(ReportError::NotResult)?;
    if format > u64::from(FORMAT) {
        return Err(ReportError::NewerFormat { format, written_by: super::text::clean(written_by) });
    }
    let parsed = serde_json::from_str(text).map_err(ReportError::Damaged);
    forget_names();
    parsed
}

/// What tells whether the rest can be understood.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    plimsoll: Value,
    #[serde(default)]
    format: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn round_trip() {
        for doc in [fixture::failing(), fixture::empty()] {
            let text = to_string(&doc).unwrap();
            assert_eq!(from_str(&text).unwrap(), doc);
            assert_eq!(from_reader(std::io::Cursor::new(&text)).unwrap(), doc);
            assert_eq!(from_reader(std::io::Cursor::new(format!("\u{feff}{text}"))).unwrap(), doc);
        }
    }

    #[test]
    fn what_is_no_result_is_refused_by_reason() {
        let newer = to_string(&fixture::empty()).unwrap().replacen("\"format\": 1", "\"format\": 7", 1);
        for (text, message) in [
            ("not json", "not JSON"),
            ("{}", "not a result of plimsoll: it has no `plimsoll` and `format`"),
            (r#"{"plimsoll":7,"format":[]}"#, "not a result of plimsoll: it has no `plimsoll` and `format`"),
            (r#"{"plimsoll":"0.1.0""#, "not JSON"),
            ("[1]", "not a result of plimsoll: it has no `plimsoll` and `format`"),
            (r#"{"plimsoll":"0.1.0","format":1}"#, "a damaged result"),
            (&newer, "a result of format 7, written by plimsoll 0.1.0; this plimsoll reads up to format 1"),
        ] {
            assert_eq!(from_str(text).unwrap_err().to_string(), message);
            assert_eq!(from_reader(std::io::Cursor::new(text)).unwrap_err().to_string(), message);
        }
    }
}
