//! The result document as JSON text and back. Must not change what the document says.

use std::io::{BufReader, Cursor, Read, Seek};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use super::ReportError;
use super::guarded::{Budget, Guarded};
use super::model::{FORMAT, ResultDocument, forget_names};
use super::short_texts::ShortTexts;
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

/// The document in `source`, parsed as it is read: the text of a run of hours takes more memory than the document. Its
/// texts are harmless, and it takes no more memory than a result may (see `guarded`).
///
/// # Errors
/// Text that is no JSON or cannot be read, JSON that is no result of plimsoll, a result of a newer format, a damaged
/// result, one that takes too much memory.
pub fn from_reader(mut source: impl Read + Seek) -> Result<ResultDocument, ReportError> {
    let start = |source: &mut _| {
        encoding::skip_mark(source).map_err(|error| ReportError::NotJson(serde_json::Error::io(error)))
    };
    start(&mut source)?;
    let parsed = parsed::<ResultDocument>(&mut source);
    forget_names();
    let error = match parsed {
        Ok(doc) if doc.format <= FORMAT => return Ok(doc),
        Ok(_) => None,
        Err(ReportError::TooLarge) => return Err(ReportError::TooLarge),
        Err(error) => Some(error),
    };
    // Why not: from the start.
    start(&mut source)?;
    let head: Head = parsed_as(&mut source, |_| ReportError::NotResult)?;
    let written_by = head.plimsoll.as_str().ok_or(ReportError::NotResult)?;
    let format = head.format.as_u64().ok_or(ReportError::NotResult)?;
    match error {
        _ if format > u64::from(FORMAT) => {
            Err(ReportError::NewerFormat { format, written_by: super::text::clean(written_by) })
        }
        Some(error) => Err(error),
        None => Err(ReportError::NotResult),
    }
}

/// As [`from_reader`], of a text in memory.
///
/// # Errors
/// As [`from_reader`].
pub fn from_str(text: &str) -> Result<ResultDocument, ReportError> {
    from_reader(Cursor::new(text))
}

fn parsed<T: DeserializeOwned>(source: impl Read) -> Result<T, ReportError> {
    parsed_as(source, ReportError::Damaged)
}

/// A value of the text, to whose end nothing else follows; `damaged` says what it is when it has another shape.
fn parsed_as<T: DeserializeOwned>(
    source: impl Read,
    damaged: impl Fn(serde_json::Error) -> ReportError,
) -> Result<T, ReportError> {
    let budget = Budget::default();
    let source = BufReader::with_capacity(BUFFER, ShortTexts::new(source, &budget));
    let mut json = serde_json::Deserializer::from_reader(source);
    let read = T::deserialize(Guarded::new(&mut json, &budget));
    read.and_then(|value| json.end().map(|()| value)).map_err(|error| match error.classify() {
        _ if budget.is_exhausted() => ReportError::TooLarge,
        Category::Data => damaged(error),
        Category::Syntax | Category::Eof | Category::Io => ReportError::NotJson(error),
    })
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
            let read = from_str(&text).unwrap();
            // A text of the first is not harmless, and is read as one that is.
            assert_eq!(
                to_string(&read).unwrap(),
                super::super::text::harmless(&text).replace("\\u001b", "␛")
            );
            assert_eq!(from_str(&to_string(&read).unwrap()).unwrap(), read);
            assert_eq!(from_str(&format!("\u{feff}{text}")).unwrap(), read);
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
