//! Reports that cannot be written do not keep the others from being written, and the exit code tells of them.

use super::{names, shell_with, short};
use crate::support::fault_server::FaultServer;
use crate::support::{Done, Running, Scratch, plimsoll, read_json};

/// The verdict stands in the last line, with the exit code of the process and what could not be written.
#[track_caller]
fn assert_missing(done: &Done, path: &str, cause: &str) {
    done.assert_code(3);
    let words = format!("cannot write {path}: {cause}");
    assert!(done.stderr.contains(&format!("error: {words}")), "{}", done.stderr);
    let last = done.stdout.lines().last().unwrap();
    assert!(last.starts_with("✓ PASS — ") && last.ends_with(&format!("{words} · exit 3")), "{last}");
}

#[test]
fn a_full_disk() {
    let server = FaultServer::start();
    for (full, other) in [("--html", "--json"), ("--json", "--html")] {
        let scratch = Scratch::new();
        let mut command = plimsoll();
        command.arg("run").arg("--allow-invalid").arg(scratch.write("plan.yaml", &short(&server.url, 3)));
        command.args([full, "/dev/full", other]).arg(scratch.path("good"));
        let done = Running::start(command).finish();
        assert_missing(&done, "/dev/full", "no space left");
        assert_eq!(names(&scratch.path("")), ["good", "plan.yaml"]);
        let good = std::fs::read_to_string(scratch.path("good")).unwrap();
        assert!(good.contains("no space left"), "the report knows what the process ended with");
        if other == "--json" {
            let result = read_json(&scratch.path("good"));
            assert_eq!((&result["exit_code"], &result["verdict"]), (&3.into(), &"pass".into()));
        }
    }
}

#[test]
fn a_full_disk_behind_standard_output() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let reports = ["--json".into(), "-".into(), "--html".into(), scratch.path("good")];
    let command = shell_with(&scratch, "\"$0\" \"$@\" >/dev/full", &short(&server.url, 3), &reports);
    let done = Running::start(command).finish();
    done.assert_code(3);
    let last = done.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("✓ PASS — ") && last.ends_with("cannot write -: no space left · exit 3"),
        "{last}"
    );
    assert!(done.stderr.contains("# reqs") && done.stderr.contains("/good\n"), "{}", done.stderr);
}

/// A limit on the size of files stands for a disk that fills up half-way.
#[test]
fn half_a_report_never_replaces_a_good_one() {
    // Also where nobody has ignored the signal with which the system answers.
    for script in ["trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", "ulimit -f 1; exec \"$0\" \"$@\""] {
        half_a_report(script);
    }
}

fn half_a_report(script: &str) {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    scratch.write("result.json", "good");
    let reports = ["--json".into(), scratch.path("result.json"), "--html".into(), "/dev/null".into()];
    let done = Running::start(shell_with(&scratch, script, &short(&server.url, 3), &reports)).finish();
    let path = scratch.path("result.json").display().to_string();
    assert_missing(&done, &path, "file too large");
    assert!(done.stderr.contains("no checkpoint: cannot write"), "{}", done.stderr);
    assert!(done.stderr.contains("wrote /dev/null"), "{}", done.stderr);
    assert_eq!(std::fs::read_to_string(scratch.path("result.json")).unwrap(), "good");
    assert_eq!(names(&scratch.path("")), ["plan.yaml", "result.json"]);
}

#[test]
fn a_folder_removed_during_the_run_is_made_again() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let mut command = plimsoll();
    command.arg("run").arg("--allow-invalid").arg(scratch.write("plan.yaml", &short(&server.url, 60)));
    command.arg("--html").arg(scratch.path("new/report.html"));
    let running = Running::start(command);
    super::wait_until("requests", || server.log.count("/ok") > 0);
    std::fs::remove_dir(scratch.path("new")).unwrap();
    running.finish().assert_code(0);
    assert_eq!(names(&scratch.path("new")), ["report.html"]);
}

/// Streams that are closed, or whose reader has gone, change nothing.
#[test]
fn closed_streams() {
    let server = FaultServer::start();
    for script in [
        "(\"$0\" \"$@\"; echo $? > \"$SCRATCH/code\") | head -n 1",
        "(\"$0\" \"$@\" 2>&1; echo $? > \"$SCRATCH/code\") | true",
        "\"$0\" \"$@\" >&-; echo $? > \"$SCRATCH/code\"",
        "\"$0\" \"$@\" 2>&-; echo $? > \"$SCRATCH/code\"",
        "\"$0\" \"$@\" <&- >&- 2>&-; echo $? > \"$SCRATCH/code\"",
        ": '-'; (\"$0\" \"$@\"; echo $? > \"$SCRATCH/code\") | true",
    ] {
        let scratch = Scratch::new();
        let json = if script.contains("'-'") { "-".into() } else { scratch.path("result.json") };
        let reports = ["--json".into(), json, "--html".into(), scratch.path("report.html")];
        Running::start(shell_with(&scratch, script, &short(&server.url, 10), &reports)).finish();
        assert_eq!(std::fs::read_to_string(scratch.path("code")).unwrap(), "0\n", "{script}");
        assert!(std::fs::read_to_string(scratch.path("report.html")).unwrap().contains("</html>"));
        if !script.contains("'-'") {
            let result = read_json(&scratch.path("result.json"));
            assert_eq!((&result["verdict"], &result["totals"]["requests"]), (&"pass".into(), &10.into()));
        }
    }
}
