//! Which core does what: unpinned, the system puts the generator on the server's core just when a burst of answers wakes it.

use std::process::{Child, Command, Stdio};

/// The core of the generator.
pub const GENERATOR: usize = 0;
/// The core of the server.
pub const SERVER: usize = 1;

const BUSY: [&str; 3] = ["sh", "-c", "while :; do :; done"];

/// The beginning of a command that stays on a core.
pub fn pinned(core: usize) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]);
    command
}

/// A process that keeps a core busy until it is dropped.
pub struct Busy(Child);

impl Busy {
    pub fn on(core: usize) -> Self {
        Self::start(pinned(core).args(BUSY))
    }

    /// The same, but it gives way to everyone (SCHED_IDLE). A virtual machine gives a core away that has nothing to do,
    /// and gets it back some ms after something is due: what is measured then is the host.
    pub fn awake(core: usize) -> Self {
        Self::start(pinned(core).args(["chrt", "--idle", "0"]).args(BUSY))
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
