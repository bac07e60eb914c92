//! What a person changes while the run goes on: an early end, more or fewer users, a pause. Decides what may be changed,
//! and remembers what was, because the numbers are then not those of the plan alone. Must not read a clock or know keys.
//!
//! Arrivals of an open load have moments of their own (`docs/guide/numbers.md`): more users do not change their rate, and
//! a pause would not stop them from being due. So neither is offered there.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::compile::model::{CompiledPlan, Scenario};
use crate::load::Load;

use super::preflight;

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// End as after the first signal: running requests may end.
    End,
    /// More users: in each group a tenth of its most, one at least.
    MoreUsers,
    /// As many fewer.
    FewerUsers,
    /// Begin no iterations; or go on again.
    Pause,
}

/// What was changed, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByHand {
    /// Since the start of the load.
    pub at: Duration,
    /// What.
    pub change: Change,
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// From then on so many users more than the plan wants, or fewer.
    Users(i64),
    /// No iterations began until then, since the start of the load; `None` while it lasts.
    Pause(Option<Duration>),
    /// The run was ended.
    End,
}

/// Changes that are kept; more of them are not made.
const MOST: usize = 1000;
/// Changes of users so close together are one: a key that is held down.
const TOGETHER: Duration = Duration::from_millis(500);

/// Where wishes come from.
#[derive(Debug)]
pub struct Commands(Option<UnboundedReceiver<Command>>);

impl Commands {
    /// A way to send them, and where they arrive.
    pub fn channel() -> (UnboundedSender<Command>, Self) {
        let (send, receive) = unbounded_channel();
        (send, Self(Some(receive)))
    }

    /// None, ever.
    pub fn none() -> Self {
        Self(None)
    }

    /// Waits for the next.
    pub(super) async fn next(&mut self) -> Command {
        loop {
            match &mut self.0 {
                None => std::future::pending().await,
                Some(commands) => match commands.recv().await {
                    Some(command) => return command,
                    None => self.0 = None,
                },
            }
        }
    }
}

/// What holds now, for all workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hand {
    /// How often there were to be more users, less how often fewer.
    steps: i32,
    /// Whether no iterations begin.
    pub paused: bool,
}

impl Hand {
    /// Users wanted at `at` after the scenario's start.
    pub(super) fn target(self, load: &Load, at: Duration) -> u32 {
        moved(load.target(at), self.more(load))
    }

    /// The most users there may be at once.
    fn peak(self, load: &Load) -> u32 {
        moved(load.peak(), self.more(load))
    }

    /// Numbers of users that may be in use: those of the plan stay so when there are to be fewer.
    pub(super) fn seats(self, load: &Load) -> u32 {
        self.peak(load).max(load.peak())
    }

    /// Users more than the plan wants, or fewer.
    fn more(self, load: &Load) -> i64 {
        match load {
            Load::Users(curve) => i64::from(self.steps) * i64::from((curve.peak() / 10).max(1)),
            // They have nothing to do, or are as many as there is work for.
            Load::Arrivals(_) | Load::Iterations { .. } | Load::IterationsPerUser { .. } => 0,
        }
    }
}

fn moved(users: u32, more: i64) -> u32 {
    u32::try_from((i64::from(users) + more).max(0)).unwrap_or(u32::MAX)
}

/// Decides and remembers.
#[derive(Debug)]
pub(super) struct Hands {
    plan: Arc<CompiledPlan>,
    /// Descriptors that are no connections.
    descriptors: u64,
    hand: Hand,
    changes: Vec<ByHand>,
    is_ending: bool,
}

impl Hands {
    /// Of a run that needs so many descriptors beside its connections.
    pub(super) fn new(plan: Arc<CompiledPlan>, descriptors: u64) -> Self {
        Self { plan, descriptors, hand: Hand::default(), changes: vec![], is_ending: false }
    }

    pub(super) fn hand(&self) -> Hand {
        self.hand
    }

    /// No wish is followed any more.
    pub(super) fn end(&mut self) {
        self.is_ending = true;
    }

    /// What was changed in a run that takes so long so far.
    pub(super) fn changes(&self, duration: Duration) -> Vec<ByHand> {
        let ended = |change: &ByHand| match change.change {
            Change::Pause(None) => ByHand { change: Change::Pause(Some(duration.max(change.at))), ..*change },
            _ => *change,
        };
        self.changes.iter().map(ended).collect()
    }

    /// Whether it was paused in a part of `span`, since the start of the load.
    pub(super) fn was_paused(&self, span: Range<Duration>) -> bool {
        self.changes.iter().any(|ByHand { at, change }| match change {
            Change::Pause(until) => *at < span.end && until.is_none_or(|until| until > span.start),
            Change::Users(_) | Change::End => false,
        })
    }

    /// Users that closed loads want at `at` after the start of the run.
    pub(super) fn target_users(&self, at: Duration) -> u64 {
        let wanted = |s: &Scenario| {
            at.checked_sub(s.start_after).map_or(0, |at| u64::from(self.hand.target(&s.load, at)))
        };
        self.plan.scenarios.iter().map(wanted).sum()
    }

    /// Users more than the plan wants, or fewer.
    pub(super) fn more_users(&self) -> i64 {
        self.plan.scenarios.iter().map(|scenario| self.hand.more(&scenario.load)).sum()
    }

    /// Follows a wish at `at` after the start of the load: what changed, or why nothing did.
    pub(super) fn follow(&mut self, command: Command, at: Duration) -> Result<ByHand, String> {
        if self.is_ending {
            return Err("the run is ending already".into());
        }
        let is_new = command != Command::End && !(command == Command::Pause && self.hand.paused);
        if self.changes.len() >= MOST && is_new {
            return Err(format!("{MOST} changes were made by hand, and no more are"));
        }
        match command {
            Command::End => {
                self.is_ending = true;
                Ok(self.keep(at, Change::End))
            }
            Command::MoreUsers => self.users(1, at),
            Command::FewerUsers => self.users(-1, at),
            Command::Pause => self.pause(at),
        }
    }

    fn keep(&mut self, at: Duration, change: Change) -> ByHand {
        let change = ByHand { at, change };
        match (self.changes.last_mut(), change.change) {
            (Some(last @ ByHand { change: Change::Users(_), .. }), Change::Users(_))
                if at.saturating_sub(last.at) < TOGETHER =>
            {
                last.change = change.change;
            }
            _ => self.changes.push(change),
        }
        change
    }

    fn users(&mut self, step: i32, at: Duration) -> Result<ByHand, String> {
        let groups = || self.plan.scenarios.iter().filter(|s| matches!(s.load, Load::Users(_)));
        if !self.plan.has_looping_users() {
            let why = match self.plan.is_open() {
                true => "arrivals come at the plan's rate, however many users there are",
                false => "the plan's iterations are shared by its users, and have no time to change them in",
            };
            return Err(format!("users cannot be changed by hand: {why}"));
        }
        if groups().all(|s| at.saturating_sub(s.start_after) >= s.load.total()) {
            return Err("users cannot be changed by hand: the load is over".into());
        }
        let Some(steps) = self.hand.steps.checked_add(step) else { return Err("no more users".into()) };
        let hand = Hand { steps, ..self.hand };
        if step < 0 && groups().all(|s| hand.peak(&s.load) == 0) {
            return Err("no user would be left; p pauses them".into());
        }
        let beyond = |s: &&Scenario| hand.peak(&s.load) > s.load.peak();
        if step > 0 {
            if let Some(bound) = groups().find(|s| beyond(s) && !s.row_per_user.is_empty()) {
                let users = bound.load.peak();
                return Err(format!(
                    "no more users: each has a row of data of its own, and the plan has {users}"
                ));
            }
            let users = |s: &Scenario| u64::from(hand.peak(&s.load));
            let room = preflight::room(&self.plan, &users, self.descriptors);
            room.map_err(|error| format!("no more users: {error}"))?;
        }
        self.hand = hand;
        Ok(self.keep(at, Change::Users(self.more_users())))
    }

    fn pause(&mut self, at: Duration) -> Result<ByHand, String> {
        if self.plan.is_open() {
            return Err(
                "arrivals cannot be paused: they are due when the plan says, and would only be late".into()
            );
        }
        self.hand.paused = !self.hand.paused;
        if self.hand.paused {
            return Ok(self.keep(at, Change::Pause(None)));
        }
        let pauses = self.changes.iter_mut().rev().find(|change| change.change == Change::Pause(None));
        match pauses {
            Some(pause) => {
                pause.change = Change::Pause(Some(at));
                Ok(*pause)
            }
            // Not to be: it was paused by a change.
            None => Ok(ByHand { at, change: Change::Pause(Some(at)) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::compile::{Purpose, compile};
    use crate::diagnostic::Source;
    use crate::load::{Stage, UserCurve};
    use crate::plan::load::{Overrides, load_str};
    use crate::plan::parse::Format;

    fn curve(users: u32) -> Load {
        let stage = |duration_s, users| Stage {
            duration: Duration::from_secs(duration_s),
            users,
            spawn_rate_per_s: None,
        };
        Load::Users(UserCurve::from_stages(&[stage(0, users), stage(60, users)]))
    }

    #[test]
    fn a_step_is_a_tenth_of_the_most_users() {
        let at = Duration::from_secs(1);
        for (users, steps, expected) in
            [(40, 1, 44), (40, -2, 32), (5, 1, 6), (5, -5, 0), (5, -50, 0), (100, i32::MAX, u32::MAX)]
        {
            let hand = Hand { steps, paused: false };
            assert_eq!(hand.target(&curve(users), at), expected, "{users} {steps}");
        }
        let work = Load::Iterations { users: 10, total: 100 };
        assert_eq!(Hand { steps: 5, paused: false }.target(&work, at), 10);
    }

    /// A run of this load, which has all the descriptors there are.
    fn hands(load: &str) -> Hands {
        let text = format!(
            "plan: 1\ntarget: http://127.0.0.1:1\nendpoints: {{ one: {{ request: GET /one }} }}\nload: {load}\n"
        );
        let source = Source { name: "plan.yaml".into(), dir: PathBuf::from("."), text };
        let loaded = load_str(Format::Yaml, source, &Overrides::default());
        let mut found = loaded.diagnostics.clone();
        let plan =
            compile(&loaded, Path::new("plan.yaml"), None, Purpose::Run, &mut found).expect("it is valid");
        Hands::new(Arc::new(plan), 0)
    }

    fn s(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    fn change(at_s: f64, change: Change) -> ByHand {
        ByHand { at: s(at_s), change }
    }

    #[test]
    fn changes_of_users_are_kept_and_those_of_one_moment_are_one() {
        let mut hands = hands("{ users: 20, duration: 60s }");
        for (at_s, command) in [
            (1.0, Command::MoreUsers),
            (1.4, Command::MoreUsers),
            (2.5, Command::FewerUsers),
            (3.6, Command::FewerUsers),
        ] {
            hands.follow(command, s(at_s)).expect("it may be");
        }
        let expected = [(1.0, 4), (2.5, 2), (3.6, 0)].map(|(at_s, users)| change(at_s, Change::Users(users)));
        assert_eq!(hands.changes(s(60.0)), expected);
        assert_eq!((hands.target_users(s(5.0)), hands.more_users()), (20, 0));
        let over = hands.follow(Command::MoreUsers, s(60.0)).expect_err("too late");
        assert!(over.contains("the load is over"), "{over}");
    }

    #[test]
    fn the_last_user_stays() {
        let mut hands = hands("{ users: 2, duration: 60s }");
        hands.follow(Command::FewerUsers, s(1.0)).expect("one is left");
        let last = hands.follow(Command::FewerUsers, s(3.0)).expect_err("none would be");
        assert!(last.contains("no user would be left"), "{last}");
        assert_eq!(hands.target_users(s(5.0)), 1);
    }

    #[test]
    fn pauses_have_an_end_at_the_latest_that_of_the_run() {
        let mut hands = hands("{ users: 2, iterations: 100 }");
        for at_s in [1.0, 3.0, 8.0] {
            hands.follow(Command::Pause, s(at_s)).expect("it may be");
        }
        assert!(hands.hand().paused);
        let pauses = [(1.0, 3.0), (8.0, 9.5)].map(|(from, to)| change(from, Change::Pause(Some(s(to)))));
        assert_eq!(hands.changes(s(9.5)), pauses);
        let paused = [(0.0, 1.0), (0.0, 1.1), (2.9, 9.0), (3.0, 8.0), (7.0, 8.1), (20.0, 21.0)];
        let seen = paused.map(|(from, to)| hands.was_paused(s(from)..s(to)));
        assert_eq!(seen, [false, true, true, false, true, true]);
    }

    #[test]
    fn the_end_is_the_last_and_there_is_a_limit() {
        let mut hands = hands("{ users: 2, iterations: 100 }");
        for n in 0..MOST {
            hands.follow(Command::Pause, s(n as f64)).expect("it may be");
            hands.follow(Command::Pause, s(n as f64)).expect("it may be");
        }
        assert!(hands.follow(Command::Pause, s(2000.0)).is_err());
        hands.follow(Command::End, s(2000.0)).expect("always");
        for command in [Command::End, Command::Pause, Command::MoreUsers] {
            assert_eq!(hands.follow(command, s(2001.0)), Err("the run is ending already".into()));
        }
        assert_eq!(hands.changes(s(2001.0)).len(), MOST + 1);
    }

    #[test]
    fn arrivals_are_not_changed_by_hand() {
        let mut hands = hands("{ rate: 10/s, duration: 60s }");
        for command in [Command::MoreUsers, Command::FewerUsers, Command::Pause] {
            hands.follow(command, s(1.0)).expect_err("arrivals come by the plan");
        }
        assert_eq!(hands.changes(s(60.0)), []);
    }
}
