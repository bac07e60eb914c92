//! The earlier run that thresholds are relative to: named here, read only when the plan runs, because `--baseline` may
//! name another. Must not read it.

use std::path::Path;

use crate::diagnostic::Diagnostic;

use super::model::{BaselineFile, Place};
use super::refusal::Use;
use super::{Compiler, Purpose, codes, files};

impl Compiler<'_> {
    /// What the plan names, and a warning where nothing is run and it is not there.
    pub(super) fn baseline(&mut self) -> Option<BaselineFile> {
        let Some(written) = &self.plan.baseline else {
            self.warn_of_no_baseline();
            return None;
        };
        let path = files::path_of(written, self.sources);
        if Path::new(&written.value).is_absolute() || written.value.trim().is_empty() {
            let message = format!("`{}` is no path relative to this file", written.value);
            let help = "write for example `baseline: baseline.json`; `--baseline PATH` may name any file";
            self.error(Diagnostic::error(codes::BASELINE, written.span, message).help(help));
            return None;
        }
        if self.is_hidden(&path, Use::Kept, written.span) {
            return None;
        }
        let problem = match (files::real_path(&path, self.bounds.root()), path.exists()) {
            (Ok(_), _) => None,
            (Err(words), true) => Some(super::in_words(codes::BASELINE, written.span, &words)),
            (Err(_), false) if self.purpose == Purpose::Run => None,
            (Err(_), false) => {
                let message = format!("{}: no such file, and a run needs it", path.display());
                let help =
                    format!("make it with `plimsoll run {} --json {}`", self.file_of_plan(), path.display());
                Some(Diagnostic::warning(codes::BASELINE, written.span, message).help(help))
            }
        };
        problem.into_iter().for_each(|problem| self.error(problem));
        let place = Place {
            file: self.sources.get(written.span.file).name.clone(),
            line: self.sources.line(written.span),
        };
        Some(BaselineFile { path, place })
    }

    fn warn_of_no_baseline(&mut self) {
        let (Some(span), Purpose::Check) = (self.first_relative, self.purpose) else { return };
        let message = "this is relative to a baseline, and the plan names none";
        let help =
            "write `baseline: baseline.json`, a result of `run --json`, or run it with `--baseline PATH`";
        self.error(Diagnostic::warning(codes::BASELINE, span, message).help(help));
    }

    fn file_of_plan(&self) -> &str {
        &self.sources.get(crate::diagnostic::FileId(0)).name
    }
}
