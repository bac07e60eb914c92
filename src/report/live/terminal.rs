//! The display on a terminal, on a thread of its own: a terminal that is slow, or stopped, holds up nothing but itself.
//! Must not draw more often than it is told something, nor than [`SHORTEST`].

use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ansi::{self, Ansi};
use super::keys::Keys;
use super::screen::{self, Shown};
use super::tty::{self, Tty, Woken};
use super::{Key, Snapshot};

/// Least time between two drawings; also how often the size of the terminal is looked at.
const SHORTEST: Duration = Duration::from_millis(250);
/// What the end waits for the last drawing: less than a signal leaves it.
const LAST_DRAWING: Duration = Duration::from_millis(300);
/// Messages that are said again at the end.
const MOST_MESSAGES: usize = 50;

pub(super) struct Terminal {
    state: Arc<Mutex<State>>,
    /// Closed, it ends the thread.
    call: Option<PipeWriter>,
    ended: Receiver<()>,
}

/// Is told of each key.
type Press = Box<dyn Fn(Key) + Send>;

struct State {
    shown: Shown,
    messages: VecDeque<String>,
    is_new: bool,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be had, or no thread.
    pub(super) fn start(title: String, color: bool, offers: Vec<Key>, press: Press) -> io::Result<Self> {
        let (called, call) = io::pipe()?;
        tty::enter()?;
        let shown = Shown { title, offers, ..Shown::default() };
        let state = Arc::new(Mutex::new(State { shown, messages: VecDeque::new(), is_new: true }));
        let (end, ended) = channel();
        let painter = Painter { state: state.clone(), called, color, press, _end: end };
        let thread = std::thread::Builder::new().name("live".into());
        thread.spawn(move || painter.run()).inspect_err(|_| tty::leave())?;
        Ok(Self { state, call: Some(call), ended })
    }

    pub(super) fn update(&mut self, snapshot: &Snapshot) {
        let mut state = locked(&self.state);
        state.shown.history.add(snapshot);
        state.shown.snapshot = Some(snapshot.clone());
        state.is_new = true;
    }

    pub(super) fn message(&mut self, text: &str) {
        let mut state = locked(&self.state);
        state.shown.message = text.to_owned();
        // The latest tell why the run ends; a key that is held down says one thing again and again.
        if state.messages.back().is_none_or(|last| last != text) {
            if state.messages.len() == MOST_MESSAGES {
                state.messages.pop_front();
            }
            state.messages.push_back(text.to_owned());
        }
        state.is_new = true;
    }

    /// Gives the terminal back; what was said meanwhile, for those who read on. Nothing when it takes nothing any more.
    pub(super) fn finish(&mut self) -> Vec<String> {
        drop(self.call.take());
        // The thread ends by itself, unless the terminal takes nothing any more.
        let _ = self.ended.recv_timeout(LAST_DRAWING);
        tty::leave();
        match tty::is_left() {
            true => std::mem::take(&mut locked(&self.state).messages).into(),
            false => vec![],
        }
    }

    /// The same, after [`Self::finish`], for a terminal that took nothing: waits until it does.
    pub(super) fn settle(&mut self) -> Vec<String> {
        tty::settle();
        self.finish()
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws, in its thread.
struct Painter {
    state: Arc<Mutex<State>>,
    called: PipeReader,
    color: bool,
    press: Press,
    /// Dropped when the thread ends, however it does.
    _end: Sender<()>,
}

impl Painter {
    fn run(self) {
        let Ok(mut terminal) = ratatui::Terminal::new(Ansi::new(Tty, self.color)) else { return };
        let mut size = None;
        let mut has_keys = true;
        let mut keys = Keys::default();
        let mut drawn = Instant::now();
        loop {
            let now_size = ansi::Terminal::size(&Tty).ok();
            let is_due = drawn.elapsed() >= SHORTEST || size.is_none();
            if is_due && tty::is_ours() && (self.take_new() || size != now_size) {
                size = now_size;
                drawn = Instant::now();
                let shown = locked(&self.state).shown.clone();
                if terminal.draw(|frame| screen::draw(frame, &shown)).is_err() {
                    return;
                }
            }
            match tty::wait(&self.called, has_keys && tty::is_ours(), SHORTEST) {
                Woken::Called => return,
                Woken::NoKeys => has_keys = false,
                Woken::Keys(bytes) => keys.press(&bytes).into_iter().for_each(&self.press),
                Woken::Timeout => {
                    if tty::take_again() && terminal.clear().is_ok() {
                        locked(&self.state).is_new = true;
                    }
                }
            }
        }
    }

    fn take_new(&self) -> bool {
        std::mem::take(&mut locked(&self.state).is_new)
    }
}
