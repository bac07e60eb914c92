//! The thread that gives answers when they are due: sleeps until shortly before, then spins.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use super::{Connection, Shared};

/// Linux wakes a sleeper up to about 60 µs late (timer slack 50 µs); that last part is waited for awake.
const SPIN_US: u64 = 120;

/// An answer to give.
pub(super) struct Due {
    pub due_us: u64,
    /// Number of the request in the log.
    pub entry: usize,
    pub connection: Connection,
}

/// Tells the thread of answers.
pub(super) struct Sender(mpsc::Sender<Option<Due>>);

impl Sender {
    pub fn send(&self, due: Due) {
        // The thread has gone only when the server is being dropped.
        let _ = self.0.send(Some(due));
    }

    /// Ends the thread.
    pub fn end(&self) {
        let _ = self.0.send(None);
    }
}

pub(super) type Receiver = mpsc::Receiver<Option<Due>>;

pub(super) fn channel() -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::channel();
    (Sender(sender), receiver)
}

/// Orders by time, then by order of arrival.
struct Next(Reverse<(u64, usize)>, Due);

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Next {}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// Gives answers until told to end.
pub(super) fn run(due: &Receiver, shared: &Shared) {
    let mut waiting = BinaryHeap::<Next>::new();
    loop {
        let now_us = shared.now_us();
        if let Some(next) = waiting.peek()
            && next.1.due_us <= now_us
        {
            shared.answer(&waiting.pop().unwrap().1);
            continue;
        }
        let left_us = waiting.peek().map(|next| next.1.due_us - now_us);
        match receive(due, left_us) {
            Received::Due(due) => waiting.push(Next(Reverse((due.due_us, due.entry)), due)),
            Received::Nothing => {}
            Received::End => return,
        }
    }
}

enum Received {
    Due(Due),
    Nothing,
    End,
}

/// What comes in before the next answer is due.
fn receive(due: &Receiver, left_us: Option<u64>) -> Received {
    let received = match left_us {
        None => due.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(left_us) if left_us > SPIN_US => due.recv_timeout(Duration::from_micros(left_us - SPIN_US)),
        Some(_) => {
            std::hint::spin_loop();
            due.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            })
        }
    };
    match received {
        Ok(Some(due)) => Received::Due(due),
        Err(RecvTimeoutError::Timeout) => Received::Nothing,
        Ok(None) | Err(RecvTimeoutError::Disconnected) => Received::End,
    }
}
