//! Which core does what: unpinned, the system puts the generator on the server's core just when a burst of answers wakes it.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The core of the generator.
pub const GENERATOR: &str = "0";
/// The core of the server.
pub const SERVER: &str = "1";
/// What workers need that are to work at once; they share one of them with the server.
pub const BOTH: &str = "0,1";

const BUSY: [&str; 3] = ["sh", "-c", "while :; do :; done"];

/// The beginning of a command that stays on these cores.
pub fn pinned(cores: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores]);
    command
}

/// A process that keeps a core busy until it is dropped.
pub struct Busy(Child);

impl Busy {
    pub fn on(core: &str) -> Self {
        Self::start(pinned(core).args(BUSY))
    }

    /// The same, but it gives way to everyone (SCHED_IDLE). A virtual machine gives a core away that has nothing to do,
    /// and gets it back some ms after something is due: what is measured then is the host.
    pub fn awake(core: &str) -> Self {
        let mut busy = Self::start(pinned(core).args(["chrt", "--idle", "0"]).args(BUSY));
        std::thread::sleep(Duration::from_millis(200));
        assert!(busy.0.try_wait().unwrap().is_none(), "needs taskset and chrt");
        busy
    }

    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
