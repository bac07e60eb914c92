//! The steps of a flow, compiled. Must not know how they run.

use std::time::Duration;

use crate::expect::Needs;
use crate::load::Pause;
use crate::metric::SeriesId;
use crate::template::{Expr, JsonText, SlotId, Text};

use super::Request;

/// A step of a flow.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Sends a request.
    Request(Box<Request>),
    /// Pauses.
    Think(Pause),
    /// Lets go of parts of the last answer that no later step looks at.
    Release(Needs),
    /// Gives names values.
    Set(Box<[(SlotId, JsonText)]>),
    /// Runs the first steps when the expression holds, else the others.
    If(Expr, Box<[Step]>, Box<[Step]>),
    /// Runs steps several times.
    Repeat(Rounds, Box<[Step]>),
    /// Sends a request until its answer is what one waits for.
    Poll(Box<Poll>),
    /// Steps with a row of their own.
    Group(SeriesId, Box<[Step]>),
    /// One of these, by the running sums of their weights.
    Choose(Box<[f64]>, Box<[Box<[Step]>]>),
}

/// How often steps are repeated.
#[derive(Debug, Clone, PartialEq)]
pub enum Rounds {
    /// So many times; renders to a number.
    Times(Text),
    /// As long as this holds.
    While(Expr),
    /// Once for each entry of this list, which is put into the slot.
    ForEach(SlotId, Expr),
}

/// A request sent until its answer is what one waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// Row of the whole wait.
    pub series: SeriesId,
    /// What is sent.
    pub request: Request,
    /// Pause between an answer and the next request.
    pub every: Duration,
    /// Ends the wait.
    pub until: Expr,
    /// After it no request begins.
    pub timeout: Duration,
}

impl Step {
    /// The requests in these steps, at any depth.
    pub fn requests(steps: &[Self]) -> Vec<&Request> {
        let mut found = vec![];
        for step in steps {
            match step {
                Self::Request(request) => found.push(&**request),
                Self::Poll(poll) => found.push(&poll.request),
                Self::Think(_) | Self::Set(_) | Self::Release(_) => {}
                Self::Repeat(_, inner) | Self::Group(_, inner) => found.extend(Self::requests(inner)),
                Self::If(_, inner, other) => {
                    found.extend(Self::requests(inner).into_iter().chain(Self::requests(other)));
                }
                Self::Choose(_, all) => all.iter().for_each(|inner| found.extend(Self::requests(inner))),
            }
        }
        found
    }
}

impl Request {
    /// Has it keep these parts of its answer for later steps.
    pub(in crate::compile) fn keep(&mut self, parts: Needs) {
        self.kept = self.kept.and(parts);
        self.needs = self.needs.and(parts);
    }
}
