//! Where text goes. A closed pipe ends nothing: the exit code is what counts. Any other failure to write standard output
//! is reported once and remembered, so that a command whose product is that text does not end as if it had been delivered.
//! Every text for people is made printable here, because parts of it come from plans, results, answers and names of files.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::compile::secret_values;
use crate::diagnostic::{Diagnostics, render_all};
use crate::mask::Masker;
use crate::plan::load::Loaded;
use crate::report::console::Style;
use crate::report::text::printable;

/// Whether some text for standard output is lost.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// Writes to standard output, for people.
pub fn out(text: &str) {
    out_exactly(&printable(text));
}

/// Writes to standard output what a program reads: a format with its own escapes.
pub fn out_exactly(text: &str) {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    drop(stdout);
    note(written);
}

/// Remembers and reports that standard output could not be written. A reader that has seen enough (`| head`) is no failure.
pub fn note(written: io::Result<()>) {
    let Err(error) = written else { return };
    if error.kind() != io::ErrorKind::BrokenPipe && !IS_LOST.swap(true, Ordering::Relaxed) {
        complain_of(&crate::report::sink::unwritten(std::path::Path::new("standard output"), &error));
    }
}

/// Whether text for standard output is lost.
pub fn is_lost() -> bool {
    IS_LOST.load(Ordering::Relaxed)
}

/// Writes a line to standard error, for people.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(text));
}

/// Writes a command of a CI system to standard error.
pub fn command(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes an error and what caused it, on one line.
pub fn complain_of(error: &dyn std::error::Error) {
    complain(&format!("error: {}", with_causes(error)));
}

/// An error and what caused it, on one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        words = format!("{words}: {inner}");
        source = inner.source();
    }
    words
}

/// Whether the live display can be shown.
pub fn is_interactive() -> bool {
    crate::report::live::is_possible()
        && std::env::var_os("CI").is_none()
        && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

/// Whether standard error is to be colourful.
pub fn is_colourful() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// How wide and colourful standard output may be.
pub fn style() -> Style {
    let color = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    let width = match terminal_size::terminal_size() {
        Some((terminal_size::Width(columns), _)) if std::io::stdout().is_terminal() => usize::from(columns),
        _ => 0,
    };
    Style { width, color }
}

/// Shows what is wrong with one plan, and where to read more.
pub fn show_diagnostics(diagnostics: &Diagnostics, loaded: &Loaded) {
    show_problems(diagnostics, loaded);
    let all = diagnostics.sorted();
    let fixes = all.iter().filter(|problem| problem.is_fixable(&loaded.sources)).count();
    hint(all.iter().map(|problem| problem.code).collect(), fixes);
}

/// Shows what is wrong with a plan, with a count at the end. Lines of the plan and values it came to are
/// shown, so its secrets are hidden.
pub fn show_problems(diagnostics: &Diagnostics, loaded: &Loaded) {
    let (errors, warnings) = diagnostics.counts();
    if errors + warnings == 0 {
        return;
    }
    let rendered = render_all(diagnostics, &loaded.sources, is_colourful());
    complain(secrets(loaded).mask(&rendered).trim_end());
    let mut parts = vec![];
    if errors > 0 {
        parts.push(count(errors, "error"));
    }
    if warnings > 0 {
        parts.push(count(warnings, "warning"));
    }
    complain(&format!("\n{}", parts.join(", ")));
}

/// `1 plan`, `2 plans`.
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Says once where the codes that were shown are explained, and how many problems `--fix` would mend.
pub fn hint(mut codes: Vec<&'static str>, fixes: usize) {
    const MOST: usize = 3;
    codes.sort_unstable();
    codes.dedup();
    let more = if codes.len() > MOST { " …" } else { "" };
    codes.truncate(MOST);
    if !codes.is_empty() {
        let fixes = match fixes {
            0 => String::new(),
            _ => format!("; plimsoll validate --fix corrects {fixes}"),
        };
        complain(&format!("for more: plimsoll explain {}{more}{fixes}", codes.join(" ")));
    }
}

/// Hides every secret of a plan, whatever is wrong with it.
pub fn secrets(loaded: &Loaded) -> Masker {
    Masker::new(secret_values(loaded))
}
