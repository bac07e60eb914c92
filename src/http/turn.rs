//! Turns of a thread: how much of what a target sends without a pause is read before timers and other users have
//! theirs, and how much of the thread's time such targets took. Must not know HTTP.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::micros;

/// Bytes read in one turn at most.
const READ_AT_ONCE: u64 = 256 << 10;
/// Parts of a body taken in one turn at most: a target can make each of them one byte long, and each takes as long as
/// one of kilobytes.
const FRAMES_AT_ONCE: u32 = 512;
/// Parts of a body after which the clock is looked at.
const LOOKED_EVERY: u32 = 16;
/// A turn that has lasted so long ends before more is read.
const LONGEST: Duration = Duration::from_micros(100);
/// Bytes of a read after one that gave nothing: what is no head and no part of a body yet is looked through byte by
/// byte, in one go.
pub(super) const FEW: usize = 16 << 10;

/// The time that a target has taken from the other users of a thread by sending without a pause, µs.
pub type Flooded = Rc<Cell<u64>>;

/// What one connection has read since the stream last had nothing to read.
#[derive(Debug, Default)]
pub(super) struct Turn {
    began: Cell<Option<Instant>>,
    last_read: Cell<Option<Instant>>,
    bytes: Cell<u64>,
    frames: Cell<u32>,
    gave_way: Cell<bool>,
    /// Where the time is counted of turns that had to be ended.
    flooded: OnceCell<Flooded>,
}

impl Turn {
    /// A new request.
    pub(super) fn start(&self) {
        self.pause();
    }

    /// There is nothing to read: the thread has other things to do.
    pub(super) fn pause(&self) {
        self.began.set(None);
        self.bytes.set(0);
        self.frames.set(0);
    }

    /// Counts the time of turns that had to be ended there.
    pub(super) fn count_in(&self, flooded: Flooded) {
        let _ = self.flooded.set(flooded);
    }

    /// Bytes were read.
    pub(super) fn read(&self, bytes: u64, now: Instant) {
        if self.began.get().is_none() {
            self.began.set(Some(now));
        }
        self.last_read.set(Some(now));
        self.bytes.set(self.bytes.get() + bytes);
    }

    /// Whether no more may be read in this turn; if so, it has ended.
    pub(super) fn is_over(&self) -> bool {
        let (Some(began), Some(last)) = (self.began.get(), self.last_read.get()) else { return false };
        let over = self.bytes.get() >= READ_AT_ONCE || last.saturating_duration_since(began) >= LONGEST;
        if over {
            self.end();
            self.gave_way.set(true);
            self.pause();
        }
        over
    }

    /// Whether this turn ends with the part of a body that was just taken. [`Turn::go_on`] must follow.
    pub(super) fn is_over_with_frame(&self) -> bool {
        let frames = self.frames.get() + 1;
        let is_late = || self.began.get().is_some_and(|began| began.elapsed() >= LONGEST);
        let over = frames >= FRAMES_AT_ONCE || frames.is_multiple_of(LOOKED_EVERY) && is_late();
        self.frames.set(if over { 0 } else { frames });
        if over {
            self.end();
        }
        over
    }

    /// The others had their turn.
    pub(super) fn go_on(&self) {
        self.pause();
        // What is taken next may have been read before.
        self.began.set(Some(Instant::now()));
    }

    fn end(&self) {
        if let (Some(flooded), Some(began)) = (self.flooded.get(), self.began.get()) {
            flooded.set(flooded.get() + u64::from(micros(began, Instant::now())));
        }
    }

    /// Whether a turn has just been ended while hyper read.
    pub(super) fn gave_way(&self) -> bool {
        self.gave_way.replace(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn() -> (Turn, Flooded) {
        let (turn, flooded) = (Turn::default(), Flooded::default());
        turn.count_in(flooded.clone());
        (turn, flooded)
    }

    #[test]
    fn a_turn_ends_by_bytes_by_time_and_by_frames() {
        let (turn, flooded) = turn();
        let begun = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        assert!(!turn.is_over(), "nothing was read");
        turn.read(1, begun);
        turn.read(1, begun + LONGEST / 2);
        assert!(!turn.is_over());
        turn.read(1, begun + LONGEST);
        assert!(turn.is_over() && turn.gave_way() && !turn.gave_way());
        assert!(flooded.get() >= 1_000_000, "a second was taken from the others");
        assert!(!turn.is_over(), "the next one begins");
        turn.read(READ_AT_ONCE, begun);
        assert!(turn.is_over());
        let ended = (0..3 * FRAMES_AT_ONCE).filter(|_| turn.is_over_with_frame()).count();
        assert_eq!(ended, 3);
    }

    #[test]
    fn who_pauses_floods_nobody() {
        let (turn, flooded) = turn();
        let begun = Instant::now();
        for n in 0..1000 {
            turn.read(READ_AT_ONCE - 1, begun + LONGEST * n);
            assert!(!turn.is_over());
            turn.pause();
        }
        turn.read(READ_AT_ONCE - 1, begun);
        turn.start();
        turn.read(READ_AT_ONCE - 1, begun + Duration::from_secs(5));
        assert!(!turn.is_over(), "a new request begins anew");
        assert_eq!(flooded.get(), 0);
    }
}
