//! Runs that provoke one failure, and what must hold for each of them.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::fault_server::FaultServer;
use crate::support::tls::{Authority, Fault, TlsServer};
use crate::support::{Ran, Running, Scratch, check_accounting, read_json, requests, row};

/// One user does these two three times: a good request, then one at `fault` within 400 ms.
pub fn plan(good: &str, fault: &str, request: &str) -> String {
    format!(
        r#"
plan: 1
targets: {{ good: "{good}", fault: "{fault}" }}
endpoints:
  good: {{ request: "GET good:/ok" }}
  fault: {{ {request}, timeout: 400ms }}
flows:
  both: {{ weight: 1, steps: [use: good, use: fault] }}
load: {{ users: 1, iterations: 3 }}
thresholds: [errors < 1%]
"#
    )
}

/// Runs it and checks that all three faulty requests failed as `kind`, and only they.
#[track_caller]
fn check(good: &FaultServer, fault: &str, request: &str, kind: &str, environment: &[(&str, &str)]) -> Value {
    let plan = plan(&good.url, fault, request);
    // A busy machine must not turn another failure into this one.
    let plan = if kind.contains("timeout") { plan } else { plan.replace("400ms", "30s") };
    let ran = Scratch::new().run_with(&plan, &[], environment);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!(row(&ran.result, "fault")["failure_kinds"], json!({ kind: 3 }), "{}", ran.result["failures"]);
    assert_eq!(requests(&ran.result, "good"), 3);
    assert_eq!(row(&ran.result, "good")["failures"], 0, "{}", ran.result["failures"]);
    assert_eq!(good.log.count("/ok"), 3, "the server of the good requests saw all of them");
    assert_eq!(ran.result["verdict"], "fail");
    ran.result
}

/// A fault at `fault`, while the good requests go elsewhere.
#[track_caller]
pub fn provoke_with(fault: &str, request: &str, kind: &str) -> Value {
    check(&FaultServer::start(), fault, request, kind, &[])
}

/// A fault of our own server, by path: each request reached it exactly once, and the good ones go there too.
#[track_caller]
pub fn provoke(path: &str, kind: &str) -> Value {
    at_one_server(path, &format!("request: GET fault:{path}"), kind)
}

/// The same with a POST, which is never sent twice.
#[track_caller]
pub fn provoke_post(path: &str, kind: &str) {
    at_one_server(path, &format!("request: POST fault:{path}, json: {{ n: 1 }}"), kind);
}

#[track_caller]
fn at_one_server(path: &str, request: &str, kind: &str) -> Value {
    let server = FaultServer::start();
    let result = check(&server, &server.url, request, kind, &[]);
    assert_eq!(server.log.count(path), 3, "requests received at {path}");
    result
}

/// A fault of a TLS handshake, with a trusted authority.
#[track_caller]
pub fn provoke_tls(fault: Fault, kind: &str) {
    let (scratch, authority) = (Scratch::new(), Authority::new());
    let roots = scratch.path("roots.pem");
    authority.write(&roots);
    let server = TlsServer::start(&authority, fault);
    let environment = [("SSL_CERT_FILE", roots.to_str().unwrap())];
    let result = check(&FaultServer::start(), &server.url, "request: GET fault:/", kind, &environment);
    let words = result["failures"][0]["message"].as_str().unwrap();
    assert!(words.contains("TLS handshake"), "{fault:?}: {words}");
    let row = row(&result, "fault");
    assert_eq!(row["tls_us"]["count"], 3, "{row}");
    assert!(row["ttfb_us"].is_null(), "nothing was asked: {row}");
}

/// GETs of `url` by a process that `program` starts with restrictions.
pub fn in_shell(program: &str, arguments: &[&str], url: &str, load: &str) -> Ran {
    let scratch = Scratch::new();
    let (target, path) = url.rsplit_once('/').unwrap();
    let plan = format!(
        "plan: 1\ntarget: \"{target}\"\nendpoints: {{ a: {{ request: GET /{path} }} }}\nload: {{ {load} }}\n"
    );
    let plan = scratch.write("plan.yaml", &plan);
    let json = scratch.path("result.json");
    let mut command = Command::new(program);
    command.args(arguments).arg(env!("CARGO_BIN_EXE_plimsoll")).arg("run").arg(plan);
    command.args(["--quiet", "--json"]).arg(&json);
    Ran { done: Running::start(command).finish(), result: read_json(&json) }
}

/// The same against the demo platform, both in a network of their own in which connections have four ports.
pub fn in_a_network_of_four_ports(load: &str) -> Option<Ran> {
    let set_up = "ip link set lo up; echo '40000 40003' > /proc/sys/net/ipv4/ip_local_port_range";
    in_a_network(set_up, true, "http://127.0.0.1:9002/health", load)
}

/// GETs of `url` in a network of their own, which `set_up`, lines of a shell, has made; with the demo platform in it.
/// `None` where the system does not let us have one; that is said, and the classification of what connect(2)
/// would report is tested in `src/http/connect.rs` either way.
#[allow(clippy::print_stderr, reason = "what is not tested must be seen")]
pub fn in_a_network(set_up: &str, with_demo: bool, url: &str, load: &str) -> Option<Ran> {
    const SHELL: [&str; 5] = ["-n", "-m", "sh", "-e", "-c"];
    let tried = Command::new("unshare").args(SHELL).arg(set_up).output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        eprintln!(
            "not run: a network of one's own (unshare, as root, and iproute2) is not permitted here: {tried:?}"
        );
        return None;
    }
    let ports = "--auth-port 9002 --agents-port 9000 --rag-port 9003";
    // The demo is up once it has printed its three addresses.
    let demo = format!(
        "mkfifo \"$0/up\"; \"$1\" serve-demo {ports} > \"$0/up\" 2>&1 & demo=$!; exec 3< \"$0/up\"; read a <&3; \
         read b <&3; read c <&3; code=0; \"$@\" || code=$?; kill $demo; exit $code"
    );
    let script = format!("{set_up}\n{}", if with_demo { demo.as_str() } else { "exec \"$@\"" });
    let folder = Scratch::new();
    let folder = folder.path("");
    let arguments: Vec<_> = SHELL.into_iter().chain([script.as_str(), folder.to_str().unwrap()]).collect();
    Some(in_shell("unshare", &arguments, url, load))
}

/// Three users with two requests each, where the first three connections fail with `errno`: connect(2) is replaced by
/// a few lines of C. `None` where there is no compiler or no way to replace it; that is said.
#[allow(clippy::print_stderr, reason = "what is not tested must be seen")]
pub fn with_connect_that_fails(errno: &str) -> Option<Ran> {
    const TIMES: u32 = 3;
    let scratch = Scratch::new();
    let source = format!(
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <errno.h>\n#include <sys/socket.h>\n\
         static int calls;\n\
         int connect(int fd, const struct sockaddr *to, socklen_t length) {{\n\
           int type = 0; socklen_t size = sizeof type;\n\
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);\n\
           if (to->sa_family == AF_INET && type == SOCK_STREAM && __sync_fetch_and_add(&calls, 1) < {TIMES}) {{ errno = {errno}; return -1; }}\n\
           int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, \"connect\");\n\
           return real(fd, to, length);\n\
         }}\n"
    );
    let (source, library) = (scratch.write("connect.c", &source), scratch.path("connect.so"));
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    if !cfg!(target_os = "linux") || !built.is_ok_and(|status| status.success()) {
        eprintln!("not run: connect(2) can be replaced only on Linux, with a C compiler");
        return None;
    }
    let server = FaultServer::start();
    let preload = format!("LD_PRELOAD={}", library.display());
    let ran = in_shell("env", &[&preload], &format!("{}/ok", server.url), "users: 3, iterations_per_user: 2");
    assert_eq!(server.log.count("/ok"), 6 - u64::from(TIMES));
    Some(ran)
}
