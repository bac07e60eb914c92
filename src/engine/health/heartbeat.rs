//! The heartbeat of a worker: a task beside its users that says how late the event loop lets it run, and when the
//! worker stood still. At most 50 wake-ups a second, each one read of a few bytes; never a lock.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::engine::timer::Timer;
use crate::engine::worker::Local;
use crate::metric::Stall;

use super::proc::Scheduled;
use super::stall::STALL;
use super::system::ThisThread;

/// Pause between two beats.
const EVERY: Duration = Duration::from_millis(20);

/// Beats until dropped.
#[derive(Debug)]
pub struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    /// Begins on the worker's own thread, as a task like those of its users: it waits as long as they do.
    pub fn start(local: Rc<Local>) -> Self {
        Self(tokio::task::spawn_local(beat(local)))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn beat(local: Rc<Local>) {
    let worker = local.worker;
    let thread = ThisThread::new();
    let mut before = thread.read();
    let mut due = Instant::now() + EVERY;
    // The runtime's timer rounds up to its tick of 1 ms: no lag of the worker's.
    let timer = Timer::new();
    loop {
        timer.until(due).await;
        let now = Instant::now();
        let lag = now.saturating_duration_since(due);
        let seen = thread.read();
        let mut recorder = local.recorder.borrow_mut();
        recorder.record_lag(lag.as_micros() as u64);
        // Counted from the moment it was due: the pause before it is no standing still.
        if lag >= STALL {
            let to_us = local.at_us();
            let from_us = to_us.saturating_sub(lag.as_micros() as u64);
            let spent = |of: fn(Scheduled) -> u64| Some(of(seen?).saturating_sub(of(before?)) / 1000);
            let (cpu_us, queued_us) = (spent(|s| s.cpu_ns), spent(|s| s.queued_ns));
            recorder.record_stall(Stall { worker, from_us, to_us, cpu_us, queued_us });
        }
        drop(recorder);
        before = seen;
        due = now + EVERY;
    }
}
