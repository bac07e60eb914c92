//! `plimsoll compare`: results of one version beside those of another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::Compare;
use crate::compare::{Comparison, Options, Run, compare as compared, markdown, page, table};
use crate::exit::Exit;
use crate::report::sink::{Readers, Sink};
use crate::report::text::shown_path;
use crate::report::{ReportError, html};

use super::outputs::keep_inputs;
use super::stored::{not_a_result, read};
use super::terminal::{complain, complain_of, out, style};

/// Runs a side at most.
const MOST_RUNS: usize = 100;

/// Writes one report of a comparison.
type Render<'a> = Box<dyn Fn() -> Result<String, ReportError> + 'a>;

pub fn compare(options: &Compare) -> Exit {
    let (base, new) = match sides(options) {
        Ok(sides) => sides,
        Err(words) => return refuse(&words, Exit::Usage),
    };
    if let Some(words) = one_file_twice(options) {
        return refuse(&words, Exit::Usage);
    }
    let (base, new) = match (read_all(&base), read_all(&new)) {
        (Ok(base), Ok(new)) => (base, new),
        (Err(words), _) | (_, Err(words)) => return refuse(&words, Exit::CouldNotRun),
    };
    if let Some(words) = [&base, &new].into_iter().find_map(|side| twice(side)) {
        return refuse(&words, Exit::Usage);
    }
    let comparison = compared(&base, &new, Options { margin: options.margin, force: options.force });
    let reports: [(Option<&PathBuf>, Render<'_>); 3] = [
        (options.json.as_ref(), Box::new(|| as_json(&comparison))),
        (
            options.html.as_ref(),
            Box::new(|| html::render_both(&page::beside(&comparison, &base, &new, true))),
        ),
        (options.markdown.as_ref(), Box::new(|| Ok(markdown::render(&comparison)))),
    ];
    let inputs: Vec<_> = base.iter().chain(&new).map(|run| PathBuf::from(&run.name)).collect();
    for (path, _) in &reports {
        if let Some(Err(words)) = path.map(|path| keep_inputs("the report", path, &inputs)) {
            return refuse(&words, Exit::Usage);
        }
    }
    let mut to_stdout = true;
    for (path, render) in reports {
        let Some(path) = path else { continue };
        let written = Sink::open(path, Readers::Default).and_then(|mut sink| {
            to_stdout &= !sink.is_stdout();
            sink.write(&render()?)
        });
        if let Err(error) = written {
            complain_of(&error);
            return Exit::CouldNotRun;
        }
    }
    let text = match options.quiet {
        true => format!("{}\n", table::verdict_line(&comparison)),
        false => table::summary(&comparison, style()),
    };
    if to_stdout {
        out(&text)
    } else {
        complain(text.trim_end())
    }
    table::exit(comparison.verdict)
}

fn refuse(words: &str, exit: Exit) -> Exit {
    complain(&format!("error: {words}"));
    exit
}

/// Two reports in one file would be one.
fn one_file_twice(options: &Compare) -> Option<String> {
    let named = [("--json", &options.json), ("--html", &options.html), ("--markdown", &options.markdown)];
    let named: Vec<_> = named.into_iter().filter_map(|(flag, path)| Some((flag, path.as_ref()?))).collect();
    let same = |(at, one): (usize, &(&str, &PathBuf))| {
        let other = named[..at].iter().find(|other| other.1 == one.1)?;
        Some(format!("{} and {} name the same file", other.0, one.0))
    };
    named.iter().enumerate().find_map(same)
}

fn as_json(comparison: &Comparison) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(comparison).map_err(ReportError::Encode)?;
    text.push('\n');
    Ok(text)
}

/// The paths of both sides.
fn sides(options: &Compare) -> Result<(Vec<PathBuf>, Vec<PathBuf>), String> {
    let help = "write `plimsoll compare base.json new.json`, \
                or `plimsoll compare --base a.json b.json --new c.json d.json`";
    let (mut base, mut new) = (options.base.clone(), options.new.clone());
    match options.results.as_slice() {
        // With only one side named, the others belong to the other.
        results if base.is_empty() && !new.is_empty() => base.extend_from_slice(results),
        results if new.is_empty() && !base.is_empty() => new.extend_from_slice(results),
        [first, second] if base.is_empty() => {
            base.push(first.clone());
            new.push(second.clone());
        }
        [] => {}
        results if base.is_empty() => {
            return Err(format!("which of these {} results are the new ones? {help}", results.len()));
        }
        [result, ..] => {
            let result = shown_path(result);
            return Err(format!("is {result} a base or a new result? {help}"));
        }
    }
    match (base.is_empty(), new.is_empty()) {
        (false, false) => Ok((base, new)),
        (true, _) => Err(format!("no base result: {help}")),
        (_, true) => Err(format!("no new result: {help}")),
    }
}

/// The results at these paths: of a folder all `.json` files directly in it that are results.
fn read_all(paths: &[PathBuf]) -> Result<Vec<Run>, String> {
    let mut runs = vec![];
    for path in paths {
        if !path.is_dir() {
            runs.push(read(path)?.ok_or_else(|| not_a_result(path))?);
        } else {
            let before = runs.len();
            for file in files(path)? {
                runs.extend(read(&file)?);
                if runs.len() > MOST_RUNS {
                    break;
                }
            }
            if runs.len() == before {
                return Err(format!("{}: no result of `run --json` in this folder", shown_path(path)));
            }
        }
        if runs.len() > MOST_RUNS {
            return Err(format!("more than {MOST_RUNS} results a side"));
        }
    }
    Ok(runs)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", shown_path(folder)))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json") && path.is_file());
    files.sort();
    Ok(files)
}

/// A run counts once: twice the same says nothing new, and would look like agreement.
fn twice(side: &[Run]) -> Option<String> {
    let mut seen = BTreeMap::new();
    side.iter().find_map(|run| {
        let first = seen.insert(&run.doc.run.id, &run.name)?;
        Some(format!("{first} and {} are the same run; give each once", run.name))
    })
}
