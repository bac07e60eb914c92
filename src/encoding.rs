//! From the bytes of a file to text: UTF-8, without the byte order mark that some editors and shells put before it. Must
//! not read files.

use std::io::{Read, Result as IoResult, Seek, SeekFrom};

/// A byte order mark in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Why bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// They begin with the byte order mark of UTF-16.
    #[error("is not UTF-8 text but UTF-16; save it as UTF-8 (PowerShell: `-Encoding utf8`)")]
    Utf16,
    /// They are not UTF-8.
    #[error("is not UTF-8 text, see line {line}; save the file as UTF-8")]
    NotUtf8 {
        /// 1-based.
        line: u64,
    },
}

/// The text of some bytes, without a byte order mark.
///
/// # Errors
/// When they are not UTF-8.
pub fn text(bytes: Vec<u8>) -> Result<String, NotText> {
    let mut text = text_with_mark(bytes)?;
    if text.as_bytes().starts_with(MARK) {
        text.drain(..MARK.len());
    }
    Ok(text)
}

/// As [`text`], with the byte order mark: for what says places in the file.
///
/// # Errors
/// When they are not UTF-8.
pub fn text_with_mark(bytes: Vec<u8>) -> Result<String, NotText> {
    check_start(&bytes)?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        NotText::NotUtf8 { line: before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1 }
    })
}

/// Refuses what begins as UTF-16 does.
///
/// # Errors
/// [`NotText::Utf16`].
pub fn check_start(bytes: &[u8]) -> Result<(), NotText> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(NotText::Utf16),
        _ => Ok(()),
    }
}

/// The bytes without a byte order mark.
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK).unwrap_or(bytes)
}

/// Goes to the start of a file, or behind the byte order mark there.
///
/// # Errors
/// When it cannot be read.
pub fn skip_mark(file: &mut (impl Read + Seek)) -> IoResult<()> {
    file.rewind()?;
    let mut start = vec![];
    file.by_ref().take(MARK.len() as u64).read_to_end(&mut start)?;
    let from = if start == MARK { MARK.len() as u64 } else { 0 };
    file.seek(SeekFrom::Start(from)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_off_and_other_encodings_named() {
        assert_eq!(text(b"\xef\xbb\xbfa".to_vec()).as_deref(), Ok("a"));
        assert_eq!(text_with_mark(b"\xef\xbb\xbfa".to_vec()).as_deref(), Ok("\u{feff}a"));
        // One only, and only at the start.
        assert_eq!(text("\u{feff}\u{feff}a\u{feff}".as_bytes().to_vec()).as_deref(), Ok("\u{feff}a\u{feff}"));
        assert_eq!(text(b"\xff\xfea\0".to_vec()), Err(NotText::Utf16));
        assert_eq!(text(b"\xfe\xff\0a".to_vec()), Err(NotText::Utf16));
        assert_eq!(text(b"a\nb\n\xe9".to_vec()), Err(NotText::NotUtf8 { line: 3 }));
        for (bytes, rest) in [(&b"\xef\xbb\xbfab"[..], "ab"), (b"ab", "ab"), (b"", "")] {
            let mut file = std::io::Cursor::new(bytes);
            skip_mark(&mut file).unwrap();
            assert_eq!(std::io::read_to_string(file).unwrap(), rest);
        }
    }
}
