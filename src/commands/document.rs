//! From what the engine saw to the result document: numbers, thresholds, verdict, reason.

mod distribution;
mod generator;
mod lateness;
mod loads;
mod marks;
mod targets;
mod verdict;

pub use generator::strictest_latency_us;
pub use loads::Loads;
pub use marks::bends;
pub use verdict::{Grading, so_far};

use std::collections::BTreeMap;

use super::by_hand;
use crate::compile::model::Scenario;
use crate::compile::{CompiledPlan, DEFAULT_SCENARIO};
use crate::engine::{IntervalRow, IntervalSummary, Outcome, RunOptions, Stopped};
use crate::failure::Failure;
use crate::load::{Load, Process};
use crate::metric::{ArrivalCounts, Checks, Phase, ScenarioCounts, SeriesKind as Kind, SeriesTotal, Totals};
use crate::report::model::{
    Accounting, ArrivalAccounting, CheckCounts, Ended, FORMAT, FailureExample, FailureGroup, Generator, Host,
    Interval, PlanInfo, ResultDocument, RunInfo, ScenarioAccounting, Series, SeriesInterval, SeriesKind,
    Verdict,
};

use distribution::distribution;
use lateness::Lateness;

/// The result of a run.
pub fn document(
    plan: &CompiledPlan,
    options: &RunOptions,
    outcome: &Outcome,
    grading: &Grading,
) -> ResultDocument {
    let loads = Loads::new(plan, &outcome.loads);
    let totals = &outcome.totals;
    let endpoints = endpoints(plan);
    let whole = totals.merged(endpoints.iter().copied());
    let lateness = Lateness::of(outcome);
    let thresholds = verdict::thresholds(plan, outcome, loads, &lateness, grading.allow_invalid);
    let (generator, warnings) = generator::generator(plan, options, outcome, &lateness);
    let accounting = accounting(plan, &whole, totals);
    let sent = verdict::Sent { whole: &whole, in_warmup: accounting.warmup_requests };
    let mut doc = ResultDocument {
        plimsoll: env!("CARGO_PKG_VERSION").to_owned(),
        format: FORMAT,
        plan: PlanInfo {
            name: plan.info.name.clone(),
            file: plan.info.file.clone(),
            description: plan.info.description.clone(),
            sha256: plan.info.sha256.clone(),
            profile: plan.info.profile.clone(),
            effective: plan.info.effective.clone(),
        },
        run: RunInfo {
            id: options.run_id.clone(),
            started_at: outcome
                .started_at
                .round(jiff::Unit::Millisecond)
                .unwrap_or(outcome.started_at)
                .to_string(),
            duration_s: outcome.duration.as_secs_f64(),
            load_s: Some(loads.measured_s()),
            loads: loads.of_result(),
            seed: options.seed,
            model: model(plan).to_owned(),
            ended: match outcome.stopped {
                Stopped::Completed => Ended::Completed,
                Stopped::Aborted(_) => Ended::Aborted,
                Stopped::Interrupted => Ended::Interrupted,
                Stopped::Unfinished => Ended::Unfinished,
                Stopped::Failed(_) | Stopped::Refused(_) => Ended::Failed,
            },
            host: Host {
                cores: std::thread::available_parallelism().map_or(1, usize::from),
                os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            },
            targets: targets::targets(plan, totals),
            marks: marks::marks(plan, outcome),
            by_hand: by_hand::kept(&outcome.by_hand),
        },
        // Not judged yet.
        verdict: Verdict::NoData,
        reason: String::new(),
        exit_code: 0,
        thresholds,
        baseline: None,
        accounting,
        totals: Series {
            tags: tags(plan, &plan.tags),
            ..series_row("Aggregated", SeriesKind::Total, None, DEFAULT_SCENARIO, &whole, loads.measured_s())
        },
        series: rows(plan, totals, false, loads),
        warmup: rows(plan, totals, true, loads),
        failures: failures(plan, totals),
        timeline: outcome.timeline.iter().map(|second| interval(plan, second, &generator)).collect(),
        notes: vec![],
        generator,
    };
    if let Some(baseline) = &grading.baseline {
        let ended_by = match outcome.stopped {
            Stopped::Aborted(broken) => Some(broken.threshold),
            _ => None,
        };
        baseline.settle(&mut doc, ended_by);
    }
    let judged = verdict::judge(outcome, &doc.thresholds, &doc.generator, sent, grading);
    let notes = verdict::notes(plan, outcome, &judged).into_iter().chain(targets::notes(plan, totals));
    let notes = notes.chain(warnings);
    doc.notes.splice(0..0, notes);
    ResultDocument { verdict: judged.verdict, reason: judged.reason, exit_code: judged.exit as u8, ..doc }
}

/// Rows that make up the totals.
fn endpoints(plan: &CompiledPlan) -> Vec<usize> {
    (0..plan.series.len()).filter(|index| plan.series[*index].kind == Kind::Endpoint).collect()
}

/// The model of all scenarios, when they share one.
pub fn model(plan: &CompiledPlan) -> &'static str {
    let of = |load: &Load| match load.arrivals().map(|arrivals| arrivals.process) {
        None => "closed",
        Some(Process::Constant) => "open-constant",
        Some(Process::Poisson) => "open-poisson",
    };
    let mut models = plan.scenarios.iter().map(|scenario| of(&scenario.load));
    let first = models.next().unwrap_or("closed");
    if models.all(|model| model == first) { first } else { "mixed" }
}

fn accounting(plan: &CompiledPlan, whole: &SeriesTotal, totals: &Totals) -> Accounting {
    let started = whole.requests();
    let mut arrivals = ArrivalCounts::default();
    totals.scenarios.iter().for_each(|counts| arrivals.add(&counts.arrivals));
    let ArrivalCounts { dropped, not_started, .. } = arrivals;
    let of_warmup = plan.series.iter().zip(&totals.series).filter(|(row, _)| {
        row.measured.is_some_and(|measured| plan.series[measured.0 as usize].kind == Kind::Endpoint)
    });
    Accounting {
        // In a closed model, and after an iteration's first request, a request is due when its user is ready for it.
        scheduled: started + dropped + not_started,
        started,
        dropped,
        not_started,
        ok: whole.ok.count(),
        failed: whole.failed.count(),
        interrupted: whole.interrupted.count(),
        iterations: totals.iterations(),
        warmup_requests: of_warmup.map(|(_, total)| total.requests()).sum(),
        resent: totals.resent,
        arrivals: plan.is_open().then(|| arrival_accounting(&arrivals)),
        scenarios: by_scenario(plan, totals),
    }
}

fn arrival_accounting(counts: &ArrivalCounts) -> ArrivalAccounting {
    let ArrivalCounts { due, started, dropped, not_started, without_rows } = *counts;
    ArrivalAccounting { scheduled: due, started, dropped, not_started, without_rows }
}

/// Nothing for a plan of one scenario: the whole says it.
fn by_scenario(plan: &CompiledPlan, totals: &Totals) -> BTreeMap<String, ScenarioAccounting> {
    let several = plan.scenarios.len() > 1;
    let all = plan.scenarios.iter().zip(&totals.scenarios).filter(|_| several);
    let one = |(scenario, counts): (&Scenario, &ScenarioCounts)| {
        let arrivals = scenario.load.arrivals().map(|_| arrival_accounting(&counts.arrivals));
        (scenario.name.clone(), ScenarioAccounting { iterations: counts.iterations, arrivals })
    };
    all.map(one).collect()
}

/// The rows: those that are measured, or those of the warm-up.
fn rows(plan: &CompiledPlan, totals: &Totals, warmup: bool, loads: Loads<'_>) -> Vec<Series> {
    let wanted = plan.series.iter().zip(&totals.series).filter(|(info, _)| info.measured.is_some() == warmup);
    let all = wanted.map(|(info, total)| {
        let measured = info.measured.map_or(info, |row| &plan.series[row.0 as usize]);
        let kind = match measured.kind {
            // A row of a warm-up never belongs to another.
            Kind::Endpoint | Kind::WarmUp => SeriesKind::Endpoint,
            Kind::Auth => SeriesKind::Auth,
            Kind::Ready => SeriesKind::Ready,
            Kind::Flow => SeriesKind::Flow,
        };
        let method = info.method.as_ref().map(ToString::to_string);
        let scenario = &plan.scenarios[info.scenario].name;
        let row = series_row(&info.name, kind, method, scenario, total, loads.of_row(info));
        Series { tags: tags(plan, &info.tags), ..row }
    });
    all.collect()
}

fn tags(plan: &CompiledPlan, tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    tags.iter().map(|(name, value)| (name.clone(), plan.masker.mask(value).into_owned())).collect()
}

fn series_row(
    name: &str,
    kind: SeriesKind,
    method: Option<String>,
    scenario: &str,
    total: &SeriesTotal,
    load_s: f64,
) -> Series {
    let (requests, failures) = (total.requests(), total.failures());
    let per_s = |count: u64| if load_s > 0.0 { count as f64 / load_s } else { 0.0 };
    let phase = |phase: Phase| total.phases[phase as usize].as_deref().and_then(distribution);
    let mut failure_kinds: BTreeMap<_, _> = Failure::ALL
        .iter()
        .map(|kind| (kind.name().to_owned(), total.failures[*kind as usize]))
        .filter(|(_, count)| *count > 0)
        .collect();
    let interrupted = total.interrupted.count() + total.unsent.interrupted;
    if interrupted > 0 {
        failure_kinds.insert("interrupted".into(), interrupted);
    }
    Series {
        name: name.to_owned(),
        kind,
        scenario: scenario.to_owned(),
        method,
        tags: BTreeMap::new(),
        requests,
        runs_without_requests: total.unsent.count(),
        failures,
        error_ratio: (requests > 0).then(|| failures as f64 / requests as f64),
        rps: per_s(total.begun_in_load()),
        failures_per_s: per_s(total.failed_in_load()),
        begun_in_drain: total.drain.begun,
        bytes_in: total.bytes_in,
        bytes_out: total.bytes_out,
        new_connections: total.new_connections,
        latency_us: distribution(&total.latency()),
        latency_ok_us: distribution(&total.ok),
        service_us: phase(Phase::Service),
        wait_us: phase(Phase::Wait),
        dns_us: phase(Phase::Dns),
        connect_us: phase(Phase::Connect),
        tls_us: phase(Phase::Tls),
        send_us: phase(Phase::Send),
        ttfb_us: phase(Phase::Ttfb),
        receive_us: phase(Phase::Receive),
        status: total.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect(),
        failure_kinds,
        checks: (total.checks != Checks::default())
            .then_some(CheckCounts { held: total.checks.held, failed: total.checks.failed }),
    }
}

fn failures(plan: &CompiledPlan, totals: &Totals) -> Vec<FailureGroup> {
    let mut groups = vec![];
    for (info, total) in plan.series.iter().zip(&totals.series) {
        groups.extend(total.texts.iter().map(|text| {
            FailureGroup {
                series: if info.measured.is_some() {
                    format!("{} (warm-up)", info.name)
                } else {
                    info.name.clone()
                },
                kind: text.kind.name().to_owned(),
                count: text.count,
                message: text.text.as_ref().map_or("other messages".into(), |t| t.message.clone()),
                first_s: text.first_us as f64 / 1e6,
                last_s: text.last_us as f64 / 1e6,
                example: text
                    .text
                    .as_ref()
                    .map(|t| FailureExample { request: t.request.clone(), response: t.response.clone() }),
            }
        }));
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

fn interval(plan: &CompiledPlan, second: &IntervalSummary, generator: &Generator) -> Interval {
    let some = |us: u64| (second.total.requests > 0).then_some(us);
    let row = |(index, row): &(usize, IntervalRow)| {
        let values = SeriesInterval {
            requests: row.requests,
            failures: row.failures,
            p50_us: row.p50_us,
            p95_us: row.p95_us,
            p99_us: row.p99_us,
            in_drain: row.in_drain,
            failures_in_drain: row.failures_in_drain,
        };
        (&plan.series[*index].name, values)
    };
    Interval {
        at_s: second.at_s,
        users: second.users,
        load_s: (second.load_s < 1.0).then_some(second.load_s),
        offered_rps: second.offered_rate(),
        rps: second.rate(),
        requests: Some(second.total.requests),
        failures: second.total.failures,
        in_drain: second.total.in_drain,
        failures_in_drain: second.total.failures_in_drain,
        p50_us: some(second.total.p50_us),
        p95_us: some(second.total.p95_us),
        p99_us: some(second.total.p99_us),
        pacing_p99_us: second.pace.pacing_p99_us,
        lag_max_us: second.pace.lag_max_us,
        invalid: generator::is_invalid(generator, second.at_s),
        per_series: second.rows.iter().map(row).collect(),
    }
}
