//! Which reports are asked for: by flags, and by the plan where no flag takes its place. Must not write them.

use std::path::{Path, PathBuf};

use crate::cli::{ReportFlags, RunFlags};
use crate::compare::page::beside;
use crate::compare::{Options, Run, Verdict, compare};
use crate::compile::CompiledPlan;
use crate::plan::bounds::{Bounds, Refusal};
use crate::plan::root::is_same_place;
use crate::report::folder::{PAGE, RESULT};
use crate::report::model::ResultDocument;
use crate::report::sink::{Readers, Sink};
use crate::report::text::{clean, shown_path};
use crate::report::{ReportError, csv, hdr, html, json, junit, markdown};

use super::Report;

/// What a report holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Html,
    Json,
    Junit,
    Markdown,
    Csv(csv::File),
    Hdr(hdr::Form),
}

impl Kind {
    /// Who may read it: what quotes requests and answers is for the owner alone.
    fn readers(self) -> Readers {
        match self {
            Self::Html | Self::Json | Self::Junit | Self::Markdown | Self::Csv((csv::FAILURES, _)) => {
                Readers::Owner
            }
            Self::Csv(_) | Self::Hdr(_) => Readers::Default,
        }
    }

    /// `baseline` is the earlier run that pages show beside this one.
    pub(super) fn render(
        self,
        result: &ResultDocument,
        baseline: Option<&Run>,
    ) -> Result<String, ReportError> {
        match self {
            Self::Html => page(result, baseline),
            Self::Json => json::to_string(result),
            Self::Junit => junit::render(result),
            Self::Markdown => Ok(markdown::render(result)),
            Self::Csv((_, render)) => render(result),
            Self::Hdr(form) => hdr::render(result, form),
        }
    }
}

/// The page of a run, beside its baseline if there is one.
fn page(result: &ResultDocument, baseline: Option<&Run>) -> Result<String, ReportError> {
    let Some(baseline) = baseline else { return html::render(result) };
    let base = [baseline.clone()];
    let new = [Run { name: "this run".to_owned(), doc: result.clone() }];
    let mut comparison = compare(&base, &new, Options::default());
    let judged_by = result.baseline.as_ref().and_then(|judged| judged.run_id.as_ref());
    let is_same = judged_by == Some(&baseline.doc.run.id);
    if judged_by.is_some() && !is_same {
        comparison.notes.push("the thresholds were judged by another baseline than this one".to_owned());
    }
    // Said already, and there without the secrets of this run.
    let said = result.baseline.as_ref().and_then(|judged| judged.not_comparable.as_ref());
    if let Some(words) = said.filter(|_| is_same && comparison.verdict == Verdict::NotComparable) {
        comparison.reason = words.clone();
    }
    html::render_beside(result, Some(&beside(&comparison, &base, &new, false)))
}

/// A report that was asked for.
pub(super) struct Asked {
    /// By which flag or key.
    pub(super) by: String,
    /// Where it goes.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// Where it must lie, when a plan asked for it.
    pub(super) bounds: Option<Bounds>,
}

impl Asked {
    /// What a flag asks for.
    fn by_flag(flag: &str, path: &Path, kind: Kind) -> Self {
        Self { by: flag.to_owned(), path: path.to_owned(), kind, bounds: None }
    }

    /// The place of the report, tried out.
    pub(super) fn open(self) -> Result<Report, ReportError> {
        stay_inside(self.bounds.as_ref(), &self.path)?;
        let sink = Sink::open(&self.path, self.kind.readers())?;
        Ok(Report {
            sink,
            path: self.path,
            kind: self.kind,
            written: false,
            checkpoint: None,
            is_kept: false,
        })
    }
}

/// # Errors
/// When a path that no flag names leads out of where it must lie by now, or by what was added to it.
pub(in crate::commands) fn stay_inside(bounds: Option<&Bounds>, path: &Path) -> Result<(), ReportError> {
    match bounds.filter(|bounds| !bounds.hold(path)) {
        None => Ok(()),
        Some(bounds) => Err(ReportError::Write {
            path: shown_path(path),
            cause: match bounds.refusal(path) {
                Some(Refusal::Hidden(part)) => format!("it leads to hidden files, below {}", clean(&part)),
                _ => format!("it leads out of {}", shown_path(bounds.root())),
            },
        }),
    }
}

/// # Errors
/// In words, when a report would take the place of what it is made from.
pub(in crate::commands) fn keep_inputs<'a>(
    by: &str,
    path: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), String> {
    match inputs.into_iter().any(|input| is_same_place(input, path)) {
        false => Ok(()),
        true => Err(format!("{by} {}: would replace a file that is read here", shown_path(path))),
    }
}

/// Every report that the flags ask for.
///
/// # Errors
/// In words, when a name says too little.
pub(super) fn of_flags(flags: &ReportFlags, json: Option<&Path>) -> Result<Vec<Asked>, String> {
    let mut all = vec![];
    let named = [
        ("--html", flags.html.as_deref(), Kind::Html),
        ("--json", json, Kind::Json),
        ("--junit", flags.junit.as_deref(), Kind::Junit),
        ("--markdown", flags.markdown.as_deref(), Kind::Markdown),
    ];
    for (flag, path, kind) in named {
        all.extend(path.map(|path| Asked::by_flag(flag, path, kind)));
    }
    for file in flags.csv.iter().flat_map(|_| csv::files(flags.csv_full_history)) {
        let path = flags.csv.as_deref().map(|prefix| with_suffix(prefix, file.0));
        all.extend(path.map(|path| Asked::by_flag("--csv", &path, Kind::Csv(file))));
    }
    for path in &flags.hdr {
        let form = hdr::Form::of_path(path).ok_or_else(|| {
            format!("--hdr {}: name it .hgrm (percentiles of all) or .hlog (every row)", shown_path(path))
        })?;
        all.push(Asked::by_flag("--hdr", path, Kind::Hdr(form)));
    }
    Ok(all)
}

/// Every report that the plan asks for and no flag takes the place of.
pub(super) fn of_plan(plan: &CompiledPlan, flags: &RunFlags) -> Vec<Asked> {
    let given = &flags.reports;
    let Some(wanted) = plan.reports.as_ref().filter(|_| !flags.no_reports) else { return vec![] };
    let mut all = vec![];
    let named = [
        ("html", &wanted.html, given.html.is_some(), Kind::Html),
        ("json", &wanted.json, flags.json.is_some(), Kind::Json),
        ("junit", &wanted.junit, given.junit.is_some(), Kind::Junit),
        ("markdown", &wanted.markdown, given.markdown.is_some(), Kind::Markdown),
    ];
    for (key, place, is_given, kind) in named {
        let place = place.iter().filter(|_| !is_given);
        all.extend(place.map(|place| (key, place.path.clone(), kind, place.bounds.clone())));
    }
    for place in wanted.csv.iter().filter(|_| given.csv.is_none()) {
        let file = |file: csv::File| {
            ("csv", with_suffix(&place.path, file.0), Kind::Csv(file), place.bounds.clone())
        };
        all.extend(csv::files(given.csv_full_history).map(file));
    }
    for place in wanted.hdr.iter().filter(|_| given.hdr.is_empty()) {
        // Any other ending is an error of the plan.
        let form = hdr::Form::of_path(&place.path);
        all.extend(form.map(|form| ("hdr", place.path.clone(), Kind::Hdr(form), place.bounds.clone())));
    }
    let asked = |(key, path, kind, bounds)| Asked { by: format!("`reports.{key}`"), path, kind, bounds };
    all.into_iter().map(asked).collect()
}

/// # Errors
/// When there is no history that could be full.
pub(super) fn check_full_history(flags: &ReportFlags, asked: &[Asked]) -> Result<(), String> {
    let has_csv = asked.iter().any(|asked| matches!(asked.kind, Kind::Csv(_)));
    match flags.csv_full_history && !has_csv {
        true => Err("--csv-full-history needs --csv PREFIX".to_owned()),
        false => Ok(()),
    }
}

fn with_suffix(prefix: &Path, suffix: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// The reports in the folder of a run.
pub(super) const KEPT: [(&str, Kind); 4] =
    [(PAGE, Kind::Html), (RESULT, Kind::Json), ("junit.xml", Kind::Junit), ("summary.md", Kind::Markdown)];
