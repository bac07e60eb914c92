//! The truth server as a process of its own, so that it can be stopped (SIGSTOP) and counts against nobody's
//! CPU. The program that starts it is the one that calls [`serve_when_told`].

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Log, Spec, TruthServer};

/// Set in the process that is to serve; JSON of [`Order`].
const VARIABLE: &str = "PLIMSOLL_TRUTH_SERVER";
const START: Duration = Duration::from_secs(20);
const END: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
struct Order {
    spec: Spec,
    /// Where the address and, at the end, the log are written.
    folder: PathBuf,
}

/// A server in another process. Dropped, it is killed.
pub struct ServerProcess {
    pub url: String,
    child: Child,
    folder: tempfile::TempDir,
}

impl ServerProcess {
    /// Starts `program`, which must call [`serve_when_told`].
    pub fn start(mut program: Command, spec: Spec) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let order = Order { spec, folder: folder.path().to_owned() };
        program.env(VARIABLE, serde_json::to_string(&order).unwrap());
        program.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = program.spawn().unwrap();
        let url = wait_for(&folder.path().join("url"), START, &mut child);
        Self { url, child, folder }
    }

    /// Sends a signal by name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Ends it and returns what it did.
    pub fn finish(mut self) -> Log {
        drop(self.child.stdin.take());
        let text = wait_for(&self.folder.path().join("log"), END, &mut self.child);
        Log::from_text(&text)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until the standard input ends, when the environment says so; false when it says nothing.
pub fn serve_when_told() -> bool {
    let Ok(order) = std::env::var(VARIABLE) else { return false };
    let order: Order = serde_json::from_str(&order).unwrap();
    let server = TruthServer::start(order.spec);
    write(&order.folder.join("url"), &server.url);
    let _ = std::io::stdin().read_to_end(&mut vec![]);
    write(&order.folder.join("log"), &server.finish().to_text());
    true
}

/// A file appears whole or not at all.
fn write(path: &Path, text: &str) {
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, text).unwrap();
    std::fs::rename(unfinished, path).unwrap();
}

fn wait_for(path: &Path, limit: Duration, child: &mut Child) -> String {
    let give_up = Instant::now() + limit;
    loop {
        if let Ok(text) = std::fs::read_to_string(path) {
            return text;
        }
        let ended = child.try_wait().unwrap();
        // It may have ended right after the file was written.
        assert!(ended.is_none() || path.exists(), "the truth server ended: {ended:?}");
        assert!(Instant::now() < give_up, "the truth server never wrote {}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}
