//! Requests byte for byte as the server receives them: bodies, their types and lengths, headers, queries.

use crate::support::fault_server::{FaultServer, Seen};
use crate::support::{Scratch, check_accounting, requests};
use serde_json::{Value, json};

const HEAD: &str = r#"
plan: 1
target: "URL"
variables: { top_k: 5, share: 0.5, on: true, none: null, list: [1, "two"], words: "a&b=c d/é+%" }
http: { headers: { accept: application/json, x-all: "yes" } }
load: { users: 1, iterations: 1 }
"#;

/// The one request that an endpoint makes.
fn sent(endpoint: &str) -> Seen {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    scratch.write("body.json.j2", "{# a note #}{\"q\": {{ words | tojson }}, \"k\": {{ top_k }}}");
    scratch.write("body.txt", "line 1\nline {{ top_k }}");
    let plan = format!("{}endpoints:\n  it: {{ {endpoint} }}\n", HEAD.replace("URL", &server.url));
    let ran = scratch.run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    assert_eq!(requests(&ran.result, "it"), 1);
    let mut seen = server.log.all();
    assert_eq!(seen.len(), 1);
    let seen = seen.remove(0);
    let host = server.url.strip_prefix("http://").unwrap();
    assert_eq!(seen.header("host"), Some(host));
    assert_eq!(seen.header("x-all"), Some("yes"), "defaults for every request");
    if !seen.body.is_empty() {
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
    }
    let names: Vec<_> = seen.headers.iter().map(|(name, _)| name).collect();
    let different: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "each header once: {names:?}");
    seen
}

fn json_sent(endpoint: &str) -> Value {
    let seen = sent(endpoint);
    assert_eq!(seen.header("content-type"), Some("application/json"));
    serde_json::from_slice(&seen.body).unwrap()
}

#[test]
fn a_lone_expression_keeps_its_type() {
    let body = json_sent(
        r#"request: POST /ok, json: { k: "{{ top_k }}", s: "{{ share }}", b: "{{ on }}", n: "{{ none }}",
           l: "{{ list }}", sum: "{{ top_k * 2 }}", in: { deep: ["{{ top_k }}"] }, text: "{{ words }}" }"#,
    );
    let wanted = json!({ "k": 5, "s": 0.5, "b": true, "n": null, "l": [1, "two"], "sum": 10,
                         "in": { "deep": [5] }, "text": "a&b=c d/é+%" });
    assert_eq!(body, wanted);
}

#[test]
fn an_expression_in_a_text_becomes_text() {
    let body = json_sent(r#"request: POST /ok, json: { k: "{{ top_k }} of {{ share }}", plain: "5", n: 5 }"#);
    assert_eq!(body, json!({ "k": "5 of 0.5", "plain": "5", "n": 5 }));
}

#[test]
fn json_keeps_the_order_of_its_keys() {
    let seen = sent(r#"request: POST /ok, json: { z: 1, a: "{{ top_k }}", m: [] }"#);
    assert_eq!(seen.text(), r#"{"z":1,"a":5,"m":[]}"#);
}

#[test]
fn json_that_is_a_list_or_one_value() {
    assert_eq!(json_sent(r#"request: POST /ok, json: ["{{ top_k }}", x]"#), json!([5, "x"]));
    assert_eq!(json_sent(r#"request: PUT /ok, json: "{{ list }}""#), json!([1, "two"]));
}

#[test]
fn form() {
    let seen = sent(r#"request: POST /ok, form: { a: "{{ words }}", "b c": 5, d: true, e: "" }"#);
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    let space = seen.text().replace('+', "%20");
    assert_eq!(space, "a=a%26b%3Dc%20d%2F%C3%A9%2B%25&b%20c=5&d=true&e=");
}

#[test]
fn text_and_templates() {
    let seen = sent(r#"request: POST /ok, text: "so {{ words }}""#);
    assert_eq!(
        (seen.text(), seen.header("content-type")),
        ("so a&b=c d/é+%", Some("text/plain; charset=utf-8"))
    );
    let seen = sent("request: POST /ok, template: body.json.j2");
    assert_eq!(seen.text(), r#"{"q": "a&b=c d/é+%", "k": 5}"#);
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let seen = sent("request: PATCH /ok, template: body.txt");
    assert_eq!((seen.method.as_str(), seen.text()), ("PATCH", "line 1\nline 5"));
    assert_eq!(seen.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[test]
fn a_content_type_that_is_written_wins() {
    let endpoint = "request: POST /ok, json: { a: 1 }, headers: { content-type: application/vnd.api+json }";
    assert_eq!(sent(endpoint).header("content-type"), Some("application/vnd.api+json"));
}

#[test]
fn headers_of_a_request_win() {
    let seen = sent(r#"request: GET /ok, headers: { Accept: text/html, x-k: "k={{ top_k }}", x-n: 7 }"#);
    assert_eq!(seen.header("accept"), Some("text/html"));
    assert_eq!((seen.header("x-k"), seen.header("x-n")), (Some("k=5"), Some("7")));
    assert_eq!(seen.header("content-type"), None, "no body, no type");
    assert!(matches!(seen.header("content-length"), None | Some("0")));
    assert!(seen.header("user-agent").unwrap().starts_with("plimsoll/"));
}

#[test]
fn queries_and_paths() {
    let seen = sent(r#"request: GET /ok?first=1, query: { q: "{{ words }}", k: "{{ top_k }}" }"#);
    assert_eq!(seen.path, "/ok?first=1&q=a%26b%3Dc%20d%2F%C3%A9%2B%25&k=5");
    let seen = sent(r#"request: "GET /items/{{ words }}""#);
    assert_eq!(seen.path, "/items/a&b=c%20d/%C3%A9+%", "encoded as far as a URL demands");
    let seen = sent(r#"request: "GET /items/{{ words | urlencode }}", query: { k: 1 }"#);
    assert!(
        ["/items/a%26b%3Dc%20d%2F%C3%A9%2B%25?k=1", "/items/a%26b%3Dc%20d/%C3%A9%2B%25?k=1"]
            .contains(&seen.path.as_str()),
        "encoded once, not twice: {}",
        seen.path
    );
    for path in ["/items/ünï?q=中", "/items/ünï?q={{ '中' }}", "/items/{% if true %}ünï{% endif %}?q=中"]
    {
        let seen = sent(&format!("request: \"GET {path}\""));
        assert_eq!(seen.path, "/items/%C3%BCn%C3%AF?q=%E4%B8%AD", "a request line holds ASCII: {path}");
    }
    let seen = sent(r#"request: "GET /items/{{ 'x HTTP/1.1\r\nx-evil: 1' }}""#);
    assert_eq!(seen.header("x-evil"), None, "a value never becomes a header: {seen:?}");
}

/// RFC 9110, section 8.6: many servers refuse such a request without it.
#[test]
fn a_request_whose_method_expects_a_body_says_that_it_has_none() {
    for (endpoint, length) in [
        ("request: POST /ok", Some("0")),
        ("request: PUT /ok", Some("0")),
        ("request: PATCH /ok", Some("0")),
        ("request: POST /ok, text: \"\"", Some("0")),
        ("request: POST /ok, text: \"{{ words | replace(words, '') }}\"", Some("0")),
        ("request: POST /ok, form: { ids: [] }", Some("0")),
        ("request: GET /ok, text: \"{{ words | replace(words, '') }}\"", None),
        ("request: GET /ok", None),
        ("request: DELETE /ok", None),
        ("request: HEAD /odd/head", None),
        ("request: OPTIONS /ok", None),
    ] {
        assert_eq!(sent(endpoint).header("content-length"), length, "{endpoint}");
    }
}

#[test]
fn so_do_readiness_logins_and_redirects() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nready: {{ checks: [POST /items/ready] }}\nauth: {{ steps: [{{ request: POST /login }}] }}\n\
         endpoints: {{ a: {{ request: POST /redirect/307//redirect/303//items/last }} }}\nload: {{ users: 1, iterations: 1 }}\n\
         thresholds: [errors < 1%]\n",
        server.url
    );
    Scratch::new().run(&plan, &[]).done.assert_code(0);
    let lengths: Vec<_> =
        server.log.all().iter().map(|s| s.header("content-length").map(str::to_owned)).collect();
    let none = || Some("0".to_owned());
    assert_eq!(lengths, [none(), none(), none(), none(), None], "{:?}", server.log.all());
}
