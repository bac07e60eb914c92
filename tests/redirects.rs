//! Redirects as servers see them: which requests arrive, with what in them, and what they count as.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::fault_server::FaultServer;
use support::{Scratch, check_accounting, row};

/// One user, one iteration of the endpoint `a`, with a second server as the target `other`.
fn plan(server: &FaultServer, other: &FaultServer, endpoint: &str) -> String {
    format!(
        "plan: 1\ntargets: {{ main: \"{}\", other: \"{}\" }}\nendpoints: {{ a: {{ {endpoint} }} }}\n\
         load: {{ users: 1, iterations: 1 }}\nthresholds: [errors < 1%]\n",
        server.url, other.url
    )
}

#[test]
fn a_post_becomes_a_get_or_stays_one() {
    for (status, method, body) in [(303, "GET", ""), (302, "GET", ""), (307, "POST", r#"{"n":1}"#)] {
        let (server, other) = (FaultServer::start(), FaultServer::start());
        let endpoint = format!(
            "request: POST /redirect/{status}//ok?x=1, redirects: 3, json: {{ n: 1 }}, \
             headers: {{ authorization: \"Bearer abc\" }}, expect: [status == 200, json.ok], capture: {{ id: \"json.items[0].id\" }}"
        );
        let ran = Scratch::new().run(&plan(&server, &other, &endpoint), &[]);
        ran.done.assert_code(0);
        check_accounting(&ran.result);
        let seen = server.log.of("/ok");
        assert_eq!(
            (seen[0].method.as_str(), seen[0].text(), seen[0].path.as_str()),
            (method, body, "/ok?x=1")
        );
        assert_eq!(seen[0].header("content-type").is_some(), method == "POST");
        assert_eq!(seen[0].header("authorization"), Some("Bearer abc"), "the same place");
        assert_eq!(seen[0].connection, server.log.all()[0].connection, "the user's connection goes on");
        // Each hop is a request, and only the last answer is judged.
        let row = row(&ran.result, "a");
        assert_eq!(row["status"], json!({ status.to_string(): 1, "200": 1 }), "{row}");
        assert_eq!(row["requests"], 2);
        let notes = ran.result["notes"].to_string();
        assert!(notes.contains("1 redirects were followed"), "{notes}");
    }
}

#[test]
fn credentials_do_not_go_to_another_place() {
    let (server, other) = (FaultServer::start(), FaultServer::start());
    let plan = format!(
        "plan: 1\ntargets: {{ main: \"{0}\", other: \"{1}\" }}\n\
         auth: {{ steps: [{{ request: POST /login, capture: {{ token: json.token }} }}],\n\
         \x20       apply: {{ headers: {{ x-key: \"{{{{ auth.token }}}}\", authorization: \"Bearer {{{{ auth.token }}}}\" }} }} }}\n\
         http: {{ redirects: 1, headers: {{ cookie: a=b, x-api-key: k, accept: text/html }} }}\n\
         endpoints: {{ a: {{ request: \"GET /redirect/302/{1}/ok\" }} }}\nload: {{ users: 1, iterations: 1 }}\n\
         thresholds: [errors < 1%]\n",
        server.url, other.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    let first = server.log.all().into_iter().find(|seen| seen.path.starts_with("/redirect")).unwrap();
    assert_eq!((first.header("x-key"), first.header("x-api-key")), (Some("token-1"), Some("k")));
    let seen = &other.log.of("/ok")[0];
    for name in ["x-key", "x-api-key", "authorization", "cookie"] {
        assert_eq!(seen.header(name), None, "{name} was meant for another place");
    }
    assert_eq!(seen.header("accept"), Some("text/html"));
    assert_eq!(Some(seen.header("host").unwrap()), other.url.strip_prefix("http://"));
}

#[test]
fn none_are_followed_unless_the_plan_says_so() {
    let (server, other) = (FaultServer::start(), FaultServer::start());
    for endpoint in ["request: GET /redirect/302//ok", "request: GET /redirect/302//ok, redirects: 0"] {
        let ran = Scratch::new().run(&plan(&server, &other, endpoint), &[]);
        ran.done.assert_code(0);
        assert_eq!(row(&ran.result, "a")["status"], json!({ "302": 1 }));
    }
    assert_eq!(server.log.count("/ok"), 0);
}

#[test]
fn in_toml_for_every_request() {
    let server = FaultServer::start();
    let scratch = Scratch::new();
    let text = format!(
        "plan = 1\ntarget = \"{}\"\nload = {{ users = 1, iterations = 2 }}\nhttp.redirects = 2\n\
         [endpoints.a]\nrequest = \"GET /redirect/308/%2Fno\"\nredirects = 0\n\
         [endpoints.b]\nrequest = \"GET /redirect/301//ok\"\nweight = 1\n",
        server.url
    );
    let path = scratch.write("plan.toml", &text);
    let done = support::Running::start({
        let mut command = support::plimsoll();
        command.args(["run", "--allow-invalid", "--json"]).arg(scratch.path("r.json")).arg(path);
        command
    })
    .finish();
    done.assert_code(0);
    assert_eq!(server.log.count("/ok"), 2);
}
