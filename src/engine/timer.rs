//! Waits for a moment more exactly than the runtime's timers, which tick in whole milliseconds and round up.
//! Must not know what is due.

use std::time::Instant;

#[cfg(target_os = "linux")]
use linux::Finer;

/// A timer of one task. Elsewhere than on Linux it is the runtime's.
#[derive(Debug)]
pub(super) struct Timer {
    #[cfg(target_os = "linux")]
    finer: Option<Finer>,
}

impl Timer {
    /// A timer; the runtime's own where the system gives no finer one.
    pub(super) fn new() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            finer: Finer::new().ok(),
        }
    }

    /// Waits until `at`; at once when that is over.
    pub(super) async fn until(&self, at: Instant) {
        #[cfg(target_os = "linux")]
        if let Some(finer) = &self.finer
            && finer.until(at).await.is_ok()
        {
            return;
        }
        tokio::time::sleep_until(at.into()).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A timerfd: nanoseconds, and one system call to set.
    #[derive(Debug)]
    pub(super) struct Finer(AsyncFd<OwnedFd>);

    impl Finer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // What replaces it is an `unsafe` function that demands of the type what `OwnedFd` gives: its descriptor
            // stays the same and open.
            #[allow(deprecated, reason = "the safe way to register an `OwnedFd`")]
            AsyncFd::with_interest(fd, Interest::READABLE).map(Self)
        }

        pub(super) async fn until(&self, at: Instant) -> io::Result<()> {
            let Some(wait) = at.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero()) else {
                return Ok(());
            };
            self.set(wait)?;
            loop {
                // Setting the timer again resets it, so that it need not be read.
                self.0.readable().await?.clear_ready();
                // A wake-up may be left over from a wait that was given up.
                if Instant::now() >= at {
                    return Ok(());
                }
            }
        }

        fn set(&self, wait: Duration) -> io::Result<()> {
            let once = Timespec { tv_sec: 0, tv_nsec: 0 };
            let wait = Timespec {
                tv_sec: wait.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: wait.subsec_nanos().into(),
            };
            let spec = Itimerspec { it_interval: once, it_value: wait };
            rustix::time::timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &spec)?;
            Ok(())
        }
    }
}
