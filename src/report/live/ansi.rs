//! From ratatui's cells to the escape codes of a terminal (ECMA-48, and xterm's 1049 for the other screen). Must not
//! look at the run, and writes only what a cell holds: no control character ever comes out of a text.

use std::fmt::Write as _;
use std::io;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

/// To the other screen, without a cursor.
pub(super) const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// Back, with one.
pub(super) const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

/// A terminal that takes bytes and has a size.
pub(super) trait Terminal {
    /// Columns and lines.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Takes all of it.
    fn write(&mut self, text: &str) -> io::Result<()>;
}

/// Gathers one drawing and writes it in one go.
pub(super) struct Ansi<T> {
    terminal: T,
    color: bool,
    text: String,
}

impl<T: Terminal> Ansi<T> {
    pub(super) fn new(terminal: T, color: bool) -> Self {
        Self { terminal, color, text: String::new() }
    }

    fn style(&mut self, cell: &Cell) {
        self.text.push_str("\x1b[0");
        for (modifier, code) in [(Modifier::BOLD, 1), (Modifier::DIM, 2), (Modifier::REVERSED, 7)] {
            // Dim is a colour to those who want none: it is hard to read.
            if cell.modifier.contains(modifier) && (self.color || modifier != Modifier::DIM) {
                let _ = write!(self.text, ";{code}");
            }
        }
        if let Some(code) = color(cell.fg).filter(|_| self.color) {
            let _ = write!(self.text, ";{code}");
        }
        self.text.push('m');
    }
}

/// The code of a text's colour: the eight that the reader's own palette has.
fn color(color: Color) -> Option<u8> {
    match color {
        Color::Red => Some(31),
        Color::Green => Some(32),
        Color::Yellow => Some(33),
        Color::Magenta => Some(35),
        Color::Cyan => Some(36),
        _ => None,
    }
}

/// What may be written of a cell.
fn harmless(symbol: &str) -> &str {
    if symbol.is_empty() || symbol.contains(char::is_control) { " " } else { symbol }
}

impl<T: Terminal> Backend for Ansi<T> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut next = None;
        let mut style = None;
        for (x, y, cell) in content {
            if next != Some((x, y)) {
                let _ = write!(self.text, "\x1b[{};{}H", y + 1, x + 1);
            }
            let wanted = (cell.fg, cell.modifier);
            if style != Some(wanted) {
                self.style(cell);
                style = Some(wanted);
            }
            let symbol = harmless(cell.symbol());
            self.text.push_str(symbol);
            // Terminals do not agree on the width of all the others: after them the place is said anew.
            next = (symbol.chars().count() == 1 && is_narrow(symbol)).then_some((x + 1, y));
        }
        self.text.push_str("\x1b[0m");
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, _: P) -> io::Result<()> {
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.text.push_str("\x1b[0m\x1b[2J");
        Ok(())
    }

    fn clear_region(&mut self, _: ClearType) -> io::Result<()> {
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        let (width, height) = self.terminal.size()?;
        Ok(Size { width, height })
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.text);
        self.terminal.write(&text)
    }
}

/// ASCII, and the marks, bars and lines that the display itself draws.
fn is_narrow(symbol: &str) -> bool {
    symbol.chars().all(|c| c.is_ascii() || matches!(c, '\u{2500}'..='\u{259f}' | '…' | '·' | '–'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;
    use ratatui::text::{Line, Span};

    #[derive(Default)]
    struct Written(String);

    impl Terminal for Written {
        fn size(&self) -> io::Result<(u16, u16)> {
            Ok((20, 2))
        }

        fn write(&mut self, text: &str) -> io::Result<()> {
            self.0.push_str(text);
            Ok(())
        }
    }

    fn drawn(text: &str, style: Style, color: bool) -> String {
        let mut terminal = ratatui::Terminal::new(Ansi::new(Written::default(), color)).unwrap();
        let line = Span::styled(text.to_owned(), style);
        terminal.draw(|frame| frame.render_widget(line, frame.area())).unwrap();
        std::mem::take(&mut terminal.backend_mut().terminal.0)
    }

    #[test]
    fn a_line_with_its_colour() {
        let red = Style::new().fg(Color::Red).bold();
        assert_eq!(drawn("ab", red, true), "\x1b[1;1H\x1b[0;1;31mab\x1b[0m");
        assert_eq!(drawn("ab", red, false), "\x1b[1;1H\x1b[0;1mab\x1b[0m");
        assert_eq!(drawn("a", Style::new().dim(), false), "\x1b[1;1H\x1b[0ma\x1b[0m");
    }

    #[test]
    fn places_are_said_anew_after_wide_characters() {
        assert_eq!(drawn("東a", Style::new(), true), "\x1b[1;1H\x1b[0m東\x1b[1;3Ha\x1b[0m");
    }

    #[test]
    fn no_text_is_a_code() {
        for hostile in ["\x1b]0;title\x07", "\x1b[2J", "\u{9b}31m", "a\rb\nc\x08", "\x1bP+q\x1b\\"] {
            let written = drawn(hostile, Style::new(), true);
            let codes: Vec<&str> = written.split('\x1b').skip(1).collect();
            assert!(codes.iter().all(|code| code.starts_with('[')), "{written:?}");
            let placed = |code: &&str| !code.contains('m') && !code.contains('H');
            assert!(!codes.iter().any(placed), "{written:?}");
            assert!(!written.contains(['\x07', '\u{9b}', '\r', '\n', '\x08']), "{written:?}");
        }
    }

    #[test]
    fn what_did_not_change_is_not_written() {
        let mut terminal = ratatui::Terminal::new(Ansi::new(Written::default(), true)).unwrap();
        for text in ["12 users", "13 users"] {
            terminal.draw(|frame| frame.render_widget(Line::raw(text), frame.area())).unwrap();
        }
        assert!(terminal.backend_mut().terminal.0.ends_with("\x1b[1;2H\x1b[0m3\x1b[0m"));
    }
}
