//! A terminal for a process under test: it has a size, keys are pressed on it, and what stands on it can be read.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, SpecialCodeIndex, Termios, Winsize, tcgetattr, tcsetwinsize};

use super::process::{Done, Running};

/// A terminal and the process in front of it.
pub struct Pty {
    keyboard: File,
    terminal: OwnedFd,
    before: Termios,
    seen: Arc<Mutex<Screen>>,
    /// Held while nobody reads what is written to it.
    reading: Arc<Mutex<()>>,
    pub process: Running,
}

impl Pty {
    /// Starts a command as the one that a new terminal of this size is for.
    pub fn start(command: &Command, columns: u16, lines: u16) -> Self {
        Self::start_with(command, columns, lines, None)
    }

    /// The same with standard output elsewhere.
    pub fn start_with(command: &Command, columns: u16, lines: u16, stdout: Option<Stdio>) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, vec![]).unwrap().into_string().unwrap();
        let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let terminal = || {
            let options = std::fs::OpenOptions::new().read(true).write(true).custom_flags(NOCTTY).clone();
            options.open(&path).unwrap()
        };
        // A session of its own, whose terminal this is: only then does Ctrl-C become a signal.
        let mut session = Command::new("setsid");
        session.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        session.env("TERM", "xterm-256color").env_remove("CI").env_remove("NO_COLOR");
        session.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.current_dir(command.get_current_dir().unwrap());
        let before = tcgetattr(&master).unwrap();
        let kept = OwnedFd::from(terminal());
        let out = stdout.unwrap_or_else(|| terminal().into());
        let process = Running::start_on(session, terminal().into(), out, terminal().into());
        let keyboard = File::from(master);
        let screen = Screen { columns: columns.into(), lines: lines.into(), ..Screen::default() };
        let seen = Arc::new(Mutex::new(screen));
        let (mut reader, shown) = (keyboard.try_clone().unwrap(), seen.clone());
        let reading = Arc::new(Mutex::new(()));
        let gate = reading.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The other end is gone with an error, not with an end.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.lock().unwrap().take(&bytes[..count]);
                drop(gate.lock().unwrap());
            }
        });
        Self { keyboard, terminal: kept, before, seen, reading, process }
    }

    /// While `this` goes on it takes nothing, like a connection that hangs.
    pub fn hang(&mut self, this: impl FnOnce(&mut Running)) {
        let _reading = self.reading.lock().unwrap();
        let filled = rustix::io::dup(&self.terminal).unwrap();
        let path = format!("/proc/self/fd/{}", filled.as_raw_fd());
        let mut filled = File::options().write(true).custom_flags(NOCTTY | NONBLOCK).open(path).unwrap();
        // The reader takes one part more.
        for _ in 0..3 {
            while filled.write(b"\0").is_ok() {}
            std::thread::sleep(Duration::from_millis(50));
        }
        this(&mut self.process);
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub fn resize(&mut self, columns: u16, lines: u16) {
        let mut screen = self.seen.lock().unwrap();
        (screen.columns, screen.lines) = (columns.into(), lines.into());
        let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.keyboard, size).unwrap();
    }

    /// What stands on it.
    pub fn screen(&self) -> String {
        self.seen.lock().unwrap().text()
    }

    /// Everything that was ever written to it.
    pub fn written(&self) -> String {
        self.seen.lock().unwrap().written.clone()
    }

    /// Waits until this stands on it.
    #[track_caller]
    pub fn wait_for(&self, words: &str) {
        let give_up = Instant::now() + Duration::from_secs(60);
        while !self.screen().contains(words) {
            assert!(Instant::now() < give_up, "`{words}` is never shown: {}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether keys come one by one and are not echoed.
    pub fn is_taken(&self) -> bool {
        !tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    /// Waits for the end; the terminal must be as it was. Everything that was written to it since the display ended.
    #[track_caller]
    pub fn finish(self) -> (Done, String) {
        let Self { terminal, before, seen, process, keyboard, reading: _ } = self;
        let done = process.finish();
        let after = tcgetattr(&terminal).unwrap();
        let modes = |t: &Termios| (t.input_modes, t.output_modes, t.control_modes, t.local_modes);
        assert_eq!(modes(&before), modes(&after), "the terminal's modes");
        for code in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT, SpecialCodeIndex::VMIN] {
            assert_eq!(before.special_codes[code], after.special_codes[code], "{code:?}");
        }
        drop(terminal);
        // What was written last may still be on its way to the reader.
        let mut written = String::new();
        for _ in 0..500 {
            let now = seen.lock().unwrap().written.clone();
            if now == written && !now.is_empty() {
                break;
            }
            written = now;
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(keyboard);
        let last = |code: &str| written.rfind(code);
        assert!(last("\u{1b}[?1049l") >= last("\u{1b}[?1049h"), "the other screen is left: {written:?}");
        assert!(last("\u{1b}[?25h") >= last("\u{1b}[?25l"), "the cursor is back: {written:?}");
        let rest = written.rsplit("\u{1b}[?1049l").next().unwrap_or_default().replace('\r', "");
        (done, rest)
    }
}

/// Waits, but not for ever.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < give_up, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// `O_NOCTTY` of Linux: a test must not get a controlling terminal.
const NOCTTY: i32 = 0o400;
/// `O_NONBLOCK` of Linux.
const NONBLOCK: i32 = 0o4000;

/// As much of a terminal as the display uses: places, and characters there.
#[derive(Default)]
struct Screen {
    columns: usize,
    lines: usize,
    cells: std::collections::BTreeMap<(usize, usize), char>,
    line: usize,
    column: usize,
    written: String,
    rest: Vec<u8>,
}

impl Screen {
    fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.rest);
        let whole = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes.len(),
            Err(error) => error.valid_up_to(),
        };
        let text = String::from_utf8_lossy(&bytes[..whole]).into_owned();
        self.rest = bytes[whole..].to_vec();
        self.written += &text;
        let mut left = text.chars().peekable();
        while let Some(c) = left.next() {
            match c {
                '\u{1b}' if left.peek() == Some(&'[') => {
                    left.next();
                    let mut code = String::new();
                    while let Some(c) = left.next_if(|c| !c.is_ascii_alphabetic()) {
                        code.push(c);
                    }
                    self.follow(&code, left.next().unwrap_or_default());
                }
                '\r' => self.column = 0,
                '\n' => self.line += 1,
                c => {
                    self.cells.insert((self.line, self.column), c);
                    self.column += 1;
                }
            }
        }
    }

    fn follow(&mut self, code: &str, kind: char) {
        match (code, kind) {
            ("2", 'J') | ("?1049", 'h' | 'l') => self.cells.clear(),
            (place, 'H') => {
                let (line, column) = place.split_once(';').unwrap_or(("1", "1"));
                let number = |text: &str| text.parse::<usize>().unwrap_or(1) - 1;
                (self.line, self.column) = (number(line), number(column));
            }
            _ => {}
        }
    }

    fn text(&self) -> String {
        let line = |y| -> String {
            let line: String =
                (0..self.columns).map(|x| self.cells.get(&(y, x)).copied().unwrap_or(' ')).collect();
            format!("{}\n", line.trim_end())
        };
        (0..self.lines).map(line).collect()
    }
}
