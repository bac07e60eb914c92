//! The page that lists the runs of a plan: verdicts, trends, what changed. Must not contain markup.

use serde::Serialize;

use super::plot::{self, Line, Plot, Scale, Tick, Vertical, across};
use crate::report::brief::Brief;
use crate::report::folder::{KeptRun, PAGE, RESULT, Runs};
use crate::report::model::{Ended, Verdict};
use crate::report::number::{self, plural, seconds, span};
use crate::report::text::{clean, cut};
use crate::report::verdict;

/// Letters of a plan's hash that are shown.
const HASH: usize = 8;
/// Most marks below a chart.
const MOST_MARKS: usize = 5;
/// Most folders named that could not be read.
const MOST_SKIPPED: usize = 10;

#[derive(Serialize)]
pub(super) struct IndexPage {
    title: String,
    summary: String,
    latest: Option<Latest>,
    plots: Vec<Plot>,
    /// Of which runs the charts are.
    trends: String,
    runs: Vec<RunView>,
    older: String,
    skipped: Vec<String>,
    plimsoll: &'static str,
}

/// The newest run.
#[derive(Serialize)]
struct Latest {
    class: &'static str,
    mark: &'static str,
    word: &'static str,
    when: String,
    reason: String,
    exit_code: u8,
}

#[derive(Serialize)]
struct RunView {
    /// What its name leads to; empty when there is no page.
    link: String,
    data: String,
    when: String,
    class: &'static str,
    mark: &'static str,
    word: &'static str,
    reason: String,
    p95: String,
    failed: String,
    rps: String,
    requests: String,
    duration: String,
    plan: String,
    /// Whether the plan's text is another than that of the run before.
    has_changed: bool,
    profile: String,
}

/// The page of `runs`, but for the hash.
pub(super) fn page(runs: &Runs) -> IndexPage {
    let newest = runs.runs.first();
    let shown = runs.runs.len() as u64;
    let skipped = runs.skipped.iter().take(MOST_SKIPPED);
    let mut skipped: Vec<String> = skipped.map(|(name, why)| format!("{name}: {why}")).collect();
    if let Some(more) = runs.skipped.len().checked_sub(MOST_SKIPPED).filter(|more| *more > 0) {
        skipped.push(format!("{more} more"));
    }
    let (plots, trends) = trends(&runs.runs);
    IndexPage {
        title: newest.map_or_else(|| "Runs".to_owned(), |run| run.brief.plan.name.clone()),
        summary: format!("{}, the newest first. Times are UTC.", plural(shown, "run")),
        latest: newest.map(latest),
        plots,
        trends,
        runs: views(&runs.runs),
        older: match runs.older {
            0 => String::new(),
            n => format!("{} in this folder are older and not shown.", plural(n as u64, "run")),
        },
        skipped,
        plimsoll: env!("CARGO_PKG_VERSION"),
    }
}

fn latest(run: &KeptRun) -> Latest {
    let Brief { verdict, reason, exit_code, .. } = &run.brief;
    Latest {
        class: verdict::class(*verdict),
        mark: verdict::mark(*verdict),
        word: word(&run.brief),
        when: format!("the latest run, {}", when(run)),
        reason: reason.clone(),
        exit_code: *exit_code,
    }
}

fn word(brief: &Brief) -> &'static str {
    match brief.run.ended {
        Ended::Unfinished => "UNFINISHED",
        _ => verdict::word(brief.verdict),
    }
}

/// When it began, by its folder: `2026-03-02 10:15:01`, and a number where several began in that second.
fn when(run: &KeptRun) -> String {
    let (day, time) = run.folder.split_once('T').unwrap_or((&run.folder, ""));
    let (time, number) = time.split_once('Z').unwrap_or((time, ""));
    let number = number.trim_start_matches('-');
    let number = if number.is_empty() { String::new() } else { format!(" ({number})") };
    format!("{day} {}{number}", time.replace('-', ":"))
}

fn views(runs: &[KeptRun]) -> Vec<RunView> {
    let befores = runs.iter().skip(1).map(Some).chain([None]);
    let view = |(run, before): (&KeptRun, Option<&KeptRun>)| {
        let brief = &run.brief;
        let totals = &brief.totals;
        RunView {
            link: if run.has_page { format!("{}/{PAGE}", run.folder) } else { String::new() },
            data: if brief.run.ended == Ended::Unfinished {
                String::new()
            } else {
                format!("{}/{RESULT}", run.folder)
            },
            when: when(run),
            class: verdict::class(brief.verdict),
            mark: verdict::mark(brief.verdict),
            word: word(brief),
            reason: brief.reason.clone(),
            p95: p95(brief).map_or_else(|| number::NONE.to_owned(), |us| seconds(us / 1e6)),
            failed: failed(brief)
                .map_or_else(|| number::NONE.to_owned(), |share| number::value(share, "ratio")),
            rps: number::rate(totals.rps),
            requests: totals.requests.to_string(),
            duration: span(brief.run.duration_s),
            plan: brief.plan.sha256.chars().take(HASH).collect(),
            has_changed: before.is_some_and(|before| before.brief.plan.sha256 != brief.plan.sha256),
            profile: brief.plan.profile.as_deref().map(|name| cut(&clean(name), 40)).unwrap_or_default(),
        }
    };
    runs.iter().zip(befores).map(view).collect()
}

fn p95(brief: &Brief) -> Option<f64> {
    brief.totals.latency_us.as_ref().map(|latency| latency.p95 as f64)
}

fn failed(brief: &Brief) -> Option<f64> {
    brief.totals.error_ratio.filter(|share| share.is_finite() && *share >= 0.0)
}

fn rps(brief: &Brief) -> Option<f64> {
    let has_some = brief.totals.requests > 0;
    Some(brief.totals.rps).filter(|rate| has_some && rate.is_finite() && *rate >= 0.0)
}

/// Whether a run's numbers say something about the target.
fn counts(brief: &Brief) -> bool {
    brief.verdict != Verdict::Invalid && brief.run.ended != Ended::Unfinished
}

/// The charts, of the runs with the newest one's profile, and which runs those are.
fn trends(runs: &[KeptRun]) -> (Vec<Plot>, String) {
    let Some(newest) = runs.first() else { return (vec![], String::new()) };
    let profile = &newest.brief.plan.profile;
    let mut alike: Vec<&KeptRun> = runs.iter().filter(|run| run.brief.plan.profile == *profile).collect();
    alike.reverse(); // time goes to the right
    let plots = [
        draw("p95", "p95 latency", &alike, p95, Scale::time),
        draw(
            "failed",
            "Failed requests",
            &alike,
            |brief| failed(brief).map(|share| share * 100.0),
            |_| Scale::plain("%"),
        ),
        draw("rps", "Requests a second", &alike, rps, |_| Scale::plain("/s")),
    ];
    let mut words =
        "All endpoints together, a dot for each run. Invalid, unfinished and empty runs leave a gap"
            .to_owned();
    if alike.len() < runs.len() {
        words += &match profile {
            Some(name) => format!("; only runs with the profile {}", cut(&clean(name), 40)),
            None => "; only runs without a profile".to_owned(),
        };
    }
    (plots.into_iter().flatten().collect(), words + ".")
}

/// Dots of one colour.
struct Dots {
    class: &'static str,
    label: &'static str,
    of: fn(Verdict) -> bool,
}

const DOTS: [Dots; 4] = [
    Dots { class: "c4 dots", label: "pass", of: |verdict| verdict == Verdict::Pass },
    Dots { class: "c2 dots", label: "warn", of: |verdict| verdict == Verdict::Warn },
    Dots {
        class: "bad dots",
        label: "fail",
        of: |verdict| matches!(verdict, Verdict::Fail | Verdict::NoData),
    },
    Dots { class: "c3 dots", label: "interrupted", of: |verdict| verdict == Verdict::Interrupted },
];

/// One value over the runs, the oldest first; `None` when no run has it.
fn draw(
    id: &str,
    title: &'static str,
    runs: &[&KeptRun],
    pick: fn(&Brief) -> Option<f64>,
    scale: fn(f64) -> Scale,
) -> Option<Plot> {
    let values: Vec<Option<f64>> =
        runs.iter().map(|run| pick(&run.brief).filter(|_| counts(&run.brief))).collect();
    let newest = values.iter().rev().flatten().next().copied()?;
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let scale = scale(most);
    let axis = Vertical::to(most, scale);
    // A run by itself stands in the middle.
    let place_of = |at: usize| match runs.len() {
        1 => across(0.5),
        count => across(at as f64 / (count - 1) as f64),
    };
    let places: Vec<_> =
        values.iter().enumerate().map(|(at, value)| value.map(|v| (place_of(at), axis.place(v)))).collect();
    let mut lines =
        vec![Line { class: "c1", label: title.to_owned(), d: plot::path(places.iter().copied()) }];
    for dots in DOTS {
        // A gap after each, so that each is a dot.
        let of = |(place, run): (&Option<(f64, f64)>, &&KeptRun)| {
            [place.filter(|_| (dots.of)(run.brief.verdict)), None]
        };
        let d = plot::path(places.iter().zip(runs).flat_map(of));
        if !d.is_empty() {
            lines.push(Line { class: dots.class, label: dots.label.to_owned(), d });
        }
    }
    // Of a folder's name: month and day; hour and minute where all runs are of one day.
    let day = |run: &&KeptRun| run.folder.get(..10).map(str::to_owned);
    let is_one_day = runs.len() > 1 && runs.iter().all(|run| day(run) == day(&runs[0]));
    let when = |folder: &str| match is_one_day {
        true => folder.get(11..16).unwrap_or_default().replace('-', ":"),
        false => folder.get(5..10).unwrap_or_default().to_owned(),
    };
    let said = plot::range(values.iter().flatten().copied(), scale);
    Some(Plot {
        id: id.to_owned(),
        title,
        about: String::new(),
        description: format!(
            "{said} over {}; the newest {}",
            plural(runs.len() as u64, "run"),
            scale.words(newest)
        ),
        unit: scale.unit,
        y_ticks: axis.ticks(),
        x_ticks: marks(runs.len())
            .map(|at| Tick { at: place_of(at), label: when(&runs[at].folder) })
            .collect(),
        lines,
        limits: vec![],
        goals: vec![],
        shades: vec![],
        moments: vec![],
        caption: String::new(),
        zoom: None,
    })
}

/// Which of `count` runs have a mark: evenly spread, the first and the last among them.
fn marks(count: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(MOST_MARKS);
    (0..shown).map(move |n| match shown {
        1 => 0,
        _ => n * (count - 1) / (shown - 1),
    })
}

#[cfg(test)]
mod tests;
