//! What `http` says for all requests: whom TLS trusts, what requests say they come from, whether connections are
//! used again.

use std::collections::BTreeSet;

use crate::support::fault_server::FaultServer;
use crate::support::tls::{
    Authority, Fault, TlsServer, of_no_certificate, of_version_1, server_and_authority, server_by_common_name,
};
use crate::support::{Done, Running, Scratch, plimsoll, read_json, row};
use serde_json::{Value, json};

/// The server's port, an authority's files, and a client's.
struct Secure {
    server: TlsServer,
    scratch: Scratch,
    authority: Authority,
}

impl Secure {
    fn new(fault: Fault) -> Self {
        let (authority, scratch) = (Authority::new(), Scratch::new());
        authority.write(&scratch.path("ca.pem"));
        let (certificate, key) = authority.client();
        scratch.write("client.pem", &certificate);
        scratch.write("client.key", &key);
        Self { server: TlsServer::start(&authority, fault), scratch, authority }
    }

    /// One whose server is another.
    fn at(server: TlsServer) -> Self {
        Self { server, ..Self::new(Fault::None) }
    }

    /// Runs a plan with these TLS settings, written in both formats; what both say must be the same.
    fn run(&self, yaml: &str, toml: &str) -> (Done, Value) {
        let url = &self.server.url;
        let yaml = format!(
            "plan: 1\ntarget: {url}\nhttp: {{ tls: {yaml} }}\nready: {{ checks: [], timeout: 1s }}\n\
             endpoints:\n  it: {{ request: GET / }}\nload: {{ users: 1, iterations: 2 }}\n"
        )
        .replace("ready: { checks: [], timeout: 1s }\n", "");
        let toml = format!(
            "plan = 1\ntarget = \"{url}\"\nload = {{ users = 1, iterations = 2 }}\nhttp = {{ tls = {toml} }}\n\
             [endpoints.it]\nrequest = \"GET /\"\n"
        );
        let (from_yaml, result) = self.run_file("plan.yaml", &yaml);
        let (_, same) = self.run_file("plan.toml", &toml);
        assert_eq!(kinds(&result), kinds(&same));
        (from_yaml, result)
    }

    fn run_file(&self, name: &str, plan: &str) -> (Done, Value) {
        let (plan, json) = (self.scratch.write(name, plan), self.scratch.path("result.json"));
        let mut command = plimsoll();
        command.arg("run").arg(plan).arg("--allow-invalid").arg("--json").arg(&json);
        let done = Running::start(command).finish();
        (done, read_json(&json))
    }
}

fn kinds(result: &Value) -> (&Value, &Value) {
    let row = row(result, "it");
    (&row["requests"], &row["failure_kinds"])
}

fn all_ok() -> (Value, Value) {
    (json!(2), json!({}))
}

#[test]
fn an_authority_is_trusted_where_the_plan_names_it() {
    let secure = Secure::new(Fault::None);
    let (_, result) = secure.run("{}", "{}");
    assert_eq!(kinds(&result), (&json!(2), &json!({ "tls.certificate": 2 })));
    let (done, result) = secure.run("{ ca: ca.pem }", "{ ca = \"ca.pem\" }");
    assert_eq!(kinds(&result), (&all_ok().0, &all_ok().1));
    assert!(!done.stderr.contains("P121"), "{}", done.stderr);
    assert!(!result["notes"].to_string().contains("not checked"));
}

#[test]
fn another_authority_does_not_do() {
    let secure = Secure::new(Fault::None);
    Authority::new().write(&secure.scratch.path("ca.pem"));
    let (_, result) = secure.run("{ ca: ca.pem }", "{ ca = \"ca.pem\" }");
    assert_eq!(kinds(&result), (&json!(2), &json!({ "tls.certificate": 2 })));
}

#[test]
fn insecure_takes_any_certificate_and_says_so() {
    for fault in [Fault::SelfSigned, Fault::Expired, Fault::WrongHost, Fault::None] {
        let secure = Secure::new(fault);
        let (done, result) = secure.run("{ insecure: true }", "{ insecure = true }");
        assert_eq!(kinds(&result), (&all_ok().0, &all_ok().1), "{fault:?}");
        assert!(done.stderr.contains("warning[P121]: certificates are not checked"), "{}", done.stderr);
        assert!(result["notes"].to_string().contains("not checked"), "{}", result["notes"]);
        let (_, result) = secure.run("{ insecure: false }", "{ insecure = false }");
        assert_eq!(kinds(&result), (&json!(2), &json!({ "tls.certificate": 2 })), "{fault:?}");
    }
}

/// What webpki cannot even read, curl -k takes.
#[test]
fn insecure_takes_what_is_hardly_a_certificate() {
    for (config, words) in
        [(of_version_1(), "X.509 version 1"), (of_no_certificate(), "its encoding is broken")]
    {
        let secure = Secure::at(TlsServer::of(config));
        let (_, result) = secure.run("{ insecure: true }", "{ insecure = true }");
        assert_eq!(kinds(&result), (&all_ok().0, &all_ok().1), "{words}");
        let (_, result) = secure.run("{ insecure: false }", "{ insecure = false }");
        assert_certificate_refused(&result, words);
    }
}

/// As the test above, of a key that this process cannot make.
#[cfg(unix)]
#[test]
#[allow(clippy::print_stderr, reason = "what is not tested must be seen")]
fn insecure_takes_a_short_key() {
    let scratch = Scratch::new();
    let (key, certificate) = (scratch.path("short.key"), scratch.path("short.pem"));
    let mut made = std::process::Command::new("openssl");
    made.args(["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=localhost", "-days", "10"]);
    made.arg("-keyout").arg(&key).arg("-out").arg(&certificate).stderr(std::process::Stdio::null());
    if !made.status().is_ok_and(|status| status.success()) {
        eprintln!("not run: there is no openssl that makes an RSA key of 1024 bits");
        return;
    }
    // The port is free for as long as it takes openssl to start.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = std::process::Command::new("openssl");
    server.args(["s_server", "-quiet", "-www", "-cipher", "ALL:@SECLEVEL=0", "-accept", &port.to_string()]);
    server.arg("-key").arg(&key).arg("-cert").arg(&certificate);
    server.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut server = server.spawn().unwrap();
    let plan = format!(
        "plan: 1\ntarget: https://localhost:{port}\nhttp: {{ tls: {{ insecure: true }} }}\n\
         ready: {{ checks: [GET /], timeout: 60s }}\nload: {{ users: 1, iterations: 2 }}\n\
         endpoints: {{ it: {{ request: GET / }} }}\n"
    );
    let ran = scratch.run(&plan, &[]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(kinds(&ran.result), (&all_ok().0, &all_ok().1), "{}", ran.done.stderr);
}

#[track_caller]
fn assert_certificate_refused(result: &Value, words: &str) {
    assert_eq!(kinds(result), (&json!(2), &json!({ "tls.certificate": 2 })));
    let message = result["failures"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("TLS handshake failed: ") && message.contains(words), "{message}");
}

/// `openssl req -x509` makes a certificate that is its own authority; `curl --cacert` takes it.
#[test]
fn a_certificate_that_is_its_own_authority_is_trusted_where_the_plan_names_it() {
    let (yaml, toml) = ("{ ca: self.pem }", "{ ca = \"self.pem\" }");
    let (config, pem) = server_and_authority("localhost", 2200);
    let secure = Secure::at(TlsServer::of(config));
    secure.scratch.write("self.pem", &pem);
    let (_, result) = secure.run(yaml, toml);
    assert_eq!(kinds(&result), (&all_ok().0, &all_ok().1));
    // As above, where the host is only in the subject.
    let (config, pem) = server_by_common_name("LocalHost", 2200);
    let by_name = Secure::at(TlsServer::of(config));
    by_name.scratch.write("self.pem", &pem);
    let (_, result) = by_name.run(yaml, toml);
    assert_eq!(kinds(&result), (&all_ok().0, &all_ok().1));
    // Its name and its dates are still checked, and nobody else's certificate is trusted for it.
    let (_, another) = server_and_authority("localhost", 2200);
    secure.scratch.write("self.pem", &another);
    let (_, result) = secure.run(yaml, toml);
    assert_certificate_refused(&result, "name that very certificate in `http.tls.ca`");
    for ((config, pem), words) in [
        (
            server_and_authority("elsewhere.example", 2200),
            "is not for `localhost`: it is for `elsewhere.example`",
        ),
        (server_and_authority("localhost", 2020), "expired on 2020-01-01T00:00:00Z"),
        (server_by_common_name("elsewhere.example", 2200), "is not for `localhost`: it names no host"),
        (server_by_common_name("localhost", 2020), "expired on 2020-01-01T00:00:00Z"),
    ] {
        let secure = Secure::at(TlsServer::of(config));
        secure.scratch.write("self.pem", &pem);
        let (_, result) = secure.run(yaml, toml);
        assert_certificate_refused(&result, words);
    }
}

/// The same certificate where the system's are.
#[test]
fn a_certificate_that_is_its_own_authority_is_trusted_where_the_system_has_it() {
    let (config, pem) = server_and_authority("localhost", 2200);
    let (server, scratch) = (TlsServer::of(config), Scratch::new());
    let roots = scratch.write("roots.pem", &pem);
    let plan = format!(
        "plan: 1\ntarget: {}\nendpoints: {{ it: {{ request: GET / }} }}\nload: {{ users: 1, iterations: 2 }}\n",
        server.url
    );
    let ran = scratch.run_with(&plan, &[], &[("SSL_CERT_FILE", roots.to_str().unwrap())]);
    assert_eq!(kinds(&ran.result), (&all_ok().0, &all_ok().1));
}

#[test]
fn a_server_name_is_what_the_certificate_must_be_for() {
    let secure = Secure::new(Fault::WrongHost);
    let (_, result) = secure.run("{ ca: ca.pem }", "{ ca = \"ca.pem\" }");
    assert_eq!(kinds(&result), (&json!(2), &json!({ "tls.certificate": 2 })));
    let (_, result) = secure.run(
        "{ ca: ca.pem, server_name: elsewhere.example }",
        "{ ca = \"ca.pem\", server_name = \"elsewhere.example\" }",
    );
    assert_eq!(kinds(&result), (&all_ok().0, &all_ok().1));
}

#[test]
fn a_client_shows_its_certificate() {
    let secure = Secure::new(Fault::AsksClient);
    let (_, result) = secure.run("{ ca: ca.pem }", "{ ca = \"ca.pem\" }");
    assert_eq!(crate::support::count(&row(&result, "it")["failures"]), 2, "{result}");
    let (yaml, toml) = (
        "{ ca: ca.pem, cert: client.pem, key: client.key }",
        "{ ca = \"ca.pem\", cert = \"client.pem\", key = \"client.key\" }",
    );
    let (_, result) = secure.run(yaml, toml);
    assert_eq!(kinds(&result), (&all_ok().0, &all_ok().1));
    // Of an authority that the server does not know.
    let (certificate, key) = Authority::new().client();
    secure.scratch.write("client.pem", &certificate);
    secure.scratch.write("client.key", &key);
    let (_, result) = secure.run(yaml, toml);
    assert_eq!(crate::support::count(&row(&result, "it")["failures"]), 2, "{result}");
    // A key that belongs to another certificate never runs, and no line of it is shown.
    let (certificate, _) = secure.authority.client();
    secure.scratch.write("client.pem", &certificate);
    let plan = format!(
        "plan: 1\ntarget: {}\nhttp: {{ tls: {yaml} }}\nendpoints: {{ it: {{ request: GET / }} }}\n",
        secure.server.url
    );
    let (done, _) = secure.run_file("plan.yaml", &plan);
    done.assert_code(2);
    assert!(done.stderr.contains("the key does not belong to the certificate"), "{}", done.stderr);
    let secret = key.lines().nth(1).unwrap();
    assert!(!done.stderr.contains(secret) && !done.stdout.contains(secret));
}

fn sent(name: &str, plan: &str) -> Vec<crate::support::fault_server::Seen> {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = scratch.write(name, &plan.replace("URL", &server.url));
    let mut command = plimsoll();
    command.arg("run").arg(plan).args(["--allow-invalid", "--quiet", "--no-reports"]);
    Running::start(command).finish().assert_code(0);
    server.log.all()
}

#[test]
fn a_user_agent_of_the_plan() {
    let yaml = "plan: 1\ntarget: URL\nvariables: { v: 7 }\nhttp: { user_agent: \"shop/{{ v }}\" }\n\
                ready: { checks: [GET /ok] }\nload: { users: 1, iterations: 1 }\nendpoints:\n  it: { request: GET /ok }\n";
    let toml = "plan = 1\ntarget = \"URL\"\nvariables = { v = 7 }\nhttp = { user_agent = \"shop/{{ v }}\" }\n\
                ready = { checks = [\"GET /ok\"] }\nload = { users = 1, iterations = 1 }\n[endpoints.it]\nrequest = \"GET /ok\"\n";
    for all in [sent("plan.yaml", yaml), sent("plan.toml", toml)] {
        let agents: Vec<_> = all.iter().map(|seen| seen.header("user-agent").unwrap()).collect();
        assert_eq!(agents, ["shop/7", "shop/7"], "the check and the request");
    }
    let own = yaml.replace("request: GET /ok }", "request: GET /ok, headers: { User-Agent: own } }");
    assert_eq!(sent("plan.yaml", &own)[1].header("user-agent"), Some("own"));
}

#[test]
fn connections_are_used_again_unless_the_plan_says_no() {
    let yaml = "plan: 1\ntarget: URL\nhttp: { keep_alive: KEEP }\nload: { users: 1, iterations: 4 }\n\
                endpoints:\n  it: { request: GET /ok }\n";
    let toml = "plan = 1\ntarget = \"URL\"\nhttp = { keep_alive = KEEP }\nload = { users = 1, iterations = 4 }\n\
                [endpoints.it]\nrequest = \"GET /ok\"\n";
    for (keep, connections, header) in [("true", 1, None), ("false", 4, Some("close"))] {
        for (name, plan) in [("plan.yaml", yaml), ("plan.toml", toml)] {
            let all = sent(name, &plan.replace("KEEP", keep));
            assert_eq!(all.len(), 4);
            let different: BTreeSet<_> = all.iter().map(|seen| seen.connection).collect();
            assert_eq!(different.len(), connections, "keep_alive: {keep}");
            assert!(all.iter().all(|seen| seen.header("connection") == header), "{all:?}");
        }
    }
}

/// Each connection is part of the latency of its request, and none is counted as sent again.
#[test]
fn connections_of_their_own_are_counted() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = format!(
        "plan: 1\ntarget: {}\nhttp: {{ keep_alive: false }}\nload: {{ users: 2, iterations: 20 }}\n\
         endpoints:\n  it: {{ request: GET /ok }}\n",
        server.url
    );
    let ran = scratch.run(&plan, &[]);
    ran.done.assert_code(0);
    crate::support::check_accounting(&ran.result);
    assert_eq!(ran.result["totals"]["new_connections"], 20);
    assert_eq!(ran.result["accounting"]["resent"], 0);
}
