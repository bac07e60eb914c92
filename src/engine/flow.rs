//! The steps of a flow, one after the other up to the first that fails. What they wait for and look at; requests are
//! sent by [`super::send`].

use std::time::Instant;

use minijinja::Value;
use minijinja::value::ValueKind;

use crate::compile::model::{Poll, Rounds, Step};
use crate::expect::Unreadable;
use crate::failure::Failure;
use crate::metric::{Described, Outcome, SeriesId};
use crate::template::{EvalError, Expr, JsonText, RESPONSE_NAMES, SlotId, with_rng};
use crate::units::format_duration_us;

use super::in_flight::RunInFlight;
use super::stop::Level;
use super::user::{NOTHING_SENT, User, pick_by_weight};

/// How steps ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All ran.
    Done,
    /// One failed; the others did not run.
    Failed(Failure),
    /// The run ended in between.
    Stopped,
}

/// The kind of failure that an expression over the last answer has.
fn kind_of(error: &EvalError) -> Failure {
    match error {
        EvalError::TooLarge(_) => Failure::BodyTooLarge,
        EvalError::NotJson(_) | EvalError::Undefined(_) | EvalError::Other { .. } => Failure::Template,
    }
}

impl User {
    /// Runs steps as a row of their own: a flow, or a group in one.
    /// `started` is when it was due, `begun` when it began.
    pub(super) async fn timed(
        &mut self,
        series: SeriesId,
        steps: &[Step],
        started: Instant,
        begun: Instant,
    ) -> Ended {
        let series = self.row(series, started);
        // Dropped as it is, it is interrupted.
        let running = RunInFlight::new(self.local.clone(), series, started, begun, &self.attempts);
        let ended = self.steps(series, steps).await;
        self.end_of_row(running, ended);
        ended
    }

    fn end_of_row(&self, running: RunInFlight, ended: Ended) {
        match ended {
            Ended::Done => running.end(Outcome::Ok),
            Ended::Failed(failure) => running.end(Outcome::Failed(failure)),
            // The data ended before it could send anything: that is how the plan ends, and cuts nothing off.
            Ended::Stopped if self.is_out_of_rows && !running.has_sent() => running.forget(),
            Ended::Stopped => running.end(Outcome::Interrupted),
        }
    }

    /// Runs steps of the row `series` up to the first that fails.
    async fn steps(&mut self, series: SeriesId, steps: &[Step]) -> Ended {
        for step in steps {
            if self.stop.level() >= Level::AfterRequest {
                return Ended::Stopped;
            }
            let ended = match step {
                Step::Request(request) => match self.send(request, Instant::now()).await {
                    Ok(()) => Ended::Done,
                    Err(_) if self.is_out_of_rows => Ended::Stopped,
                    Err(failure) => Ended::Failed(failure),
                },
                Step::Think(pause) => match self.think(*pause, Level::AfterRequest).await {
                    true => Ended::Done,
                    false => Ended::Stopped,
                },
                Step::Release(parts) => {
                    parts.release(&self.scope);
                    Ended::Done
                }
                Step::Set(values) => self.set(series, values),
                // In a box: their futures hold steps themselves.
                Step::If(test, then, other) => match self.holds(series, test) {
                    Ok(holds) => Box::pin(self.steps(series, if holds { then } else { other })).await,
                    Err(ended) => ended,
                },
                Step::Repeat(rounds, steps) => Box::pin(self.repeat(series, rounds, steps)).await,
                Step::Poll(poll) => Box::pin(self.poll(poll)).await,
                Step::Group(series, steps) => {
                    let now = Instant::now();
                    Box::pin(self.timed(*series, steps, now, now)).await
                }
                Step::Choose(sums, alternatives) => {
                    match alternatives.get(pick_by_weight(sums, &mut self.rng)) {
                        Some(steps) => Box::pin(self.steps(series, steps)).await,
                        None => Ended::Done,
                    }
                }
            };
            if ended != Ended::Done {
                return ended;
            }
        }
        Ended::Done
    }

    fn set(&mut self, series: SeriesId, values: &[(SlotId, JsonText)]) -> Ended {
        for (slot, value) in values {
            let (rng, scope) = (&mut self.rng, &self.scope);
            match with_rng(rng, || value.value(scope)) {
                Ok(value) => {
                    let name = self.local.shared.plan.names.name_of(*slot).unwrap_or_default().into();
                    if let Err(Unreadable::TooLarge(words) | Unreadable::Decode(words)) =
                        self.remember(&name, Some(*slot), value)
                    {
                        return self.step_failed(series, Failure::BodyTooLarge, &words);
                    }
                }
                Err(error) => return self.step_failed(series, Failure::Template, &error.to_string()),
            }
        }
        Ended::Done
    }

    /// Whether an expression holds now; how the steps ended when that cannot be said. One over something that the answer
    /// does not have does not hold.
    fn holds(&mut self, series: SeriesId, test: &Expr) -> Result<bool, Ended> {
        match self.value_of(test) {
            Ok(value) => Ok(value.is_true()),
            Err(EvalError::Undefined(name)) if self.is_of_last_answer(&name) => Ok(false),
            Err(error) => Err(self.step_failed(series, kind_of(&error), &error.to_string())),
        }
    }

    /// Whether what is missing is a part of an answer that is there.
    fn is_of_last_answer(&self, name: &str) -> bool {
        let root = name.split(['.', '[', ' ', '|']).next().unwrap_or_default();
        RESPONSE_NAMES.contains(&root) && self.scope.by_name(root).is_some_and(|value| !value.is_undefined())
    }

    fn value_of(&mut self, expr: &Expr) -> Result<Value, EvalError> {
        let (rng, scope) = (&mut self.rng, &self.scope);
        with_rng(rng, || expr.eval(scope))
    }

    async fn repeat(&mut self, series: SeriesId, rounds: &Rounds, steps: &[Step]) -> Ended {
        let slot = self.local.shared.plan.repeat;
        let outside = self.scope.get(slot);
        let ended = match self.entries_of(series, rounds) {
            Ok(entries) => self.all_rounds(series, rounds, entries, steps).await,
            Err(ended) => ended,
        };
        self.scope.set(slot, outside);
        ended
    }

    /// How many rounds there are at most, and what each is about.
    fn entries_of(&mut self, series: SeriesId, rounds: &Rounds) -> Result<(u64, Vec<Value>), Ended> {
        let failed = |user: &Self, words: String| Err(user.step_failed(series, Failure::Template, &words));
        match rounds {
            Rounds::While(_) => Ok((u64::MAX, vec![])),
            Rounds::Times(text) => {
                let (rng, scope) = (&mut self.rng, &self.scope);
                match with_rng(rng, || text.render(scope)) {
                    Ok(times) => match times.trim().parse() {
                        Ok(times) => Ok((times, vec![])),
                        Err(_) => failed(self, format!("`times` is `{times}`, not a whole number")),
                    },
                    Err(error) => failed(self, error.to_string()),
                }
            }
            Rounds::ForEach(_, list) => match self.value_of(list) {
                Ok(value)
                    if [ValueKind::Seq, ValueKind::Iterable, ValueKind::Map].contains(&value.kind()) =>
                {
                    let entries: Vec<_> = value.try_iter().into_iter().flatten().collect();
                    Ok((entries.len() as u64, entries))
                }
                Ok(value) => failed(self, format!("`{}` is {}, not a list", list.source(), value.kind())),
                Err(error) => failed(self, error.to_string()),
            },
        }
    }

    async fn all_rounds(
        &mut self,
        series: SeriesId,
        rounds: &Rounds,
        (most, entries): (u64, Vec<Value>),
        steps: &[Step],
    ) -> Ended {
        let mut entries = entries.into_iter();
        for index in 0..most {
            if self.stop.level() >= Level::AfterRequest {
                return Ended::Stopped;
            }
            let slot = self.local.shared.plan.repeat;
            self.scope.set(slot, Value::from_pairs([("index", index)]));
            match rounds {
                Rounds::Times(_) => {}
                Rounds::While(test) => match self.holds(series, test) {
                    Ok(true) => {}
                    Ok(false) => return Ended::Done,
                    Err(ended) => return ended,
                },
                Rounds::ForEach(slot, _) => self.scope.set(*slot, entries.next().unwrap_or_default()),
            }
            let sent_before = std::mem::take(&mut self.has_sent);
            let ended = Box::pin(self.steps(series, steps)).await;
            let sent = self.has_sent;
            self.has_sent |= sent_before;
            if ended != Ended::Done {
                return ended;
            }
            // A turn of the thread is bounded; and what waits for something nobody sends must not take the machine.
            tokio::task::coop::consume_budget().await;
            if !sent
                && matches!(rounds, Rounds::While(_))
                && !self.pause_until(Instant::now() + NOTHING_SENT, Level::AfterRequest).await
            {
                return Ended::Stopped;
            }
        }
        Ended::Done
    }

    async fn poll(&mut self, poll: &Poll) -> Ended {
        let started = Instant::now();
        let series = self.row(poll.series, started);
        let running = RunInFlight::new(self.local.clone(), series, started, started, &self.attempts);
        let ended = self.poll_until(poll, series, started + poll.timeout).await;
        self.end_of_row(running, ended);
        ended
    }

    async fn poll_until(&mut self, poll: &Poll, series: SeriesId, give_up: Instant) -> Ended {
        loop {
            if let Err(failure) = self.send(&poll.request, Instant::now()).await {
                return if self.is_out_of_rows { Ended::Stopped } else { Ended::Failed(failure) };
            }
            match self.value_of(&poll.until) {
                Ok(value) if value.is_true() => return Ended::Done,
                // Not there yet.
                Ok(_) | Err(EvalError::Undefined(_) | EvalError::NotJson(_)) => {}
                Err(error) => return self.step_failed(series, kind_of(&error), &error.to_string()),
            }
            // The next answer is another one.
            poll.request.kept.release(&self.scope);
            let next = Instant::now() + poll.every;
            if next >= give_up {
                let within = format_duration_us(poll.timeout.as_micros().try_into().unwrap_or(u64::MAX));
                let words = format!("until {} — not within {within}", poll.until.source());
                return self.step_failed(series, Failure::Expect, &words);
            }
            if self.stop.level() >= Level::AfterRequest || !self.pause_until(next, Level::AfterRequest).await
            {
                return Ended::Stopped;
            }
        }
    }

    /// A step that is no request failed; says so in the row it belongs to.
    fn step_failed(&self, series: SeriesId, kind: Failure, words: &str) -> Ended {
        let local = &self.local;
        let failure = Described { series, kind, at_us: local.at_us(), words };
        let message = || self.hide_message(words);
        let example = || ("a step that sends nothing".to_owned(), None);
        local.recorder.borrow_mut().describe(failure, message, example);
        self.trace_problem(series, kind, words);
        Ended::Failed(kind)
    }
}
