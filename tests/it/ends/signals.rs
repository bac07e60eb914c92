//! Signals before, in and after the load: once, twice, of each kind, ignored.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::{endless, names, run, shell, short, wait_for_handlers, wait_until};
use crate::support::fault_server::{FaultServer, Log};
use crate::support::{Running, Scratch, check_accounting, plimsoll, read_json, requests, row};

/// Long enough for a process that ends too early to have done so.
const A_MOMENT: Duration = Duration::from_millis(300);

fn wait_for_requests(log: &Log, route: &str, count: u64) {
    wait_until("requests", || log.count(route) >= count);
}

#[track_caller]
fn interrupted(scratch: &Scratch) -> Value {
    let result = read_json(&scratch.path("result.json"));
    assert_eq!((&result["run"]["ended"], &result["verdict"]), (&"interrupted".into(), &"interrupted".into()));
    assert_eq!(result["exit_code"], 130);
    check_accounting(&result);
    assert!(std::fs::read_to_string(scratch.path("report.html")).unwrap().contains("</html>"));
    assert_eq!(names(&scratch.path("")), ["plan.yaml", "report.html", "result.json"]);
    result
}

#[test]
fn one_of_each_kind_lets_requests_end() {
    for kind in ["INT", "TERM", "HUP"] {
        let (server, scratch) = (FaultServer::start(), Scratch::new());
        let running = Running::start(run(&scratch, &endless(&server.url, "/ok")));
        wait_for_requests(&server.log, "/ok", 5);
        running.signal(kind);
        let done = running.finish();
        done.assert_code(130);
        let result = interrupted(&scratch);
        assert_eq!(requests(&result, "one"), server.log.count("/ok"), "{kind}");
        assert_eq!(result["accounting"]["interrupted"], 0, "{kind}: running requests may end");
        assert!(done.stdout.trim_end().ends_with("exit 130"), "{}", done.stdout);
    }
}

#[test]
fn a_hangup_that_is_ignored_at_the_start_stays_ignored() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let script = "trap '' HUP; exec \"$0\" \"$@\"";
    let running = Running::start(shell(&scratch, script, &short(&server.url, 60)));
    wait_for_requests(&server.log, "/ok", 5);
    running.signal("HUP");
    running.finish().assert_code(0);
    assert_eq!(server.log.count("/ok"), 60);
    assert_eq!(read_json(&scratch.path("result.json"))["run"]["ended"], "completed");
}

#[test]
fn the_second_ends_at_once_whatever_its_kind() {
    for (first, second) in [("INT", "INT"), ("TERM", "INT"), ("INT", "TERM")] {
        let (server, scratch) = (FaultServer::start(), Scratch::new());
        let mut running = Running::start(run(&scratch, &endless(&server.url, "/slow-head")));
        wait_for_requests(&server.log, "/slow-head", 2);
        running.signal(first);
        std::thread::sleep(A_MOMENT);
        assert!(!running.has_ended(), "the first waits for requests that run");
        running.signal(second);
        running.finish().assert_code(130);
        let result = interrupted(&scratch);
        assert_eq!(row(&result, "one")["failure_kinds"]["interrupted"], 2);
    }
}

#[test]
fn while_it_waits_until_the_target_is_ready() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = endless(&server.url, "/ok") + "ready: { timeout: 10m, checks: [GET /slow-head] }\n";
    let running = Running::start(run(&scratch, &plan));
    wait_for_requests(&server.log, "/slow-head", 1);
    running.signal("INT");
    running.finish().assert_code(130);
    assert_eq!(interrupted(&scratch)["accounting"]["started"], 0);
    assert_eq!(server.log.count("/ok"), 0);
}

#[test]
fn while_a_login_hangs() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = endless(&server.url, "/ok")
        + "auth: { steps: [{ request: POST /slow-head, capture: { token: json.t } }], \
           apply: { headers: { authorization: \"{{ auth.token }}\" } } }\n";
    let running = Running::start(run(&scratch, &plan));
    wait_for_requests(&server.log, "/slow-head", 2);
    running.signal("INT");
    std::thread::sleep(A_MOMENT);
    running.signal("INT");
    running.finish().assert_code(130);
    let result = interrupted(&scratch);
    assert_eq!(row(&result, "/slow-head")["failure_kinds"]["interrupted"], 2);
    assert_eq!(server.log.count("/ok"), 0);
}

#[test]
fn a_login_is_not_carried_on_after_the_first() {
    let (server, scratch) = (HeldServer::start(), Scratch::new());
    let plan = endless(&server.url, "/ok")
        + "auth: { steps: [{ request: POST /first }, { request: POST /second, capture: { token: json.t } }], \
           apply: { headers: { authorization: \"{{ auth.token }}\" } } }\n";
    let plan = plan.replace("users: 2", "users: 1");
    let running = Running::start(shell(&scratch, "exec \"$0\" \"$@\" 2> \"$SCRATCH/stderr\"", &plan));
    wait_until("the first step", || server.seen() == ["/first"]);
    running.signal("INT");
    let told = || std::fs::read_to_string(scratch.path("stderr")).unwrap().contains("stopping");
    wait_until("the order to end", told);
    // It reaches the user a moment later.
    std::thread::sleep(A_MOMENT);
    server.release();
    running.finish().assert_code(130);
    assert_eq!(server.seen(), ["/first"]);
    let result = read_json(&scratch.path("result.json"));
    check_accounting(&result);
    assert_eq!((requests(&result, "/first"), requests(&result, "/second")), (1, 0));
}

/// Answers nothing until it is released, then everything with `{}`.
struct HeldServer {
    url: String,
    seen: Arc<std::sync::Mutex<Vec<String>>>,
    release: tokio::sync::watch::Sender<bool>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl HeldServer {
    fn start() -> Self {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let seen = Arc::new(std::sync::Mutex::new(vec![]));
        let (release, released) = tokio::sync::watch::channel(false);
        let kept = seen.clone();
        let (address, stop, _) = crate::support::fault_server::serve(move |_, mut stream| {
            let (seen, mut released) = (kept.clone(), released.clone());
            async move {
                let mut head = vec![0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut head).await {
                    let line = String::from_utf8_lossy(&head[..length]).into_owned();
                    seen.lock().unwrap().push(line.split(' ').nth(1).unwrap_or_default().to_owned());
                    let _ = released.wait_for(|released| *released).await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
                }
            }
        });
        Self { url: format!("http://{address}"), seen, release, _stop: stop }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn release(&self) {
        self.release.send_replace(true);
    }
}

#[test]
fn while_nothing_answers_the_connection() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (listener, _waiting) = runtime.block_on(black_hole());
    let address = listener.local_addr().unwrap();
    let scratch = Scratch::new();
    let running = Running::start(run(&scratch, &endless(&format!("http://{address}"), "/ok")));
    let sent = format!(":{:04X} 02 ", address.port());
    wait_until("two connections being made", || {
        std::fs::read_to_string("/proc/net/tcp").unwrap().matches(&sent).count() >= 2
    });
    running.signal("INT");
    std::thread::sleep(A_MOMENT);
    running.signal("INT");
    running.finish().assert_code(130);
    assert_eq!(row(&interrupted(&scratch), "one")["failure_kinds"]["interrupted"], 2);
}

/// A port that accepts nobody, and what fills its queue.
async fn black_hole() -> (tokio::net::TcpListener, Vec<tokio::net::TcpStream>) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = vec![];
    for _ in 0..20 {
        let connecting = tokio::net::TcpStream::connect(address);
        match tokio::time::timeout(A_MOMENT, connecting).await {
            Ok(stream) => waiting.push(stream.unwrap()),
            Err(_) => return (listener, waiting),
        }
    }
    panic!("the queue of the listener has no end");
}

#[test]
fn while_data_is_loaded() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let rows: String = (0..400_000).map(|n| format!("{n},some text to read in row {n}\n")).collect();
    scratch.write("rows.csv", &format!("number,text\n{rows}"));
    let plan = endless(&server.url, "/ok") + "data: { rows: { file: rows.csv } }\n";
    let plan = plan.replace("GET /ok", "\"GET /items/{{ rows.number }}\"");
    let running = Running::start(run(&scratch, &plan));
    wait_for_handlers(running.id());
    running.signal("TERM");
    let done = running.finish();
    done.assert_code(130);
    // On a machine fast enough to have loaded it already, the run has begun and is reported.
    match read_json(&scratch.path("result.json")) {
        Value::Null => {
            assert!(done.stderr.contains("nothing was sent"), "{}", done.stderr);
            assert_eq!(server.log.all().len(), 0);
            assert_eq!(names(&scratch.path("")), ["plan.yaml", "rows.csv"]);
        }
        result => assert_eq!(result["run"]["ended"], "interrupted"),
    }
}

#[test]
fn while_a_pipe_waits_for_its_reader() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let fifo = scratch.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut command = plimsoll();
    command.arg("run").arg(scratch.write("plan.yaml", &short(&server.url, 1)));
    command.arg("--json").arg(&fifo).arg("--html").arg(scratch.path("report.html"));
    let running = Running::start(command);
    wait_until("the report that can be written", || scratch.path("report.html").exists());
    running.signal("INT");
    let done = running.finish();
    done.assert_code(3);
    assert!(done.stderr.contains("before all reports were written"), "{}", done.stderr);
    assert!(std::fs::read_to_string(scratch.path("report.html")).unwrap().contains("</html>"));
}

/// Standard error as a pipe that is full and that nobody reads: whoever writes there waits for ever.
#[test]
fn while_nobody_reads_what_it_says() {
    let server = FaultServer::start();
    // Blocked before the load, at its first words.
    let (mut running, pipe, scratch) = with_pipe(&server, true);
    wait_for_handlers(running.id());
    std::thread::sleep(A_MOMENT);
    running.signal("INT");
    wait_until("its end", || running.has_ended());
    assert_eq!(server.log.all().len(), 0);
    assert!(!scratch.path("result.json").exists());
    running.finish().assert_code(130);
    drop(pipe);
    // Blocked in the load, when it says that it stops. Requests that hang keep it from ending.
    let (running, pipe, _scratch) = with_pipe(&server, false);
    wait_for_requests(&server.log, "/slow-head", 2);
    let filling = fill(&pipe.1);
    running.signal("INT");
    std::thread::sleep(A_MOMENT);
    running.signal("INT");
    running.finish().assert_code(3);
    drop(pipe);
    filling.join().unwrap();
}

type Pipe = (std::io::PipeReader, std::io::PipeWriter);

fn with_pipe(server: &FaultServer, full: bool) -> (Running, Pipe, Scratch) {
    let pipe = std::io::pipe().unwrap();
    if full {
        // Default capacity of a pipe; see pipe(7).
        (&pipe.1).write_all(&[b'x'; 65_536]).unwrap();
    }
    let scratch = Scratch::new();
    let command = run(&scratch, &endless(&server.url, "/slow-head"));
    let stderr = Stdio::from(pipe.1.try_clone().unwrap());
    (Running::start_with(command, Stdio::null(), stderr), pipe, scratch)
}

/// Writes until the pipe holds no more; the thread ends when its reader is gone.
fn fill(pipe: &std::io::PipeWriter) -> std::thread::JoinHandle<()> {
    let mut pipe = pipe.try_clone().unwrap();
    let (written, mut before) = (Arc::new(AtomicUsize::new(0)), 0);
    let counted = written.clone();
    let thread = std::thread::spawn(move || {
        while pipe.write_all(b"x").is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    wait_until("a full pipe", || {
        std::thread::sleep(A_MOMENT);
        let now = written.load(Ordering::SeqCst);
        // A page may be lost to what was written before.
        std::mem::replace(&mut before, now) == now && now > 56 * 1024
    });
    thread
}
