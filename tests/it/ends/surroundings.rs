//! Poor surroundings: nothing on standard input, no environment, no current folder, a strict umask.

use super::{shell, short};
use crate::support::fault_server::FaultServer;
use crate::support::{Running, Scratch, read_json};

#[test]
fn a_run_needs_none_of_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = FaultServer::start();
    for script in [
        "exec \"$0\" \"$@\" <&-",
        "exec env -i \"$0\" \"$@\"",
        "unset HOME TERM; LC_ALL=C exec \"$0\" \"$@\"",
        "mkdir \"$SCRATCH/gone\" && cd \"$SCRATCH/gone\" && rmdir \"$SCRATCH/gone\" && exec \"$0\" \"$@\"",
        "umask 077; exec \"$0\" \"$@\"",
    ] {
        let scratch = Scratch::new();
        let done = Running::start(shell(&scratch, script, &short(&server.url, 2))).finish();
        assert_eq!(done.code, 0, "{script}: {}", done.output());
        let json = scratch.path("result.json");
        assert_eq!(read_json(&json)["verdict"], "pass", "{script}");
        if script.starts_with("umask") {
            for path in [json, scratch.path("report.html")] {
                assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
    }
}
