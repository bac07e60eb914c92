//! `plimsoll report`: a result rendered again.

use std::path::Path;

use crate::exit::Exit;
use crate::report::model::ResultDocument;
use crate::report::sink::Sink;
use crate::report::{ReportError, console, html, json};

use super::checkpoint::path_of;
use super::terminal::{complain, complain_of, out, style};

pub fn report(result: &Path, html: Option<&Path>, quiet: bool) -> Exit {
    let text = match std::fs::read_to_string(result) {
        Ok(text) => text,
        Err(error) => {
            complain(&format!("error: cannot read {}: {error}", result.display()));
            let partial = path_of(result);
            if partial.is_file() {
                let partial = partial.display();
                complain(&format!("a checkpoint of a run that was killed, or still goes on, is {partial}"));
            }
            return Exit::CouldNotRun;
        }
    };
    match json::from_str(&text).and_then(|result| rendered(&result, html, quiet)) {
        Ok(()) => Exit::Pass,
        Err(error) => {
            complain_of(&error);
            Exit::CouldNotRun
        }
    }
}

fn rendered(result: &ResultDocument, html: Option<&Path>, quiet: bool) -> Result<(), ReportError> {
    if let Some(path) = html {
        Sink::open(path)?.write(&html::render(result)?)?;
        complain(&format!("wrote {}", path.display()));
    }
    if quiet {
        out(&format!("{}\n", console::verdict_line(result)));
    } else {
        out(&console::summary(result, style()));
    }
    Ok(())
}
