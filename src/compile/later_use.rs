//! Which parts of an answer later steps look at: a request keeps only those, and they are let go of behind the last
//! step that looks at them. Must not change what steps do.

use crate::expect::Needs;

use super::model::{Rounds, Step};

/// The steps of a flow, each request of which keeps what is looked at before the next answer comes.
pub(super) fn arrange(steps: Box<[Step]>) -> Box<[Step]> {
    backwards(steps, Needs::default()).0
}

/// The steps with what their answers keep, and what they look at of the answer before them; `later` is looked at behind
/// them.
fn backwards(steps: Box<[Step]>, later: Needs) -> (Box<[Step]>, Needs) {
    let (mut arranged, mut later) = (vec![], later);
    for step in steps.into_iter().rev() {
        let behind = later;
        let (step, before, own) = one(step, later);
        push_release(&mut arranged, own.without(behind));
        arranged.push(step);
        later = before;
    }
    arranged.reverse();
    (arranged.into(), later)
}

/// A step, what it and those behind it look at of the answer before it, and what of the last answer it may leave in
/// memory.
fn one(step: Step, later: Needs) -> (Step, Needs, Needs) {
    let nothing = Needs::default();
    match step {
        Step::Request(mut request) => {
            request.keep(later);
            (Step::Request(request), nothing, nothing)
        }
        Step::Poll(mut poll) => {
            let own = Needs::of_expression(&poll.until);
            poll.request.keep(own.and(later));
            (Step::Poll(poll), nothing, own)
        }
        Step::Set(values) => {
            let own = values.iter().map(|(_, value)| Needs::of(&value.names()));
            let own = own.fold(nothing, Needs::and);
            (Step::Set(values), own.and(later), own)
        }
        Step::If(test, then, other) => {
            let own = Needs::of_expression(&test);
            let ((then, of_then), (other, of_other)) = (backwards(then, later), backwards(other, later));
            let all = own.and(of_then).and(of_other);
            let (then, other) =
                (released(then, all.without(of_then)), released(other, all.without(of_other)));
            (Step::If(test, then, other), all, nothing)
        }
        Step::Choose(sums, alternatives) => {
            let all: Vec<_> = alternatives.into_iter().map(|steps| backwards(steps, later)).collect();
            let looked_at = all.iter().fold(nothing, |sum, (_, needs)| sum.and(*needs));
            let all = all.into_iter().map(|(steps, needs)| released(steps, looked_at.without(needs)));
            (Step::Choose(sums, all.collect()), looked_at, nothing)
        }
        Step::Group(series, steps) => {
            let (steps, before) = backwards(steps, later);
            (Step::Group(series, steps), before, nothing)
        }
        Step::Repeat(rounds, steps) => repeat(rounds, steps, later),
        other @ (Step::Think(_) | Step::Release(_)) => (other, later, nothing),
    }
}

fn repeat(rounds: Rounds, steps: Box<[Step]>, later: Needs) -> (Step, Needs, Needs) {
    let own = match &rounds {
        Rounds::Times(text) => Needs::of(&text.names()),
        Rounds::While(test) => Needs::of_expression(test),
        Rounds::ForEach(_, list) => Needs::of_expression(list),
    };
    // What is looked at where a round begins: behind the last one, and, for a test, before each.
    let mut at_head = if let Rounds::While(_) = rounds { own.and(later) } else { later };
    loop {
        let (arranged, of_steps) = backwards(steps.clone(), at_head);
        let all = at_head.and(of_steps);
        if all == at_head {
            let before = own.and(at_head);
            let steps = released(arranged, before.without(of_steps));
            return (Step::Repeat(rounds, steps), before, before);
        }
        at_head = all;
    }
}

fn released(steps: Box<[Step]>, parts: Needs) -> Box<[Step]> {
    let mut first = vec![];
    push_release(&mut first, parts);
    first.into_iter().chain(steps).collect()
}

fn push_release(steps: &mut Vec<Step>, parts: Needs) {
    let parts = parts.large();
    if !parts.is_empty() {
        steps.push(Step::Release(parts));
    }
}
