//! Runs of agents: what was asked, when it is done, what came out. A run's status is a question of time, so no
//! task runs in the background. Holds at most [`MAX_RUNS`] runs and forgets the oldest beyond that.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::id::Id;
use super::store::Bounded;

const MAX_RUNS: usize = 20_000;
const QUOTED_CHARS: usize = 120;

/// One execution of an agent.
#[derive(Clone)]
pub(super) struct Run {
    id: Id,
    agent_id: Id,
    output: String,
    duration: Duration,
    done_at: Instant,
}

impl Run {
    /// A run that starts now and takes `duration`.
    pub(super) fn new(id: Id, agent_id: Id, agent: &str, input: &str, duration: Duration) -> Run {
        let quoted: String = input.chars().take(QUOTED_CHARS).collect();
        let output = format!("The {agent} agent has finished: {quoted}");
        Run { id, agent_id, output, duration, done_at: Instant::now() + duration }
    }

    pub(super) fn is_done(&self) -> bool {
        Instant::now() >= self.done_at
    }

    /// `{run_id, agent_id, status}`.
    pub(super) fn status(&self) -> Value {
        let status = if self.is_done() { "done" } else { "running" };
        json!({ "run_id": self.id, "agent_id": self.agent_id, "status": status })
    }

    /// `{run_id, agent_id, status: "done", output, duration_ms}`.
    pub(super) fn result(&self) -> Value {
        json!({
            "run_id": self.id,
            "agent_id": self.agent_id,
            "status": "done",
            "output": self.output,
            "duration_ms": self.duration.as_millis() as u64,
        })
    }
}

/// The remembered runs.
pub(super) struct Runs(Bounded<Run>);

impl Runs {
    pub(super) fn new() -> Runs {
        Runs(Bounded::new(MAX_RUNS, 0))
    }

    pub(super) fn add(&mut self, run: Run) {
        self.0.insert(run.id, run);
    }

    pub(super) fn get(&self, id: &Id) -> Option<Run> {
        self.0.get(id).cloned()
    }
}
