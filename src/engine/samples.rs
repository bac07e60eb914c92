//! Every single request, for a log of them. Off in a load that does not ask for it: a worker without a tap does nothing
//! here. What is logged is written elsewhere, and whoever writes can never slow a worker down: a batch that finds no room is
//! lost and counted.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Instant;

use crate::compile::model::{CompiledPlan, SeriesInfo};
use crate::metric::{Sample, SeriesKind};

/// Requests in a batch, at most.
const BATCH: usize = 1024;

/// One request, and when it had ended.
#[derive(Debug, Clone, Copy)]
pub struct Logged {
    /// µs from the start of the load.
    pub ended_us: u64,
    /// As it was measured.
    pub sample: Sample,
}

/// Requests of one worker, in the order in which they ended.
#[derive(Debug)]
pub struct Batch {
    /// Start of the load.
    pub start: Instant,
    /// Never empty.
    pub requests: Vec<Logged>,
}

/// What goes to the writer.
#[derive(Debug)]
pub enum ToLog {
    /// Requests.
    Batch(Batch),
    /// No more will come.
    End,
}

/// What is told of the log by both sides.
#[derive(Debug, Default)]
pub struct LogState {
    /// The writer takes no more: the log is full, or cannot be written.
    pub is_closed: AtomicBool,
    /// Requests that found no room.
    pub lost: AtomicU64,
    /// Requests that came after it was closed.
    pub beyond: AtomicU64,
}

/// Where requests are logged to.
#[derive(Debug, Clone)]
pub struct SampleLog {
    /// To the writer; bounded.
    pub to: SyncSender<ToLog>,
    /// What both sides tell.
    pub state: Arc<LogState>,
}

impl SampleLog {
    fn send(&self, batch: Batch) {
        let count = batch.requests.len() as u64;
        if self.state.is_closed.load(Ordering::Relaxed) {
            self.state.beyond.fetch_add(count, Ordering::Relaxed);
            return;
        }
        match self.to.try_send(ToLog::Batch(batch)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.state.lost.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}

/// A worker's end of the log.
#[derive(Debug)]
pub(super) struct Tap {
    log: SampleLog,
    start: Instant,
    /// By row: whether it counts requests, not flows or groups.
    is_request: Box<[bool]>,
    waiting: RefCell<Vec<Logged>>,
}

impl Tap {
    pub(super) fn new(log: SampleLog, plan: &CompiledPlan, start: Instant) -> Self {
        let of_request = |kind| matches!(kind, SeriesKind::Endpoint | SeriesKind::Auth);
        // A row of a warm-up is what the row it belongs to is.
        let kind = |row: &SeriesInfo| match row.measured {
            Some(measured) => plan.series[measured.0 as usize].kind,
            None => row.kind,
        };
        let is_request = plan.series.iter().map(|row| of_request(kind(row))).collect();
        Self { log, start, is_request, waiting: RefCell::default() }
    }

    /// Logs a request that ended so long after the start.
    pub(super) fn put(&self, sample: &Sample, ended_us: u64) {
        if !self.is_request[sample.series.0 as usize] {
            return;
        }
        let mut waiting = self.waiting.borrow_mut();
        if waiting.capacity() == 0 {
            waiting.reserve_exact(BATCH);
        }
        waiting.push(Logged { ended_us, sample: *sample });
        if waiting.len() >= BATCH {
            drop(waiting);
            self.flush();
        }
    }

    /// Sends what waits.
    pub(super) fn flush(&self) {
        let requests = self.waiting.take();
        if !requests.is_empty() {
            self.log.send(Batch { start: self.start, requests });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::metric::{Outcome, SeriesId};

    fn tap(room: usize) -> (Tap, std::sync::mpsc::Receiver<ToLog>) {
        let (to, from) = sync_channel(room);
        let log = SampleLog { to, state: Arc::default() };
        let is_request = [true, false].into();
        (Tap { log, start: Instant::now(), is_request, waiting: RefCell::default() }, from)
    }

    fn put(tap: &Tap, row: u16, count: usize) {
        (0..count).for_each(|_| tap.put(&Sample::bare(SeriesId(row), Outcome::Ok, 5), 9));
    }

    #[test]
    fn what_finds_no_room_is_counted_and_nobody_waits() {
        let (tap, from) = tap(2);
        put(&tap, 0, 5 * BATCH + 7);
        put(&tap, 1, 100);
        tap.flush();
        assert_eq!(tap.log.state.lost.load(Ordering::Relaxed), 3 * BATCH as u64 + 7);
        let batches: Vec<_> = from.try_iter().collect();
        let sizes = batches.iter().map(|batch| match batch {
            ToLog::Batch(batch) => batch.requests.len(),
            ToLog::End => 0,
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [BATCH, BATCH], "rows of flows are none");
    }

    #[test]
    fn a_closed_log_takes_nothing() {
        let (tap, from) = tap(100);
        tap.log.state.is_closed.store(true, Ordering::Relaxed);
        put(&tap, 0, BATCH + 1);
        tap.flush();
        tap.flush();
        assert!(from.try_recv().is_err());
        assert_eq!(tap.log.state.beyond.load(Ordering::Relaxed), BATCH as u64 + 1);
    }
}
