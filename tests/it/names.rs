//! Targets with a name: all of its addresses are used, it is looked up again, and the result says what was used. The names are those of
//! a hosts file of the test's own, where the system lets us have one.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::fault_server::{FaultServer, Log};
use crate::support::{Done, Running, Scratch, check_accounting, count, read_json};
use serde_json::{Value, json};

/// Servers at the same port of several addresses.
fn servers<const N: usize>(addresses: [&str; N]) -> (u16, [FaultServer; N]) {
    'port: for _ in 0..100 {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for address in addresses {
            if std::net::TcpListener::bind((address, port)).is_err() {
                continue 'port;
            }
        }
        let shown =
            |address: &str| if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        return (
            port,
            addresses.map(|at| FaultServer::start_at(&format!("{}:{port}", shown(at)), Log::default())),
        );
    }
    panic!("no port is free at all of {addresses:?}");
}

/// A folder with `hosts`, which stands in the place of `/etc/hosts`.
struct Names(Scratch);

impl Names {
    /// `None`, which is said, where a mount namespace of one's own is not permitted.
    #[allow(clippy::print_stderr, reason = "what is not tested must be seen")]
    fn new(hosts: &str) -> Option<Self> {
        let names = Self(Scratch::new());
        names.0.write("hosts", hosts);
        let tried = names.command(&["true"]).output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            eprintln!("not run: a mount namespace of one's own (unshare -m) is not permitted here");
            return None;
        }
        Some(names)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]);
        command.arg(self.0.path("hosts")).args(arguments);
        command
    }

    /// The file itself is changed: another one in its place would not be seen.
    fn change(&self, hosts: &str) {
        std::fs::write(self.0.path("hosts"), hosts).unwrap();
    }

    fn run(&self, plan: &str) -> (Done, Value) {
        let (plan, json) = (self.0.write("plan.yaml", plan), self.0.path("result.json"));
        let mut command = self.command(&[env!("CARGO_BIN_EXE_plimsoll"), "run"]);
        command.arg(plan).arg("--json").arg(&json).args([
            "--allow-invalid",
            "--no-reports",
            "--workers",
            "2",
        ]);
        let done = Running::start(command).finish();
        (done, read_json(&json))
    }
}

/// Connections by address.
fn used(result: &Value) -> BTreeMap<&str, u64> {
    let addresses = result["run"]["targets"][0]["addresses"].as_array().unwrap().iter();
    addresses.map(|one| (one["address"].as_str().unwrap(), count(&one["connections"]))).collect()
}

fn connections(server: &FaultServer) -> u64 {
    let all = server.log.all();
    all.iter().map(|seen| seen.connection).collect::<std::collections::BTreeSet<_>>().len() as u64
}

const THREE: &str = "127.0.0.2 farm.test\n127.0.0.3 farm.test\n127.0.0.4 farm.test\n";

#[test]
fn all_addresses_of_a_name_are_used_in_turn() {
    let Some(names) = Names::new(THREE) else { return };
    for (http, load, each) in [
        ("", "users: 12, iterations_per_user: 3", 4),
        ("keep_alive: false", "users: 2, iterations_per_user: 9", 6),
        ("keep_alive: false, dns: once", "users: 6, iterations_per_user: 1", 2),
        // However few users run them.
        ("keep_alive: false", "rate: 60/s, duration: 500ms, max_users: 2", 10),
    ] {
        let (port, servers) = servers(["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
        let (done, result) = names.run(&format!(
            "plan: 1\ntarget: http://farm.test:{port}\nhttp: {{ {http} }}\n\
             endpoints: {{ a: {{ request: GET /ok }} }}\nload: {{ {load} }}\n"
        ));
        done.assert_code(0);
        check_accounting(&result);
        let expected = BTreeMap::from([("127.0.0.2", each), ("127.0.0.3", each), ("127.0.0.4", each)]);
        assert_eq!(used(&result), expected, "{http} {load}");
        assert_eq!(servers.each_ref().map(connections), [each; 3], "{http} {load}");
        assert!(done.stdout.contains("connections by address: "), "{}", done.stdout);
    }
}

/// Where `localhost` is two addresses and the target listens at one, all are there, and nothing fails.
#[test]
fn an_address_where_nobody_listens_takes_no_users() {
    let Some(names) = Names::new("127.0.0.2 farm.test\n::1 farm.test\n127.0.0.3 farm.test\n") else { return };
    let (port, [server]) = servers(["127.0.0.3"]);
    let (done, result) = names.run(&format!(
        "plan: 1\ntarget: http://farm.test:{port}\nhttp: {{ keep_alive: false }}\n\
         endpoints: {{ a: {{ request: GET /ok }} }}\nload: {{ users: 4, iterations: 40 }}\n"
    ));
    done.assert_code(0);
    assert_eq!(connections(&server), 40);
    assert_eq!(used(&result)["127.0.0.3"], 40);
    assert_eq!(result["failures"], json!([]));
}

/// The address that was looked up first dies; the name leads elsewhere by then.
#[test]
fn a_name_that_moves_is_followed_after_a_failed_connection() {
    let Some(names) = Names::new("127.0.0.2 flip.test\n") else { return };
    let (port, [first, second]) = servers(["127.0.0.2", "127.0.0.3"]);
    let old = first.log.clone();
    let moved = AtomicBool::new(false);
    let plan = format!(
        "plan: 1\ntarget: http://flip.test:{port}\nhttp: {{ keep_alive: false }}\n\
         endpoints: {{ a: {{ request: GET /ok }} }}\npacing: 20ms\nload: {{ users: 2, duration: 6s }}\n"
    );
    let (done, result) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let limit = Instant::now() + Duration::from_secs(60);
            while old.count("/ok") < 10 && Instant::now() < limit {
                std::thread::sleep(Duration::from_millis(10));
            }
            names.change("127.0.0.3 flip.test\n");
            drop(first);
            moved.store(true, Ordering::Relaxed);
        });
        names.run(&plan)
    });
    assert!(moved.load(Ordering::Relaxed));
    check_accounting(&result);
    assert!(connections(&second) > 0, "{} {}", done.stdout, done.stderr);
    assert_eq!(used(&result)["127.0.0.3"], connections(&second));
    let (done, failed) =
        (count(&result["run"]["targets"][0]["look_ups"]["done"]), &result["totals"]["failures"]);
    assert!(
        done > 2,
        "each of two workers looked it up at least twice where it had failed: {done}, {failed}"
    );
}

/// An address that joins is used although nothing failed; a name that is gone keeps its addresses, and a note says so.
#[test]
fn names_are_looked_up_again_and_a_failure_keeps_what_is_known() {
    let Some(names) = Names::new("127.0.0.2 farm.test\n") else { return };
    let (port, [first, second]) = servers(["127.0.0.2", "127.0.0.3"]);
    let (old, new) = (first.log.clone(), second.log.clone());
    let plan = format!(
        "plan: 1\ntarget: http://farm.test:{port}\nhttp: {{ keep_alive: false, dns: 1s }}\n\
         endpoints: {{ a: {{ request: GET /ok }} }}\npacing: 20ms\nload: {{ users: 2, duration: 8s }}\n"
    );
    let (done, result) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let until = |log: &Log, wanted| {
                let limit = Instant::now() + Duration::from_secs(60);
                while log.count("/ok") < wanted && Instant::now() < limit {
                    std::thread::sleep(Duration::from_millis(10));
                }
            };
            until(&old, 5);
            names.change(&THREE.replace("127.0.0.4 farm.test\n", ""));
            until(&new, 5);
            names.change("127.0.0.9 another.test\n");
        });
        names.run(&plan)
    });
    done.assert_code(0);
    assert_eq!(result["totals"]["failures"], 0, "{}", result["failures"]);
    assert!(new.count("/ok") >= 5, "the second address was used");
    assert_eq!(
        used(&result),
        BTreeMap::from([("127.0.0.2", connections(&first)), ("127.0.0.3", connections(&second))])
    );
    assert!(count(&result["run"]["targets"][0]["look_ups"]["failed"]) > 0, "{}", result["run"]);
    let note = "of `target` failed, and the addresses found before were used on: cannot look up `farm.test`";
    assert!(result["notes"].to_string().contains(note), "{}", result["notes"]);
}
