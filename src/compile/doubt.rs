//! What is legal and surely not meant: warnings with codes of their own. Must not refuse anything, and must stay silent
//! where a plan is only being tried out: a profile or flag that shortens the load makes no timeout wrong.

use std::cmp::Ordering;
use std::time::Duration;

use crate::diagnostic::{Diagnostic, Located, Span};
use crate::load::Load;
use crate::plan::model::{self, Entries, Scalar};
use crate::threshold::{Op, Target, Threshold, parse};
use crate::units::format_duration_us;

use super::scenario::Group;
use super::{Compiler, codes};

impl Compiler<'_> {
    /// Doubts about the scenario that is being compiled.
    pub(super) fn doubts(&mut self, load: &Load, graceful_stop: Duration) {
        if self.written.has_errors() {
            return;
        }
        let group = self.group;
        self.doubt_weights(group);
        if let Some(planned) = load.planned().filter(|_| self.is_as_written(group)) {
            self.doubt_times(group, planned, graceful_stop);
        }
        self.doubt_thresholds(group.thresholds);
        self.doubt_thresholds(&self.plan.thresholds);
        let http = self.plan.http.iter().map(|http| &http.headers);
        let headers = http.chain(requests(group).map(|request| &request.headers));
        headers.collect::<Vec<_>>().into_iter().for_each(|headers| self.doubt_headers(headers));
        for request in requests(group).collect::<Vec<_>>() {
            self.doubt_thresholds(&request.thresholds);
            self.doubt_expectations(request.expect.as_ref());
        }
        for (_, flow) in group.flows {
            self.doubt_thresholds(&flow.thresholds);
        }
    }

    fn doubt(
        &mut self,
        code: &'static str,
        at: Span,
        words: String,
        help: &str,
        other: Option<(Span, &str)>,
    ) {
        let doubt = Diagnostic::warning(code, at, words).help(help);
        self.out.push(match other {
            Some((span, words)) => doubt.other(span, words),
            None => doubt,
        });
    }

    /// Whether the load is the one written in the plan itself, or in what it includes.
    fn is_as_written(&self, group: Group<'_>) -> bool {
        let is_flag = |span: Span| self.sources.get(span.file).name.starts_with("--");
        let written = |load: &model::Load| load.duration.as_ref().map_or(load.span, |d| d.span);
        !self.has_profile && group.load.is_some_and(|load| !is_flag(written(load)))
    }

    /// Entries without a weight beside others that have one. `weight: 0` is meant.
    fn doubt_weights(&mut self, group: Group<'_>) {
        let reachable = self.reachable();
        let endpoints = group.endpoints.iter().filter(|(_, e)| e.weight.is_none() && e.thresholds.is_empty());
        let flows = group.flows.iter().filter(|(_, f)| f.weight.is_none() && f.thresholds.is_empty());
        let never = endpoints.map(|(name, _)| name).chain(flows.map(|(name, _)| name));
        for name in never.filter(|name| !reachable.contains(name.value.as_str())).collect::<Vec<_>>() {
            let words = format!("`{}` never runs: others have a weight, and it has none", name.value);
            let help = "give it a `weight`, `use` it in a flow, or write `weight: 0` if that is meant";
            self.doubt(codes::NEVER_RUNS, name.span, words, help, None);
        }
    }

    /// A pause or a time limit beyond the end of the load.
    fn doubt_times(&mut self, group: Group<'_>, planned: Duration, graceful_stop: Duration) {
        if let Some(think) = group.think
            && let model::Pause::Between(range) = think.value
            && range.min >= planned
        {
            let words = format!(
                "this pause is as long as the load of {}, so each user does one iteration",
                shown(planned)
            );
            self.doubt(codes::LONG_PAUSE, think.span, words, "make it shorter, or the load longer", None);
        }
        let end = planned.saturating_add(graceful_stop);
        let default = self.plan.http.iter().filter_map(|http| http.timeout.as_ref());
        let own = requests(group).filter_map(|request| request.timeout.as_ref());
        for timeout in default.chain(own).filter(|timeout| timeout.value > end).collect::<Vec<_>>() {
            let words =
                format!("no request can take so long: load and `graceful_stop` end after {}", shown(end));
            self.doubt(codes::LONG_TIMEOUT, timeout.span, words, "make it shorter, or the load longer", None);
        }
    }

    /// One header in two spellings: only the last is sent.
    fn doubt_headers(&mut self, headers: &Entries<Located<Scalar>>) {
        for (index, (name, _)) in headers.iter().enumerate() {
            let is_it = |other: &&(Located<String>, _)| other.0.value.eq_ignore_ascii_case(&name.value);
            if let Some((first, _)) = headers.iter().take(index).find(is_it) {
                let words = format!("`{}` is the same header, and only this one is sent", first.value);
                let help = "header names do not depend on capitals: remove one of them";
                self.doubt(codes::HEADER_TWICE, name.span, words, help, Some((first.span, "also here")));
            }
        }
    }

    /// Thresholds of one list that another one makes pointless.
    fn doubt_thresholds(&mut self, list: &[model::Threshold]) {
        let all: Vec<_> = list.iter().filter_map(|w| Some((w, parse(&w.that.value).ok()?))).collect();
        for (index, (written, threshold)) in all.iter().enumerate() {
            if threshold.is_below_nothing() {
                let words = "after a baseline in which none failed the limit is 0, and nothing is below it";
                let help = "write `<=` instead of `<`, or `baseline` plus what you would accept";
                self.doubt(codes::BELOW_NOTHING, written.that.span, words.to_owned(), help, None);
            }
            let rest = all.iter().enumerate().filter(|(other, _)| *other != index);
            let stricter = rest
                .filter(|(_, (other, _))| is_like(other, written))
                .find(|(other, (_, t))| implies(t, threshold) && (!implies(threshold, t) || *other < index));
            let Some((_, (other, _))) = stricter else { continue };
            let words = format!("whenever this is missed, `{}` is missed too", other.that.value.trim());
            let help = "remove this one, or give it another `level`, `over` or `abort`";
            let beside = Some((other.that.span, "this one"));
            self.doubt(codes::POINTLESS_THRESHOLD, written.that.span, words, help, beside);
        }
    }

    /// Two statuses that one answer would have to have.
    fn doubt_expectations(&mut self, expect: Option<&model::Expect>) {
        let Some(model::Expect::List(list)) = expect else { return };
        let mut wanted: Option<(u16, Span)> = None;
        for source in list {
            for status in statuses(&source.value) {
                match wanted {
                    Some((first, span)) if first != status => {
                        let words = format!("no answer has the status {first} and {status}");
                        let help =
                            format!("write `expect: {{ status: [{first}, {status}] }}` if either is right");
                        let other = (span != source.span).then_some((span, "the other status"));
                        return self.doubt(codes::NEVER_HOLDS, source.span, words, &help, other);
                    }
                    _ => wanted = Some((status, source.span)),
                }
            }
        }
    }
}

/// Every request a scenario writes itself.
fn requests<'a>(group: Group<'a>) -> impl Iterator<Item = &'a model::Request> {
    let steps = group.flows.iter().flat_map(|(_, flow)| model::Step::all(&flow.steps));
    let steps = steps.filter_map(model::Step::written_request);
    group.endpoints.iter().map(|(_, request)| request).chain(steps)
}

/// Whether two thresholds differ in nothing but what they compare.
fn is_like(a: &model::Threshold, b: &model::Threshold) -> bool {
    let is_abort = |t: &model::Threshold| t.abort.as_ref().is_some_and(|abort| abort.value);
    let level = |t: &model::Threshold| t.level.as_ref().map_or(model::Level::Fail, |level| level.value);
    a.over == b.over
        && a.for_ == b.for_
        && a.tags.by_name() == b.tags.by_name()
        && a.min_samples == b.min_samples
        && is_abort(a) == is_abort(b)
        && level(a) == level(b)
}

/// Whether `b` holds whenever `a` does.
fn implies(a: &Threshold, b: &Threshold) -> bool {
    if a.metric != b.metric {
        return false;
    }
    let order = match (&a.target, &b.target) {
        (Target::Fixed(a), Target::Fixed(b)) => a.partial_cmp(b),
        (Target::Relative(a), Target::Relative(b)) => a.order(b),
        _ => None,
    };
    let is_open = |op: Op| matches!(op, Op::Less | Op::Greater);
    let at_the_same = order == Some(Ordering::Equal) && (is_open(a.op) || !is_open(b.op));
    match (a.op, b.op) {
        (Op::Equal, Op::Equal) => order == Some(Ordering::Equal),
        (Op::Less | Op::LessOrEqual, Op::Less | Op::LessOrEqual) => {
            order == Some(Ordering::Less) || at_the_same
        }
        (Op::Greater | Op::GreaterOrEqual, Op::Greater | Op::GreaterOrEqual) => {
            order == Some(Ordering::Greater) || at_the_same
        }
        _ => false,
    }
}

/// Statuses an expression demands outright: those of `status == 200`, alone or between `and`.
fn statuses(expression: &str) -> Vec<u16> {
    let hides = |word: &str| matches!(word, "or" | "not" | "if" | "else");
    if expression.contains(['(', '"', '\'']) || expression.split_whitespace().any(hides) {
        return vec![];
    }
    let wanted = |part: &str| match part.split_once("==").map(|(a, b)| (a.trim(), b.trim())) {
        Some(("status", number)) | Some((number, "status")) => number.parse().ok(),
        _ => None,
    };
    expression.split(" and ").filter_map(wanted).collect()
}

fn shown(time: Duration) -> String {
    format_duration_us(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stricter_thresholds_imply_looser_ones() {
        for (a, b, expected) in [
            ("p95 < 200ms", "p95 < 500ms", true),
            ("p95 < 500ms", "p95 < 200ms", false),
            ("p95 < 200ms", "p95 <= 200ms", true),
            ("p95 <= 200ms", "p95 < 200ms", false),
            ("rps > 50", "rps >= 20/s", true),
            ("rps > 20", "rps > 50", false),
            ("errors == 0", "errors == 0%", true),
            ("p95 < 200ms", "p99 < 500ms", false),
            ("requests > 5", "requests < 50", false),
            ("p95 < baseline", "p95 < 1.1 * baseline", true),
            ("p95 < 1.1 * baseline", "p95 < baseline + 10ms", false),
            ("p95 < 1.1 * baseline", "p95 <= baseline * 1.1", true),
            ("p95 < 200ms", "p95 < 1.1 * baseline", false),
        ] {
            assert_eq!(implies(&parse(a).unwrap(), &parse(b).unwrap()), expected, "{a} → {b}");
        }
    }

    #[test]
    fn only_plain_demands_are_read() {
        assert_eq!(statuses("status == 200 and json.ok and 201 == status"), [200, 201]);
        for text in
            ["status == 200 or status == 201", "not status == 200", "(status == 200)", "status != 200"]
        {
            assert_eq!(statuses(text), Vec::<u16>::new(), "{text}");
        }
    }
}
