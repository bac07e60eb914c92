//! Every way a request can fail, provoked on loopback: the failure has its kind, nothing is lost, the server's
//! log agrees, nothing panics or hangs, and the same user's next request works.

mod provoke;

use crate::support::fault_server::{ClosedPort, FaultServer, FullQueue, Greeter};
use crate::support::tls::Fault;
use crate::support::{Ran, Scratch, check_accounting, requests, row};
use plimsoll::failure::Failure;
use provoke::{
    in_a_network, in_a_network_of_four_ports, in_shell, plan, provoke, provoke_post, provoke_tls,
    provoke_with, with_connect_that_fails,
};
use serde_json::json;

/// Tests by the kind they provoke. Each is given its kind's name and asserts that just that is reported.
macro_rules! provoked {
    ($($test:ident: $kind:ident => $provoke:expr;)*) => {
        const PROVOKED: &[Failure] = &[$(Failure::$kind),*];
        $(
            #[test]
            fn $test() {
                let provoke: fn(&str) = $provoke;
                provoke(Failure::$kind.name());
            }
        )*
    };
}

provoked! {
    unknown_host: Dns => |kind| drop(provoke_with("http://nowhere.invalid", "request: GET fault:/x", kind));
    refused: ConnectRefused => |kind| drop(provoke_with(&ClosedPort::new().url(), "request: GET fault:/x", kind));
    full_queue: ConnectTimeout => |kind| {
        let result = provoke_with(&FullQueue::new().url(), "request: GET fault:/x", kind);
        // The wait is blamed on the connection, not on us; and nothing was sent, so nothing else is there.
        let row = row(&result, "fault");
        let mean = |times: &str| row[times]["mean"].as_f64().unwrap();
        let sum = mean("wait_us") + mean("connect_us");
        assert!((sum - mean("latency_us")).abs() <= 2.0, "{row}");
        assert_eq!(row["connect_us"]["count"], 3);
        assert!(row["service_us"].is_null() && row["ttfb_us"].is_null() && row["receive_us"].is_null(), "{row}");
    };
    reset_while_it_was_opened: ConnectReset => |kind| {
        let Some(ran) = with_connect_that_fails("ECONNRESET") else { return };
        ran.done.assert_code(0);
        check_accounting(&ran.result);
        assert_eq!(row(&ran.result, "a")["failure_kinds"], json!({ kind: 3 }));
    };
    // The neighbour that should be there does not answer, which this machine finds out by asking.
    no_such_host: ConnectUnreachable => |kind| {
        let Some(ran) = in_a_network(A_DEAD_NEIGHBOUR, false, "http://10.9.9.1:8080/", "users: 1, iterations: 2") else { return };
        ran.done.assert_code(1);
        check_accounting(&ran.result);
        assert_eq!(row(&ran.result, "a")["failure_kinds"], json!({ kind: 2 }), "{}", ran.result["failures"]);
        assert_eq!(ran.result["verdict"], "fail", "that is the target's doing");
    };

    expired_certificate: TlsCertificate => |kind| provoke_tls(Fault::Expired, kind);
    certificate_of_another_host: TlsCertificate => |kind| provoke_tls(Fault::WrongHost, kind);
    self_signed_certificate: TlsCertificate => |kind| provoke_tls(Fault::SelfSigned, kind);
    end_in_the_handshake: TlsHandshake => |kind| provoke_tls(Fault::EndInHandshake, kind);
    silent_handshake: TlsTimeout => |kind| provoke_tls(Fault::Silent, kind);
    plain_http_where_tls_is_expected: TlsHandshake => |kind| {
        let server = FaultServer::start();
        let url = server.url.replace("http://127.0.0.1", "https://localhost");
        provoke_with(&url, "request: GET fault:/ok", kind);
    };

    // More than the sockets' buffers hold, so that the rest cannot be written.
    stops_reading: Send => |kind| {
        let (server, scratch) = (FaultServer::start(), Scratch::new());
        scratch.write("large.txt.j2", &"x".repeat(4_190_000));
        let request = "request: POST fault:/stop-reading, template: large.txt.j2";
        let ran = scratch.run(&plan(&server.url, &server.url, request), &[]);
        ran.done.assert_code(1);
        check_accounting(&ran.result);
        assert_eq!(row(&ran.result, "fault")["failure_kinds"], json!({ kind: 3 }), "{}", ran.result["failures"]);
        assert_eq!(row(&ran.result, "good")["failures"], 0);
        assert_eq!((server.log.count("/stop-reading"), server.log.count("/ok")), (3, 3));
    };

    never_reads: TimeoutSend => |kind| {
        let (server, scratch) = (FaultServer::start(), Scratch::new());
        std::fs::write(scratch.path("large.bin"), vec![0; 16 << 20]).unwrap();
        let request = "request: POST fault:/never-reads, file: large.bin";
        let ran = scratch.run(&plan(&server.url, &server.url, request), &[]);
        ran.done.assert_code(1);
        check_accounting(&ran.result);
        let row = row(&ran.result, "fault");
        assert_eq!(row["failure_kinds"], json!({ kind: 3 }), "{}", ran.result["failures"]);
        assert_eq!(row["ttfb_us"]["max"], 0, "all of it was sending: {row}");
        assert_eq!((server.log.count("/never-reads"), server.log.count("/ok")), (3, 3));
    };
    never_answers: TimeoutHeaders => |kind| {
        let result = provoke("/slow-head", kind);
        let row = row(&result, "fault");
        let least = row["latency_us"]["min"].as_u64().unwrap();
        assert!(least >= 400_000, "a request that ran into its limit took at least that long: {least}");
        assert_eq!(row["ttfb_us"]["count"], 3, "the wait for the head counts");
        assert!(row["receive_us"].is_null(), "nothing was received: {row}");
    };
    interim_answers_without_pause: Protocol => |kind| {
        provoke("/endless-1xx", kind);
        provoke("/endless-100", kind);
    };
    interim_answers_one_by_one: TimeoutHeaders => |kind| drop(provoke("/dripping-1xx", kind));
    body_never_ends: TimeoutBody => |kind| drop(provoke("/slow-body", kind));
    endless_body_that_nobody_needs: TimeoutBody => |kind| drop(provoke("/endless-body", kind));

    reset_before_the_response: Reset => |kind| {
        provoke("/reset", kind);
        provoke_post("/reset", kind);
    };
    reset_in_the_body: Reset => |kind| {
        let result = provoke("/reset-mid-body", kind);
        assert_eq!(row(&result, "fault")["status"], json!({ "200": 3 }), "the head had come");
    };
    closed_before_the_response: ClosedBeforeHeaders => |kind| {
        provoke("/close-before-headers", kind);
        provoke_post("/close-before-headers", kind);
    };
    closed_in_the_head: ClosedBeforeHeaders => |kind| drop(provoke("/close-mid-head", kind));
    closed_in_the_body: ClosedMidBody => |kind| {
        let result = provoke("/close-mid-body", kind);
        assert_eq!(row(&result, "fault")["status"], json!({ "200": 3 }), "the head had come");
        provoke("/truncated-chunked", kind);
    };

    not_http: Protocol => |kind| {
        provoke("/garbage", kind);
        provoke("/bad-chunk", kind);
    };
    another_protocol_that_speaks_first: Protocol => |kind| {
        let server = Greeter::start(b"220 mail.example ESMTP\r\n");
        provoke_with(&server.url, "request: GET fault:/x", kind);
    };
    ten_thousand_headers: Protocol => |kind| drop(provoke("/many-headers", kind));
    one_huge_header: Protocol => |kind| drop(provoke("/huge-header", kind));
    endless_head: Protocol => |kind| drop(provoke("/endless-head", kind));

    endless_body_that_is_kept: BodyTooLarge => |kind| {
        // Once, with time for a debug build: the limit of the size ends it, not that of the time.
        let server = FaultServer::start();
        let request = "request: GET fault:/endless-body, expect: [body == \"\"]";
        let plan = plan(&server.url, &server.url, request).replace("400ms", "60s");
        let ran = Scratch::new().run(&plan, &["--set", "load.iterations=1"]);
        ran.done.assert_code(1);
        check_accounting(&ran.result);
        assert_eq!(row(&ran.result, "fault")["failure_kinds"], json!({ kind: 1 }));
        assert_eq!(server.log.count("/endless-body"), 1);
    };
    not_json: Decode => |kind| at_our_server("request: GET fault:/wrong-json, expect: [json.ok == true]", kind);
    unexpected: Expect => |kind| at_our_server("request: GET fault:/ok, expect: [json.ok == false]", kind);
    nothing_to_capture: Capture => |kind| {
        at_our_server("request: GET fault:/ok, capture: { id: json.no_such_key }", kind);
    };
    redirects_without_end: RedirectLoop => |kind| {
        let server = FaultServer::start();
        let request = "request: GET fault:/redirect/302/self, redirects: 2";
        let ran = Scratch::new().run(&plan(&server.url, &server.url, request), &[]);
        ran.done.assert_code(1);
        check_accounting(&ran.result);
        // Each hop is a request: two that were followed, and the one that would have been the third.
        assert_eq!(row(&ran.result, "fault")["failure_kinds"], json!({ kind: 3 }));
        assert_eq!(row(&ran.result, "fault")["status"], json!({ "302": 9 }));
        assert_eq!((server.log.count("/redirect/302/self"), server.log.count("/ok")), (9, 3));
    };
    redirects_to_a_stranger: RedirectOutside => |kind| {
        let (server, stranger) = (FaultServer::start(), FaultServer::start());
        let request = format!("request: \"GET fault:/redirect/302/{}/ok\"", stranger.url);
        let result = provoke_with(&server.url, &request, kind);
        let words = result["failures"][0]["message"].as_str().unwrap();
        assert!(words.contains("outside the plan's targets") && words.contains(&stranger.url), "{words}");
        assert!(stranger.log.all().is_empty(), "nobody asked it for load: {:?}", stranger.log.all());
    };
    bad_status: Status => |kind| drop(provoke("/status/500", kind));
    never_captured: Template => |kind| {
        let server = FaultServer::start();
        let request = "request: \"GET fault:/items/{{ id }}\", capture: { id: json.id }";
        let result = provoke_with(&server.url, request, kind);
        assert!(server.log.all().is_empty(), "nothing was sent: {:?}", server.log.all());
        let message = result["failures"][0]["message"].as_str().unwrap();
        assert!(message.contains("id"), "{message}");
    };

    out_of_file_descriptors: LocalFds => |kind| {
        let server = FaultServer::start();
        // Nobody knows before how many users arrivals need, so this may start.
        let load = "rate: 200/s, duration: 1s, max_users: 200";
        let limit = ["-c", "ulimit -n 60; exec \"$@\"", "sh"];
        let ran = in_shell("sh", &limit, &format!("{}/slow/300", server.url), load);
        ran.done.assert_code(4);
        check_accounting(&ran.result);
        assert_eq!((&ran.result["verdict"], &ran.result["generator"]["reasons"][0]["kind"]), (&json!("invalid"), &json!("fds")));
        let row = row(&ran.result, "a");
        assert!(row["failure_kinds"][kind].as_u64() > Some(0), "{row}");
        assert_eq!(row["failure_kinds"][kind], row["failures"], "the target is not blamed: {row}");
        assert_eq!(server.log.count("/slow/300"), ran.result["accounting"]["ok"].as_u64().unwrap());
    };
    // connect(2) replaced: what makes the kernel say so makes the process's own allocations fail, too.
    out_of_memory: LocalMemory => |kind| {
        let Some(ran) = with_connect_that_fails("ENOMEM") else { return };
        ran.done.assert_code(4);
        check_accounting(&ran.result);
        assert_eq!((&ran.result["verdict"], &ran.result["generator"]["reasons"][0]["kind"]), (&json!("invalid"), &json!("memory")));
        assert_eq!(row(&ran.result, "a")["failure_kinds"], json!({ kind: 3 }));
        assert_eq!(row(&ran.result, "a")["requests"], 6, "the next request of each user works");
    };
    // The broadcast address of loopback: there is no way to connect to it, and nothing leaves the machine.
    no_way_to_connect: LocalRoute => |kind| {
        let load = "users: 1, iterations: 20";
        let ran = in_shell("env", &[], "http://127.255.255.255:9/x", load);
        no_route(&ran, kind);
        if let Some(ran) = in_a_network("ip link set lo up", false, "http://10.9.9.1:8080/", load) {
            no_route(&ran, kind);
        }
        // What an administrator has forbidden is no route either, whatever the system calls it.
        for how in ["unreachable", "prohibit", "blackhole"] {
            let set_up = format!("ip link set lo up; ip route add {how} 10.9.0.0/16");
            if let Some(ran) = in_a_network(&set_up, false, "http://10.9.9.1:8080/", load) {
                no_route(&ran, kind);
            }
        }
    };
    out_of_ports: LocalPorts => |kind| {
        let Some(ran) = in_a_network_of_four_ports("rate: 20000/s, duration: 300ms, max_users: 20") else { return };
        ran.done.assert_code(4);
        check_accounting(&ran.result);
        assert_eq!((&ran.result["verdict"], &ran.result["generator"]["reasons"][0]["kind"]), (&json!("invalid"), &json!("ports")));
        let row = row(&ran.result, "a");
        assert!(row["failure_kinds"][kind].as_u64() > Some(0), "{row}");
        assert_eq!(row["failure_kinds"][kind], row["failures"], "the target is not blamed: {row}");
        assert!(row["status"]["200"].as_u64() > Some(0), "those that have a port go on: {row}");
    };
}

/// A link whose other end has no address, and answers nothing.
const A_DEAD_NEIGHBOUR: &str = "ip link set lo up; ip link add near type veth peer name far; ip link set near up; \
     ip link set far up; ip address add 10.9.9.2/24 dev near; echo 50 > /proc/sys/net/ipv4/neigh/near/retrans_time_ms";

/// Twenty requests for which this machine has no way out: the run is invalid, and the target is not blamed.
#[track_caller]
fn no_route(ran: &Ran, kind: &str) {
    ran.done.assert_code(4);
    check_accounting(&ran.result);
    let reason = &ran.result["generator"]["reasons"][0];
    assert_eq!((&ran.result["verdict"], &reason["kind"]), (&json!("invalid"), &json!("route")));
    assert_eq!(row(&ran.result, "a")["failure_kinds"], json!({ kind: 20 }), "{}", ran.result["failures"]);
}

#[test]
fn no_route_is_told_before_the_load() {
    let plan = "plan: 1\ntarget: http://127.255.255.255:9\nendpoints: { a: { request: GET / } }\nload: { users: 1, iterations: 1 }\n";
    let ran = Scratch::new().run(plan, &[]);
    assert_eq!(row(&ran.result, "a")["failure_kinds"], json!({ "local.route": 1 }));
    let words = "warning: this machine has no way to target `target` at 127.255.255.255";
    assert!(ran.done.stderr.contains(words), "{}", ran.done.output());
}

/// IPv6 without a route beside an IPv4 address that works, as in many containers.
#[test]
fn an_address_without_a_route_beside_one_that_works_is_no_failure() {
    let scratch = Scratch::new();
    let hosts = scratch.write("hosts", "2001:db8::1 both.test\n127.0.0.1 both.test\n");
    let set_up = format!("ip link set lo up; mount --bind {} /etc/hosts", hosts.display());
    let load = "users: 3, iterations: 6";
    let Some(ran) = in_a_network(&set_up, true, "http://both.test:9002/health", load) else { return };
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    assert_eq!(
        (&row(&ran.result, "a")["requests"], &row(&ran.result, "a")["failures"]),
        (&json!(6), &json!(0))
    );
}

#[track_caller]
fn at_our_server(request: &str, kind: &str) {
    provoke_with(&FaultServer::start().url, request, kind);
}

#[test]
fn every_kind_is_provoked() {
    for kind in Failure::ALL {
        assert!(PROVOKED.contains(kind), "no test provokes {}", kind.name());
    }
}

/// Whether the request came before or after the close decides between two kinds, both true.
#[test]
fn closed_as_soon_as_it_is_open() {
    let (server, good) = (Greeter::start(b""), FaultServer::start());
    let plan = plan(&good.url, &server.url, "request: POST fault:/x, text: once").replace("400ms", "30s");
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    let kinds = row(&ran.result, "fault")["failure_kinds"].as_object().unwrap();
    let known = [Failure::Reset.name(), Failure::ClosedBeforeHeaders.name()];
    assert!(kinds.keys().all(|kind| known.contains(&kind.as_str())), "{}", ran.result["failures"]);
    assert_eq!((requests(&ran.result, "fault"), &row(&ran.result, "fault")["failures"]), (3, &json!(3)));
    // Each request opened one connection, and one more when the first handed it back unsent.
    let resent = ran.result["accounting"]["resent"].as_u64().unwrap();
    assert!(resent <= 3, "a request is sent again once at most: {resent}");
    assert_eq!(server.connections(), 3 + resent);
    assert_eq!((good.log.count("/ok"), &row(&ran.result, "good")["failures"]), (3, &json!(0)));
}

#[test]
fn refused_before_the_body_was_read() {
    let server = FaultServer::start();
    let scratch = Scratch::new();
    // More than the sockets' buffers hold, so that the rest cannot be written.
    scratch.write("large.txt.j2", &"x".repeat(4_190_000));
    let request = "request: POST fault:/early-answer, template: large.txt.j2";
    let ran = scratch.run(&plan(&server.url, &server.url, request), &[]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!(requests(&ran.result, "fault"), 3);
    // The rest of a refused request must not stand before the next one.
    assert_eq!(row(&ran.result, "fault")["status"]["413"], 3, "{}", ran.result["failures"]);
    assert_eq!(row(&ran.result, "fault")["failure_kinds"]["status"], 3);
    assert_eq!(row(&ran.result, "good")["failures"], 0);
    assert_eq!((server.log.count("/early-answer"), server.log.count("/ok")), (3, 3));
}

/// Three users against floods of every kind: what is sent without measure is not kept.
#[test]
fn floods_do_not_fill_the_memory() {
    let server = FaultServer::start();
    let faults =
        ["endless-body", "endless-1xx", "endless-100", "many-headers", "huge-header", "endless-head"];
    let endpoints: String = faults
        .iter()
        .map(|fault| format!("  {fault}: {{ request: GET /{fault}, timeout: 400ms }}\n"))
        .collect();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints:\n{endpoints}load: {{ users: 3, iterations: 24 }}\n\
         thresholds: [errors < 1%]\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!(ran.result["accounting"]["failed"], 24);
    assert_eq!(server.log.all().len(), 24);
    if cfg!(target_os = "linux") {
        // 400 ms of loopback are hundreds of megabytes, and hyper's buffers end at 408 KiB a connection.
        let most = ran.result["generator"]["max_rss_bytes"].as_u64().unwrap();
        assert!(most < 128 << 20, "{most} bytes");
    }
}
