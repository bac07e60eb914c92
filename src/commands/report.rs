//! `plimsoll report`: a result rendered again.

use std::path::Path;

use crate::cli::ReportFlags;
use crate::compare::Run;
use crate::exit::Exit;
use crate::report::text::shown_path;

use super::checkpoint::path_of;
use super::outputs::{Outputs, show};
use super::stored;
use super::terminal::{complain, complain_of};

pub fn report(path: &Path, reports: &ReportFlags, baseline: Option<&Path>, quiet: bool) -> Exit {
    let path = &stored::in_folder(path);
    let read = match stored::document(path) {
        Ok(read) => read,
        Err(error) => {
            complain(&format!("error: cannot read {}: {error}", shown_path(path)));
            let partial = path_of(path);
            if partial.is_file() {
                let partial = shown_path(&partial);
                complain(&format!("a checkpoint of a run that was killed, or still goes on, is {partial}"));
            }
            return Exit::CouldNotRun;
        }
    };
    let result = match read {
        Ok(result) => result,
        Err(error) => {
            complain_of(&error);
            return Exit::CouldNotRun;
        }
    };
    let inputs: Vec<_> = [Some(path.as_path()), baseline].into_iter().flatten().map(Path::to_owned).collect();
    let baseline = match baseline.map(earlier).transpose() {
        Ok(baseline) => baseline,
        Err(words) => {
            complain(&format!("error: {words}"));
            return Exit::CouldNotRun;
        }
    };
    match Outputs::write_again(reports, &result, baseline.as_ref(), &inputs) {
        Ok(to_stdout) => {
            show(&result, quiet, to_stdout, || {});
            Exit::Pass
        }
        Err(exit) => exit,
    }
}

/// The run to show beside it.
fn earlier(path: &Path) -> Result<Run, String> {
    stored::read(path)?.ok_or_else(|| stored::not_a_result(path))
}
