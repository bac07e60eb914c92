//! Where the reports go that a plan asks for. A plan may come from anyone, so what it names lies below the plan's root, is
//! of the kind it is meant for, and is no hidden file. Must not write anything.

use std::path::{Component, Path, PathBuf};

use crate::diagnostic::{Located, Span};
use crate::plan::bounds::Refusal;
use crate::plan::load::Loaded;
use crate::plan::model;
use crate::plan::root::tidy;

use super::model::{ReportPlace, Reports};
use super::{Compiler, codes, files};

impl Compiler<'_> {
    /// What `reports` says; `None` when it is not there.
    pub(super) fn reports(&mut self, loaded: &Loaded) -> Option<Reports> {
        let plan = self.plan;
        let written = plan.reports.as_ref()?;
        self.distinct(written);
        let mut of = |written: &Option<Located<String>>, endings: &[&str]| {
            written.as_ref().and_then(|written| self.report_place(written, endings, loaded))
        };
        Some(Reports {
            folder: of(&written.folder, &[]),
            html: of(&written.html, &["html", "htm"]),
            json: of(&written.json, &["json"]),
            junit: of(&written.junit, &["xml"]),
            markdown: of(&written.markdown, &["md", "markdown"]),
            csv: of(&written.csv, &[]),
            hdr: {
                let all = written.hdr.iter().flat_map(|all| &all.0);
                all.filter_map(|one| self.report_place(one, &["hgrm", "hlog"], loaded)).collect()
            },
        })
    }

    /// No file is two reports.
    fn distinct(&mut self, written: &model::Reports) {
        let named = [&written.html, &written.json, &written.junit, &written.markdown];
        let hdr = written.hdr.iter().flat_map(|all| &all.0);
        let all: Vec<_> = named.into_iter().flatten().chain(hdr).collect();
        for (at, one) in all.iter().enumerate() {
            if all[..at].iter().any(|other| other.value == one.value) {
                let words = format!("{}: two reports name this file; give each its own", one.value);
                self.report_error(one.span, &words);
            }
        }
    }

    fn report_place(
        &mut self,
        written: &Located<String>,
        endings: &[&str],
        loaded: &Loaded,
    ) -> Option<ReportPlace> {
        let path = files::path_of(written, self.sources);
        // What the command line says is the user's own word.
        let is_of_plan = loaded.files.contains(&written.span.file);
        let refused = match is_of_plan {
            true => refused(&written.value, endings),
            false => refused_anywhere(&written.value, endings),
        };
        if let Some(words) = refused {
            let name = if written.value.trim().is_empty() { "this" } else { written.value.as_str() };
            self.report_error(written.span, &format!("{name}: {words}"));
            return None;
        }
        if !is_of_plan {
            return Some(ReportPlace { path, bounds: None });
        }
        let bounds = self.bounds.for_reports(self.report_root(written.span));
        if !bounds.hold(&path) {
            let words = match bounds.refusal(&path) {
                Some(Refusal::Hidden(part)) => {
                    format!("{}: leads to hidden files, below `{part}`; use another place", written.value)
                }
                _ => format!(
                    "{}: lies outside {}; only flags such as `--html` and `--reports` can lead there",
                    written.value,
                    bounds.root().display()
                ),
            };
            self.report_error(written.span, &words);
            return None;
        }
        Some(ReportPlace { path: tidy(path), bounds: Some(bounds) })
    }

    /// The folder that a plan's reports stay in: where its files lie, but never the whole machine.
    fn report_root(&self, span: Span) -> PathBuf {
        match self.bounds.root().parent() {
            Some(_) => self.bounds.root().to_owned(),
            None => {
                let own = &self.sources.get(span.file).dir;
                let own = if own.as_os_str().is_empty() { Path::new(".") } else { own };
                own.canonicalize().unwrap_or_else(|_| own.to_owned())
            }
        }
    }

    fn report_error(&mut self, span: Span, words: &str) {
        self.error_in_words(codes::REPORT_PATH, span, words);
    }
}

/// Why a path can be no place of this kind of report, whoever names it.
fn refused_anywhere(written: &str, endings: &[&str]) -> Option<String> {
    if written.trim().is_empty() {
        return Some("is no path; write one, or remove the key".into());
    }
    if written.contains("{{") {
        return Some("the path of a report cannot be computed; write it out".into());
    }
    // Which of the two forms is meant is known by the name alone.
    let is_hdr = endings.contains(&"hlog");
    (is_hdr && !ends_in(written, endings)).then(|| other_ending(endings))
}

/// Why a plan cannot name this path for a report of this kind.
fn refused(written: &str, endings: &[&str]) -> Option<String> {
    if let Some(words) = refused_anywhere(written, endings) {
        return Some(words);
    }
    if written.chars().any(char::is_control) {
        return Some("holds a character that no name should have; write another name".into());
    }
    let path = Path::new(written);
    let is_absolute = path.components().any(|part| matches!(part, Component::Prefix(_) | Component::RootDir));
    if is_absolute || written.contains('\\') {
        return Some(
            "is no relative path with `/`; a path starts at the folder of the file that says it, and only flags take others".into(),
        );
    }
    let hidden = path.components().find_map(|part| match part {
        Component::Normal(name) if name.as_encoded_bytes().starts_with(b".") => Some(name),
        _ => None,
    });
    if let Some(name) = hidden {
        let name = name.to_string_lossy();
        return Some(format!("a report does not go into hidden files such as `{name}`; use another name"));
    }
    (!endings.is_empty() && !ends_in(written, endings)).then(|| other_ending(endings))
}

fn ends_in(written: &str, endings: &[&str]) -> bool {
    let ending = Path::new(written).extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

fn other_ending(endings: &[&str]) -> String {
    let all: Vec<_> = endings.iter().map(|ending| format!(".{ending}")).collect();
    format!("this report is a {}; give it a name that says so", all.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_plain_places_only() {
        for fine in ["a.html", "../out/a.html", "./a/b c/Ü.HTML", "a..b.html"] {
            assert_eq!(refused(fine, &["html"]), None, "{fine}");
        }
        for bad in [
            "",
            " ",
            "-",
            "/etc/a.html",
            "C:\\a.html",
            "a\\..\\b.html",
            "a",
            "a.sh",
            "html",
            ".html",
            ".git/a.html",
            "../.ssh/a.html",
            "a/.b/c.html",
            "a\n.html",
            "{{ env.HOME }}/a.html",
            "a.html/",
        ] {
            // A slash at the end names a folder, which is found when it is opened.
            assert_eq!(refused(bad, &["html"]).is_none(), bad == "a.html/", "{bad:?}");
        }
        for folder in ["reports", "out/prefix", "../reports"] {
            assert_eq!(refused(folder, &[]), None);
        }
    }

    #[test]
    fn the_command_line_may_name_any_place() {
        for fine in ["/tmp/a", "-", ".hidden/x"] {
            assert_eq!(refused_anywhere(fine, &["html"]), None);
        }
        assert!(refused_anywhere("/tmp/a.txt", &["hgrm", "hlog"]).is_some());
    }
}
