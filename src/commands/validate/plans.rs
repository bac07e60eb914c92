//! Which files `validate` looks at: those named, and the plans below the folders named. Must not read a plan.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::plan::parse::{Format, MOST_BYTES};

/// Deepest folder looked into, counted from the one named.
const DEEPEST: usize = 16;
/// Most entries looked at.
const MOST: usize = 20_000;
/// Folders nobody keeps plans in.
const SKIPPED: [&str; 2] = ["node_modules", "target"];

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// In order, those of a folder sorted.
    pub plans: Vec<PathBuf>,
    /// YAML and TOML files in folders that are no plans.
    pub skipped: usize,
    /// Folders that cannot be searched, or hold no plan, in words.
    pub complaints: Vec<String>,
    seen: usize,
}

/// Plans among these paths. A file that is named is one, whatever is in it; in a folder, a file is one when a line of
/// it starts with the key `plan`.
pub fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        if !path.is_dir() {
            found.plans.push(path.clone());
            continue;
        }
        let before = found.plans.len();
        match found.look_into(path, 0) {
            Err(words) => found.complaints.push(words),
            Ok(()) if found.plans.len() == before => {
                let words = "no .yaml, .yml or .toml file with a `plan` in it";
                found.complaints.push(format!("{}: {words}", shown(path)));
            }
            Ok(()) => {}
        }
    }
    found
}

impl Found {
    fn look_into(&mut self, folder: &Path, depth: usize) -> Result<(), String> {
        let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", shown(folder)))?;
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).take(MOST + 1).collect();
        self.seen += paths.len();
        if self.seen > MOST || depth > DEEPEST {
            return Err(format!("{}: too many files; name a smaller folder", shown(folder)));
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // A link may lead outside, or round in circles.
            let Ok(kind) = fs::symlink_metadata(&path) else { continue };
            if name.starts_with('.') {
            } else if kind.is_dir() && !SKIPPED.contains(&name.as_ref()) {
                self.look_into(&path, depth + 1)?;
            } else if kind.is_file() && Format::of_path(&path).is_some() {
                match is_plan(&path) {
                    true => self.plans.push(path.strip_prefix(".").unwrap_or(&path).to_owned()),
                    false => self.skipped += 1,
                }
            }
        }
        Ok(())
    }
}

/// A file that cannot be read is left to those who say why.
fn is_plan(path: &Path) -> bool {
    let mut bytes = vec![];
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES as u64).read_to_end(&mut bytes));
    read.is_err() || has_plan(&String::from_utf8_lossy(&bytes))
}

fn has_plan(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').lines().any(|line| {
        let line = line.trim_start_matches('{').trim_start_matches(['"', '\'']);
        let rest = line.strip_prefix("plan").map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
        rest.is_some_and(|rest| rest.starts_with([':', '=']))
    })
}

fn shown(path: &Path) -> String {
    crate::report::text::shown_path(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_told_from_other_files() {
        for text in [
            "plan: 1",
            "# a\nplan : 1",
            "name = \"x\"\nplan = 1",
            "\u{feff}plan: 1",
            "{plan: 1}",
            "\"plan\": 1",
        ] {
            assert!(has_plan(text), "{text}");
        }
        for text in ["", "endpoints: {}", "services:\n  plan: 1", "plans: 1", "planned: x", "# plan: 1"] {
            assert!(!has_plan(text), "{text}");
        }
    }
}
