//! Keys of the live view and what a person changed with them: from the one to the engine's commands, from the other to
//! words, and to the result. Must not decide what may be changed.

use std::time::Duration;

use crate::compile::CompiledPlan;
use crate::engine::{ByHand, Change, Command};
use crate::report::live::Key;
use crate::report::model;
use crate::report::number::{moment, plural, span};

/// What a key asks for.
pub fn command(key: Key) -> Command {
    match key {
        Key::End => Command::End,
        Key::More => Command::MoreUsers,
        Key::Fewer => Command::FewerUsers,
        Key::Pause => Command::Pause,
    }
}

/// Keys that do something with this plan.
pub fn offers(plan: &CompiledPlan) -> Vec<Key> {
    let users = plan.has_looping_users().then_some([Key::More, Key::Fewer]);
    let pause = (!plan.is_open()).then_some(Key::Pause);
    [Key::End].into_iter().chain(users.into_iter().flatten()).chain(pause).collect()
}

/// What was just changed, in words.
pub fn told(changed: ByHand) -> String {
    let at = moment(changed.at.as_secs_f64());
    match changed.change {
        Change::Users(0) => format!("{at}: as many users as planned again"),
        Change::Users(more) => format!("{}: {} by hand; the result will say so", at, users(more)),
        Change::Pause(None) => {
            format!(
                "{at}: paused by hand; what has begun ends, nothing new begins, and the plan's time goes on"
            )
        }
        Change::Pause(Some(until)) => {
            format!("{}: goes on after a pause of {}", moment(until.as_secs_f64()), length(changed.at, until))
        }
        Change::End => format!("{at}: ended by hand"),
    }
}

/// In the shape of the result.
pub fn kept(changes: &[ByHand]) -> Vec<model::ByHand> {
    let kept = changes.iter().map(|ByHand { at, change }| {
        let at_s = at.as_secs_f64();
        match *change {
            Change::Users(more) => {
                model::ByHand { at_s, kind: model::ByHandKind::Users, users: Some(more), to_s: None }
            }
            Change::Pause(until) => model::ByHand {
                at_s,
                kind: model::ByHandKind::Pause,
                users: None,
                to_s: until.map(|until| until.as_secs_f64()),
            },
            Change::End => model::ByHand { at_s, kind: model::ByHandKind::End, users: None, to_s: None },
        }
    });
    kept.collect()
}

/// Moments to mark, in words.
pub fn marks(changes: &[ByHand]) -> Vec<(Duration, String)> {
    let mut marks = vec![];
    for ByHand { at, change } in changes {
        match *change {
            Change::Users(0) => marks.push((*at, "users as planned".to_owned())),
            Change::Users(more) => marks.push((*at, format!("{} by hand", users(more)))),
            Change::Pause(until) => {
                marks.push((*at, "paused by hand".to_owned()));
                marks.extend(until.map(|until| (until, "goes on".to_owned())));
            }
            Change::End => marks.push((*at, "ended by hand".to_owned())),
        }
    }
    marks
}

/// How the load was changed, in words; `None` when it was not, only ended perhaps.
pub fn changed(changes: &[ByHand]) -> Option<String> {
    /// Changes told one by one.
    const TOLD: usize = 5;
    let words = |ByHand { at, change }: &ByHand| match *change {
        Change::Users(0) => Some(format!("as planned again from {}", moment(at.as_secs_f64()))),
        Change::Users(more) => Some(format!("{} from {}", users(more), moment(at.as_secs_f64()))),
        Change::Pause(until) => {
            let until = until.unwrap_or(*at);
            Some(format!("paused for {} at {}", length(*at, until), moment(at.as_secs_f64())))
        }
        Change::End => None,
    };
    let mut all: Vec<String> = changes.iter().filter_map(words).collect();
    let more = all.len().saturating_sub(TOLD);
    all.truncate(TOLD);
    if more > 0 {
        all.push(format!("and {}", plural(more as u64, "more change")));
    }
    (!all.is_empty()).then(|| all.join(", "))
}

fn users(more: i64) -> String {
    format!("{more:+} {}", if more.abs() == 1 { "user" } else { "users" })
}

fn length(from: Duration, to: Duration) -> String {
    span(to.saturating_sub(from).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64, change: Change) -> ByHand {
        ByHand { at: Duration::from_secs(s), change }
    }

    #[test]
    fn in_words() {
        let until = |s| Change::Pause(Some(Duration::from_secs(s)));
        let changes =
            [at(3, Change::Users(4)), at(9, Change::Users(-1)), at(20, until(25)), at(30, Change::End)];
        assert_eq!(
            changed(&changes).expect("it was"),
            "+4 users from 3 s, -1 user from 9 s, paused for 5 s at 20 s"
        );
        assert_eq!(changed(&changes[3..]), None);
        assert_eq!(changed(&[]), None);
        let many: Vec<_> = (0..100).map(|s| at(s, Change::Users(1))).collect();
        assert!(changed(&many).expect("it was").ends_with("+1 user from 4 s, and 95 more changes"));
        let marked: Vec<_> = marks(&changes).into_iter().map(|(at, words)| (at.as_secs(), words)).collect();
        let expected = [
            (3, "+4 users by hand"),
            (9, "-1 user by hand"),
            (20, "paused by hand"),
            (25, "goes on"),
            (30, "ended by hand"),
        ];
        assert_eq!(marked, expected.map(|(s, words)| (s, words.to_owned())));
        assert_eq!(told(changes[2]), "25 s: goes on after a pause of 5 s");
        assert_eq!(told(at(4, Change::Users(0))), "4 s: as many users as planned again");
    }
}
