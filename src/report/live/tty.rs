//! The terminal itself: taken, read, written and given back. It is given back once, by whoever comes first: the display,
//! a panic, or an end of the process. Must not know what is shown.
//!
//! Keys come one by one and are not echoed, but Ctrl-C stays the signal it is: the kernel sends it, however busy we are.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::stdio::{stderr, stdin};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcgetwinsize,
    tcsetattr,
};

use super::ansi;

/// What the end of the display waits for a drawing that goes on.
const LAST_DRAWING: Duration = Duration::from_millis(200);
/// No character does this.
const DISABLED: u8 = 0;

/// How the terminal was, while it is taken.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);
/// Held while something is drawn.
static DRAWING: Mutex<()> = Mutex::new(());
/// Whether drawings may be written.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether the other screen has still to be left, since the terminal took nothing when it was given back.
static OWED: AtomicBool = AtomicBool::new(false);

/// Whether both ends are a terminal, and this process is the one in front that may use it. One in the background
/// would be stopped by the system when it tries.
pub(super) fn is_ours() -> bool {
    let in_front =
        |fd: BorrowedFd<'static>| tcgetpgrp(fd).is_ok_and(|group| group == rustix::process::getpgrp());
    in_front(stdin()) && in_front(stderr())
}

/// Takes the terminal.
///
/// # Errors
/// When there is none, or it is somebody else's.
pub(super) fn enter() -> io::Result<()> {
    static HOOK: Once = Once::new();
    if !is_ours() {
        return Err(io::ErrorKind::NotConnected.into());
    }
    let before = tcgetattr(stdin())?;
    let wanted = wanted(&before);
    // A panic must be read where it is written.
    HOOK.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            leave();
            next(info);
        }));
    });
    *locked(&BEFORE) = Some(before);
    // What was typed before the view is there is not meant as keys.
    tcsetattr(stdin(), OptionalActions::Flush, &wanted)?;
    TAKEN.store(true, Ordering::SeqCst);
    write_all(ansi::ENTER).inspect_err(|_| leave())
}

fn wanted(before: &Termios) -> Termios {
    let mut wanted = before.clone();
    wanted.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
    wanted.local_modes |= LocalModes::ISIG;
    // Ctrl-S would stop the display, and with it who waits for its end.
    wanted.input_modes -= InputModes::IXON;
    wanted.special_codes[SpecialCodeIndex::VMIN] = 1;
    wanted.special_codes[SpecialCodeIndex::VTIME] = 0;
    // Either would leave the terminal as it is now; and a generator that is suspended measures nothing.
    wanted.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
    wanted.special_codes[SpecialCodeIndex::VQUIT] = DISABLED;
    wanted
}

/// Takes it again where a shell had it in between, because this process was stopped; whether all must be drawn anew.
pub(super) fn take_again() -> bool {
    let Ok(now) = tcgetattr(stdin()) else { return false };
    let is_taken = TAKEN.load(Ordering::SeqCst) && is_ours();
    is_taken
        && now.local_modes.contains(LocalModes::ICANON)
        && tcsetattr(stdin(), OptionalActions::Now, &wanted(&now)).is_ok()
        && write_all(ansi::ENTER).is_ok()
}

/// Gives the terminal back, if it is taken. What is drawn later is not written.
pub(super) fn leave() {
    let before = locked(&BEFORE).take();
    if let Some(before) = before {
        OWED.store(true, Ordering::SeqCst);
        TAKEN.store(false, Ordering::SeqCst);
        // One in the background would be stopped; whoever is in front has set the terminal as it likes.
        if is_ours() {
            let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
        }
    }
    // A connection that hangs must not hold up what comes next: reports, or the end of the process.
    if !is_left()
        && let Some(_drawing) = drawing()
        && takes_anything()
    {
        leave_screen();
    }
}

/// Waits until the terminal takes something again, if it did not when it was given back.
pub(super) fn settle() {
    if OWED.load(Ordering::SeqCst) {
        let _drawing = locked(&DRAWING);
        leave_screen();
    }
}

/// Whether the terminal has left the other screen.
pub(super) fn is_left() -> bool {
    !OWED.load(Ordering::SeqCst)
}

fn leave_screen() {
    if OWED.swap(false, Ordering::SeqCst) {
        let _ = write_all(ansi::LEAVE);
    }
}

/// Whether the terminal takes something now, or soon.
fn takes_anything() -> bool {
    let (stderr, until) = (stderr(), Instant::now() + LAST_DRAWING);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], left.try_into().ok().as_ref()) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) if !left.is_zero() => {}
            Err(rustix::io::Errno::INTR) => return false,
            // What cannot be asked is written to.
            Err(_) => return true,
        }
    }
}

/// Waits for a drawing that goes on, but not for one that never ends.
fn drawing() -> Option<MutexGuard<'static, ()>> {
    let step = Duration::from_millis(5);
    for _ in 0..LAST_DRAWING.as_millis() / step.as_millis() {
        match DRAWING.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(step),
        }
    }
    None
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_all(text: &str) -> io::Result<()> {
    let mut left = text.as_bytes();
    while !left.is_empty() {
        match rustix::io::write(stderr(), left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => left = &left[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => wait_for(stderr(), PollFlags::OUT)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait_for(fd: BorrowedFd<'_>, what: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(&fd, what)], None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The terminal as long as it is taken.
pub(super) struct Tty;

impl ansi::Terminal for Tty {
    fn size(&self) -> io::Result<(u16, u16)> {
        let size = tcgetwinsize(stderr())?;
        // One that does not say has the size that everyone assumes.
        Ok(if size.ws_col == 0 || size.ws_row == 0 { (80, 24) } else { (size.ws_col, size.ws_row) })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        let _drawing = locked(&DRAWING);
        if TAKEN.load(Ordering::SeqCst) { write_all(text) } else { Ok(()) }
    }
}

/// What the display waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// Time has passed.
    Timeout,
    /// Keys were pressed.
    Keys(Vec<u8>),
    /// There will be no keys any more.
    NoKeys,
    /// Whoever woke it.
    Called,
}

/// Waits for keys, if there can be any, for a call, or for so long.
pub(super) fn wait(call: &impl AsFd, keys: bool, most: Duration) -> Woken {
    let stdin = stdin();
    let mut watched = vec![PollFd::new(call, PollFlags::IN)];
    if keys {
        watched.push(PollFd::new(&stdin, PollFlags::IN));
    }
    let limit = most.try_into().ok();
    match poll(&mut watched, limit.as_ref()) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Woken::Timeout,
        Err(_) => {
            std::thread::sleep(most);
            return Woken::NoKeys;
        }
    }
    if !watched[0].revents().is_empty() {
        return Woken::Called;
    }
    match watched.get(1).map(PollFd::revents) {
        Some(seen) if !seen.is_empty() => read(),
        _ => Woken::Timeout,
    }
}

fn read() -> Woken {
    let mut keys = [0; 64];
    match rustix::io::read(stdin(), &mut keys) {
        Ok(0) => Woken::NoKeys,
        Ok(count) => Woken::Keys(keys[..count].to_vec()),
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Woken::Timeout,
        Err(_) => Woken::NoKeys,
    }
}
