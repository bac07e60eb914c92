//! What a signal does while the engine does not listen: before the load, while reports are written, and when the
//! engine does not end. Must not touch the run itself.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::engine::Signals;
use crate::exit::Exit;

use super::terminal::{complain, complain_of};

/// After a second signal the engine gives up its workers within a second; longer means that it is stuck, for
/// instance because nobody reads the pipe it writes progress to.
const STUCK: Duration = Duration::from_secs(3);
/// What reports still get when a signal comes while they are written: a disk is faster, a pipe that nobody
/// reads is not.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// What the reason for such an end may take to be told.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Plan and data are read; nothing was sent.
    Preparing,
    /// The engine listens to signals itself.
    Running,
    /// The load is over.
    Writing,
    /// All reports are written, and the run ends so.
    Telling(Exit),
}

/// Ends the process on a signal that nobody else would follow.
#[derive(Debug)]
pub struct Interrupt {
    phases: UnboundedSender<Phase>,
}

impl Interrupt {
    /// Begins to watch, in the phase [`Phase::Preparing`].
    ///
    /// # Errors
    /// [`Exit::CouldNotRun`], with the reason told, when signals cannot be listened to.
    pub fn watch() -> Result<Self, Exit> {
        start().map(|phases| Self { phases }).map_err(|error| {
            complain_of(&error);
            Exit::CouldNotRun
        })
    }

    /// Says where the run stands now.
    pub fn enter(&self, phase: Phase) {
        // The watch lives as long as this does.
        let _ = self.phases.send(phase);
    }
}

/// Listens on a thread of its own: the others may be busy or blocked just when a signal comes.
fn start() -> std::io::Result<UnboundedSender<Phase>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let inside = runtime.enter();
    let signals = Signals::listen()?;
    drop(inside);
    let (enter, phases) = unbounded_channel();
    let watch = Watch { phase: Phase::Preparing, under_load: 0, give_up: None };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(move || runtime.block_on(watch.follow(signals, phases)))?;
    Ok(enter)
}

struct Watch {
    phase: Phase,
    /// Signals seen under load.
    under_load: usize,
    /// When the process ends whether it is done or not.
    give_up: Option<Instant>,
}

impl Watch {
    async fn follow(mut self, mut signals: Signals, mut phases: UnboundedReceiver<Phase>) {
        loop {
            let too_late = async {
                match self.give_up {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // In this order: a signal that brought the next phase about belongs to the one before.
                biased;
                () = signals.next() => self.signal(),
                phase = phases.recv() => match phase {
                    Some(phase) => self.enter(phase),
                    None => return,
                },
                () = too_late => self.end(),
            }
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        // Whoever wanted an end while reports were written still does.
        if !matches!(phase, Phase::Telling(_)) {
            self.give_up = None;
        }
    }

    fn signal(&mut self) {
        match self.phase {
            Phase::Preparing => self.end(),
            Phase::Running => {
                self.under_load += 1;
                if self.under_load > 1 {
                    self.give_up.get_or_insert(Instant::now() + STUCK);
                }
            }
            Phase::Writing | Phase::Telling(_) => {
                self.give_up.get_or_insert(Instant::now() + LAST_WRITES);
            }
        }
    }

    fn end(&self) {
        match self.phase {
            Phase::Preparing => {
                end(Exit::Interrupted, "ended by a signal before the load began; nothing was sent");
            }
            Phase::Running => {
                end(Exit::CouldNotRun, "the run does not end, and is given up; no report was written");
            }
            Phase::Writing => end(Exit::CouldNotRun, "ended by a signal before all reports were written"),
            Phase::Telling(exit) => {
                end(exit, "ended by a signal before the summary was shown; all reports are written")
            }
        }
    }
}

fn end(exit: Exit, why: &str) {
    let (said, wait) = std::sync::mpsc::channel();
    let words = format!("error: {why}");
    let say = move || {
        crate::report::live::give_back();
        complain(&words);
        // Nobody waits any more if it took long.
        let _ = said.send(());
    };
    // On a thread of its own: standard error may be a pipe that nobody reads.
    if std::thread::Builder::new().spawn(say).is_ok() {
        let _ = wait.recv_timeout(LAST_WORDS);
    }
    std::process::exit(i32::from(exit as u8));
}
