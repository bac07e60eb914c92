//! A process of the binary: started, told to stop, waited for with a limit, its output kept.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// No run of these tests takes nearly as long; one that does hangs.
const LIMIT: Duration = Duration::from_secs(90);

/// A process that runs. Dropped, it is killed.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
    words: String,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Done {
    /// Exit code; −1 after a signal that killed it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Running {
    pub fn start(command: Command) -> Self {
        Self::start_with(command, Stdio::piped(), Stdio::piped())
    }

    /// The same with streams of its own; what is no pipe to here is not kept.
    pub fn start_with(command: Command, stdout: Stdio, stderr: Stdio) -> Self {
        Self::start_on(command, Stdio::null(), stdout, stderr)
    }

    /// The same with something on standard input.
    pub fn start_on(mut command: Command, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Self {
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().map(drain);
        let stderr = child.stderr.take().map(drain);
        Self { child, stdout, stderr, words: format!("{command:?}") }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal by name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill").args(["-s", name, &id]).status().unwrap().success(),
            "kill -s {name} {id}"
        );
    }

    /// Waits for the end; a process that hangs or panics fails the test.
    pub fn finish(self) -> Done {
        self.finish_within(LIMIT)
    }

    /// Waits for the end, and tells the most memory that it had so far as one can see from outside, KiB; 0 where Linux is
    /// not.
    pub fn finish_measured(mut self) -> (Done, u64) {
        let status = format!("/proc/{}/status", self.id());
        let give_up = Instant::now() + LIMIT;
        let mut most = 0;
        while !self.has_ended() && Instant::now() < give_up {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let peak = text
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok());
            most = most.max(peak.unwrap_or(0));
            std::thread::sleep(Duration::from_millis(2));
        }
        (self.finish_within(LIMIT), most)
    }

    /// The same with a limit of its own.
    pub fn finish_within(mut self, limit: Duration) -> Done {
        let give_up = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < give_up, "does not end: {}", self.words);
            std::thread::sleep(Duration::from_millis(10));
        };
        let kept =
            |stream: Option<JoinHandle<String>>| stream.map_or_else(String::new, |s| s.join().unwrap());
        let (stdout, stderr) = (kept(self.stdout.take()), kept(self.stderr.take()));
        assert!(!stderr.contains("panicked"), "{}\n{stderr}", self.words);
        Done { code: status.code().unwrap_or(-1), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Done {
    /// Both streams, for messages and searches.
    pub fn output(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub fn assert_code(&self, code: i32) {
        assert_eq!(self.code, code, "{}", self.output());
    }
}

fn drain(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = vec![];
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
