//! Plans compiled from texts in memory, and whether two of them do the same.

use std::path::Path;

use plimsoll::compile::model::{BaselineFile, FeedUse, Info, Place, ScopedThreshold};
use plimsoll::compile::{CompiledPlan, Purpose, compile};
use plimsoll::diagnostic::{Diagnostic, Severity, Source, render_all};
use plimsoll::plan::load::{Overrides, load_str};
use plimsoll::plan::parse::Format;

/// A text that was compiled as if it stood in some file.
pub struct Checked {
    /// The plan, when it has no errors.
    pub plan: Option<CompiledPlan>,
    /// What was told.
    pub problems: Vec<Diagnostic>,
    /// The same as a person sees it.
    pub told: String,
    /// The profiles of the plan.
    pub profiles: Vec<String>,
}

impl Checked {
    /// Those that keep the plan from running.
    pub fn errors(&self) -> Vec<&Diagnostic> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error).collect()
    }
}

/// Compiles a text as if it stood at `path`, whose folder holds the files it names.
pub fn check(format: Format, text: &str, path: &Path, profile: Option<&str>) -> Checked {
    let dir = path.parent().unwrap().to_owned();
    let source = Source { name: path.display().to_string(), dir, text: text.to_owned() };
    let overrides = Overrides { profile: profile.map(str::to_owned), ..Overrides::default() };
    let loaded = load_str(format, source, &overrides);
    let mut found = loaded.diagnostics.clone();
    let plan = compile(&loaded, path, profile, Purpose::Check, &mut found);
    let profiles = loaded.plan.as_ref().map(|plan| plan.profiles.iter().map(|(name, _)| name.value.clone()));
    Checked {
        plan,
        told: render_all(&found, &loaded.sources, false),
        profiles: profiles.into_iter().flatten().collect(),
        problems: found.sorted().into_iter().cloned().collect(),
    }
}

/// The first part in which two plans differ; where they were read from is none. Every field is named here, so that a
/// new one cannot be forgotten.
pub fn difference(one: &CompiledPlan, other: &CompiledPlan) -> Option<&'static str> {
    let CompiledPlan {
        info: Info { name, description, file: _, sha256: _, profile, effective: _, inputs: _ },
        tags,
        targets,
        local_addresses,
        allowed_hosts: _,
        look_ups,
        tls,
        reports,
        keep_alive,
        max_values,
        series,
        ready,
        scenarios,
        thresholds,
        baseline,
        tolerance,
        names,
        initial,
        user,
        run,
        repeat,
        feeds,
        masker,
    } = one;
    let info = &other.info;
    let values = |plan: &CompiledPlan| format!("{:?}", plan.initial);
    let parts = [
        ("info", (name, description, profile) == (&info.name, &info.description, &info.profile)),
        ("tags", *tags == other.tags),
        ("targets", *targets == other.targets),
        ("local_addresses", *local_addresses == other.local_addresses),
        ("look_ups", *look_ups == other.look_ups),
        ("resumption", tls.without_resumption == other.tls.without_resumption),
        ("roots", tls.roots == other.tls.roots),
        ("insecure", tls.insecure == other.tls.insecure),
        (
            "identity",
            tls.identity.as_ref().map(|pair| &pair.cert)
                == other.tls.identity.as_ref().map(|pair| &pair.cert),
        ),
        ("server_name", tls.server_name == other.tls.server_name),
        ("reports", *reports == other.reports),
        ("keep_alive", *keep_alive == other.keep_alive),
        ("max_values", *max_values == other.max_values),
        ("series", *series == other.series),
        ("ready", *ready == other.ready),
        ("scenarios", *scenarios == other.scenarios),
        ("thresholds", without_places(thresholds) == without_places(&other.thresholds)),
        ("baseline", path(baseline) == path(&other.baseline)),
        ("tolerance", *tolerance == other.tolerance),
        ("names", format!("{names:?}") == format!("{:?}", other.names)),
        ("initial", format!("{initial:?}") == values(other)),
        ("slots", (user, run, repeat) == (&other.user, &other.run, &other.repeat)),
        ("feeds", rows(feeds) == rows(&other.feeds)),
        ("masker", format!("{masker:?}") == format!("{:?}", other.masker)),
    ];
    parts.into_iter().find(|(_, is_same)| !is_same).map(|(name, _)| name)
}

fn path(baseline: &Option<BaselineFile>) -> Option<&Path> {
    baseline.as_ref().map(|file| file.path.as_path())
}

fn without_places(thresholds: &[ScopedThreshold]) -> Vec<ScopedThreshold> {
    let nowhere = Place { file: String::new(), line: 0 };
    thresholds.iter().map(|one| ScopedThreshold { place: nowhere.clone(), ..one.clone() }).collect()
}

/// Feeds with all their rows.
fn rows(feeds: &[FeedUse]) -> Vec<String> {
    let one = |used: &FeedUse| {
        let FeedUse { slot, name, feed, per, order, on_end, must_suffice } = used;
        let rows: Vec<_> = (0..feed.len()).map(|at| feed.row(at).unwrap().to_string()).collect();
        format!("{slot:?} {name} {per:?} {order:?} {on_end:?} {must_suffice} {rows:?}")
    };
    feeds.iter().map(one).collect()
}
