//! `plimsoll explain`: what a code means, with a wrong and a right example.

use anstyle::{AnsiColor, Style};

use crate::compile::explain::{self, Explained, Part};
use crate::exit::Exit;

use super::terminal::{complain, out, style};

/// Longest line of text.
const WIDTH: usize = 100;

pub fn explain(names: &[String]) -> Exit {
    if names.is_empty() {
        out(&list());
        return Exit::Pass;
    }
    let unknown: Vec<_> = names.iter().filter(|name| explain::find(name).is_none()).collect();
    for name in &unknown {
        let shown: String =
            name.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        complain(&format!("error: there is no code `{shown}`"));
    }
    if !unknown.is_empty() {
        complain("`plimsoll explain` without a code lists all of them");
        return Exit::Usage;
    }
    let pages: Vec<_> =
        names.iter().filter_map(|name| explain::find(name)).map(|known| page(&known)).collect();
    out(&pages.join("\n"));
    Exit::Pass
}

fn list() -> String {
    let bold = bold();
    explain::codes().map(|(code, title)| format!("{bold}{code}{bold:#}  {title}\n")).collect()
}

fn bold() -> Style {
    if style().color { Style::new().bold() } else { Style::new() }
}

fn page(explained: &Explained) -> String {
    let bold = bold();
    let mut text = format!("{bold}{}: {}{bold:#}\n", explained.code, explained.title);
    for part in explained.parts() {
        match part {
            Part::Paragraph(words) => text.push_str(&format!("\n{}\n", wrapped(words))),
            Part::Example { is_wrong, text: example, .. } => text.push_str(&shown(is_wrong, example)),
        }
    }
    text
}

fn shown(is_wrong: bool, example: &str) -> String {
    let (word, color) = if is_wrong { ("wrong", AnsiColor::Red) } else { ("right", AnsiColor::Green) };
    let look = if style().color { Style::new().fg_color(Some(color.into())) } else { Style::new() };
    let lines: String =
        example.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect();
    format!("\n{look}{word}:{look:#}\n{lines}")
}

/// The words in lines that fit a terminal.
fn wrapped(words: &str) -> String {
    let width = if style().width == 0 { WIDTH } else { style().width.clamp(40, WIDTH) };
    let (mut text, mut column) = (String::new(), 0);
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
}
