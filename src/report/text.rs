//! Text that came from plans and servers, made safe to show, and its width on a screen.
//! Must not know the result document.

use std::borrow::Cow;
use std::path::Path;

/// `text` as one harmless line: control characters and escape codes become visible pictures, bidi overrides and
/// other invisible marks become `�`, line ends become spaces, and nothing in it reads as a command of a CI system.
pub fn clean(text: &str) -> String {
    let line: String =
        text.trim_end().chars().map(|c| if breaks_line(c) { ' ' } else { visible(c) }).collect();
    defuse(&line)
}

/// The same for a block of text whose lines stay apart.
pub fn clean_block(text: &str) -> String {
    text.trim_end().split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// A path as one harmless line.
pub fn shown_path(path: &Path) -> String {
    clean(&path.to_string_lossy())
}

/// `text` as it may go to a terminal or a log of CI, whatever it is made of: control characters and invisible marks
/// replaced, but for line ends, tabs and changes of colour, which are ours; no line is a command of a CI system.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let mut plain = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let length = colour(rest).unwrap_or(0);
            match length {
                0 if c == '\t' => plain.push(c),
                0 => plain.push(visible(c)),
                _ => plain.push_str(&rest[..length]),
            }
            rest = &rest[length.max(c.len_utf8())..];
        }
        // So begins a second place in rustc's look; no command is called so.
        let mark = plain.len() - plain.trim_start().strip_prefix("::: ").map_or(plain.len(), str::len);
        out.push_str(&plain[..mark]);
        out.push_str(&defuse(&plain[mark..]));
    }
    out
}

/// Bytes of the change of colour at the start: `ESC [ 1 ; 31 m`.
fn colour(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let end = codes.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
    codes[end..].starts_with('m').then_some(2 + end + 1)
}

/// `text` without control characters, escape codes and invisible marks; line ends and tabs stay, so that a text of
/// several lines stays one. What is harmless already is not copied.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let is_kept = |c: char| matches!(c, '\n' | '\t') || visible(c) == c;
    match text.chars().all(is_kept) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.chars().map(|c| if is_kept(c) { c } else { visible(c) }).collect()),
    }
}

fn breaks_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn visible(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        // bidi marks, embeddings, overrides and isolates; invisible spaces and tags. Joiners stay: scripts need them.
        '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => '\u{fffd}',
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => '\u{fffd}',
        '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        // No characters at all; XML refuses a document that has one.
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        _ => c,
    }
}

/// GitHub takes `::name::` at the start of a line and `##[name]` anywhere, Azure and TeamCity their own `##`.
fn defuse(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 2);
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        let rest = &line[at..];
        out.push(c);
        let workflow = before.is_whitespace() && rest.starts_with("::");
        let bracket = ["##[", "##vso[", "##teamcity["].iter().any(|command| rest.starts_with(command));
        if workflow || bracket {
            out.push(' ');
        }
        before = c;
    }
    out
}

/// `text` with every line that a wrap left starting with `::` defused too.
pub fn defuse_lines(text: &str) -> String {
    let guard = |line: &str| {
        let body = line.trim_start();
        match body.strip_prefix("::") {
            Some(rest) => format!("{}: :{rest}", &line[..line.len() - body.len()]),
            None => line.to_owned(),
        }
    };
    text.split('\n').map(guard).collect::<Vec<_>>().join("\n")
}

/// Columns `text` takes on a terminal; wide scripts and emoji count 2, marks that sit on others 0.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// After Unicode's East Asian Width, in coarse blocks: a table cell, not a typesetter.
fn char_width(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0x200c | 0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 => 2,
        0xf900..=0xfaff | 0xfe30..=0xfe4f | 0xff00..=0xff60 | 0xffe0..=0xffe6 => 2,
        0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// `text` in at most `columns` columns, its end replaced by `…` where it is longer.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += char_width(c);
        if used > columns {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// `text` filled with spaces on the right.
pub fn pad_right(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// `text` filled with spaces on the left.
pub fn pad_left(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_leaves_honest_text_alone() {
        for text in
            ["list agents", "GET /agents/{id}", "naïve café 東京 👩\u{200d}🚀", "a::b", "<script>", "# 1"]
        {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn clean_neutralises() {
        for (text, safe) in [
            ("\u{1b}[31mred\u{7}", "␛[31mred␇"),
            ("a\r\nb\tc", "a  b c"),
            ("evil\u{202e}txt.exe", "evil�txt.exe"),
            ("\u{9b}2J", "�2J"),
            ("::error::x", ": :error::x"),
            ("  ::error::x", "  : :error::x"),
            ("x\n::error::y", "x : :error::y"),
            ("x ##[group]y", "x # #[group]y"),
            ("##vso[task]", "# #vso[task]"),
        ] {
            assert_eq!(clean(text), safe);
        }
        assert_eq!(clean_block("a\n::b\n"), "a\n: :b");
        assert_eq!(defuse_lines("a\n  ::b"), "a\n  : :b");
    }

    #[test]
    fn what_is_printed_keeps_colours_and_lines_only() {
        for (text, safe) in [
            ("\u{1b}[1;31mred\u{1b}[0m\tx\n\ny", "\u{1b}[1;31mred\u{1b}[0m\tx\n\ny"),
            ("\u{1b}[2J\u{1b}]52;c;AAAA\u{7}", "␛[2J␛]52;c;AAAA␇"),
            ("a\r\n::error::b\n  ::set-output", "a␍\n: :error::b\n  : :set-output"),
            ("\u{1b}[31\u{1b}[", "␛[31␛["),
            ("\u{202e}", "\u{fffd}"),
            ("  ::: plan.yaml:2:1", "  ::: plan.yaml:2:1"),
            (" ::: ::error::x", " ::: : :error::x"),
        ] {
            assert_eq!(printable(text), safe);
        }
        assert_eq!(shown_path(Path::new("a\n::error::x\u{1b}[2J.json")), "a : :error::x␛[2J.json");
    }

    #[test]
    fn widths_and_cuts() {
        assert_eq!(width("東京"), 4);
        assert_eq!(cut("execute agent", 8), "execute…");
        assert_eq!(cut("東京東京", 4), "東…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "…");
        assert_eq!(pad_left("東", 4), "  東");
        assert_eq!(pad_right("東", 4), "東  ");
    }
}
