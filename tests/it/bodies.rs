//! Bodies of several parts, files and GraphQL as the server receives them, from plans in both languages.

use std::collections::BTreeMap;

use crate::support::Scratch;
use crate::support::fault_server::{FaultServer, Seen};
use serde_json::json;

const IMAGE: &[u8] = b"\x89PNG\r\n\x00\xff--plimsoll-\r\n--\r\n";

const YAML: &str = r#"
plan: 1
target: "URL"
variables: { id: 5, evil: "a\r\n--x\r\ncontent-type: y\"", tags: [a, "b c"] }
load: { users: 1, iterations: N }
endpoints:
  it: { request: POST /ok, BODY }
"#;

const TOML: &str = r#"
plan = 1
target = "URL"
load = { users = 1, iterations = N }
[variables]
id = 5
evil = "a\r\n--x\r\ncontent-type: y\""
tags = ["a", "b c"]
[endpoints.it]
request = "POST /ok"
BODY
"#;

/// What `plan` sends.
fn run(language: &str, plan: &str, body: &str, requests: usize, flags: &[&str]) -> Vec<Seen> {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    for (name, bytes) in [("photo.PNG", IMAGE), ("q.graphql", b"query A { a }\nquery B { b(x: \"{ {\") }")] {
        std::fs::write(scratch.path(name), bytes).unwrap();
    }
    let plan = plan.replace("URL", &server.url).replace("iterations: N", &format!("iterations: {requests}"));
    let plan = plan.replace("iterations = N", &format!("iterations = {requests}")).replace("BODY", body);
    let file = scratch.write(&format!("plan.{language}"), &plan);
    let mut all = vec!["run", file.to_str().unwrap(), "--allow-invalid", "--no-reports"];
    all.extend(flags);
    let mut command = crate::support::plimsoll();
    command.args(all);
    crate::support::Running::start(command).finish().assert_code(0);
    let seen = server.log.all();
    assert_eq!(seen.len(), requests);
    seen
}

/// The one request of both plans.
fn both(yaml: &str, toml: &str) -> [Seen; 2] {
    [run("yaml", YAML, yaml, 1, &[]).remove(0), run("toml", TOML, toml, 1, &[]).remove(0)]
}

/// A part as it came: its headers by name, its bytes.
type Part = (BTreeMap<String, String>, Vec<u8>);

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(by.len()).position(|found| found == by)?;
    Some((&bytes[..at], &bytes[at + by.len()..]))
}

/// Reads a body by RFC 2046: nothing before, between or after the parts.
fn parts(seen: &Seen) -> Vec<Part> {
    let boundary =
        seen.header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
    assert!((1..=70).contains(&boundary.len()));
    let open = format!("--{boundary}");
    let mut rest = seen.body.strip_prefix(open.as_bytes()).unwrap();
    let mut found = vec![];
    while rest != b"--\r\n" {
        rest = rest.strip_prefix(b"\r\n").unwrap();
        let (part, after) = split(rest, format!("\r\n{open}").as_bytes()).unwrap();
        let (head, content) = split(part, b"\r\n\r\n").unwrap();
        let mut headers = BTreeMap::new();
        for line in std::str::from_utf8(head).unwrap().split("\r\n") {
            assert!(!line.contains(['\r', '\n']), "{line:?}");
            let (name, value) = line.split_once(": ").unwrap();
            assert!(headers.insert(name.to_ascii_lowercase(), value.to_owned()).is_none());
        }
        found.push((headers, content.to_vec()));
        rest = after;
    }
    found
}

fn part(disposition: &str, kind: Option<&str>, content: &[u8]) -> Part {
    let mut headers = BTreeMap::from([("content-disposition".into(), format!("form-data; {disposition}"))]);
    headers.extend(kind.map(|kind| ("content-type".into(), kind.into())));
    (headers, content.to_vec())
}

#[test]
fn parts_of_every_kind() {
    let yaml = r##"multipart: { a: "id {{ id }}", n: [1, 2], evil: "{{ evil }}", "q\"\r\n": x,
        photo: { file: photo.PNG }, doc: { file: photo.PNG, filename: "{{ evil }}", content_type: image/x },
        meta: { json: { id: "{{ id }}" } }, note: { text: "# {{ id }}", content_type: text/markdown } }"##;
    let toml = r##"[endpoints.it.multipart]
a = "id {{ id }}"
n = [1, 2]
evil = "{{ evil }}"
"q\"\r\n" = "x"
photo = { file = "photo.PNG" }
doc = { file = "photo.PNG", filename = "{{ evil }}", content_type = "image/x" }
meta = { json = { id = "{{ id }}" } }
note = { text = "# {{ id }}", content_type = "text/markdown" }"##;
    let wanted = [
        part("name=\"a\"", None, b"id 5"),
        part("name=\"n\"", None, b"1"),
        part("name=\"n\"", None, b"2"),
        part("name=\"evil\"", None, b"a\r\n--x\r\ncontent-type: y\""),
        part("name=\"q%22%0D%0A\"", None, b"x"),
        part("name=\"photo\"; filename=\"photo.PNG\"", Some("image/png"), IMAGE),
        part("name=\"doc\"; filename=\"a%0D%0A--x%0D%0Acontent-type: y%22\"", Some("image/x"), IMAGE),
        part("name=\"meta\"", Some("application/json"), b"{\"id\":5}"),
        part("name=\"note\"", Some("text/markdown"), b"# 5"),
    ];
    for seen in both(yaml, toml) {
        assert_eq!(parts(&seen), wanted);
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
    }
}

#[test]
fn parts_that_never_change() {
    for seen in both("multipart: { a: b }", "multipart = { a = \"b\" }") {
        assert_eq!(parts(&seen), [part("name=\"a\"", None, b"b")]);
    }
}

#[test]
fn a_seed_repeats_the_boundaries() {
    let once = |seed: &str| -> Vec<String> {
        let body = "multipart: { a: \"{{ user.id }}\" }";
        let seen = run("yaml", YAML, body, 3, &["--seed", seed]);
        seen.iter().map(|seen| seen.header("content-type").unwrap().to_owned()).collect()
    };
    let first = once("7");
    assert!(first[0] != first[1] && first[1] != first[2], "{first:?}");
    assert_eq!(once("7"), first);
    assert_ne!(once("8"), first);
}

#[test]
fn a_file_as_it_is() {
    for seen in both("file: photo.PNG", "file = \"photo.PNG\"") {
        assert_eq!((seen.body.as_slice(), seen.header("content-type")), (IMAGE, Some("image/png")));
    }
    let [yaml, toml] = both(
        "file: photo.PNG, headers: { content-type: image/apng }",
        "file = \"photo.PNG\"\nheaders = { content-type = \"image/apng\" }",
    );
    for seen in [yaml, toml] {
        assert_eq!((seen.body.as_slice(), seen.header("content-type")), (IMAGE, Some("image/apng")));
    }
}

#[test]
fn graphql() {
    let seen = both(
        r#"graphql: { query: "query A($id: ID) { a(id: $id) }", variables: { id: "{{ id }}" } }"#,
        r#"graphql = { query = "query A($id: ID) { a(id: $id) }", variables = { id = "{{ id }}" } }"#,
    );
    for seen in seen {
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(body, json!({ "query": "query A($id: ID) { a(id: $id) }", "variables": { "id": 5 } }));
        assert_eq!(seen.header("content-type"), Some("application/json"));
        assert!(seen.header("accept").unwrap().starts_with("application/graphql-response+json"));
    }
    let seen = both(
        "graphql: { query: { file: q.graphql }, operation: B }",
        "graphql = { query = { file = \"q.graphql\" }, operation = \"B\" }",
    );
    for seen in seen {
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        let document = "query A { a }\nquery B { b(x: \"{ {\") }";
        assert_eq!(body, json!({ "query": document, "operationName": "B" }));
    }
}

#[test]
fn lists_are_repeated() {
    let seen = both(
        r#"query: { t: [a, "b c"], u: "{{ tags }}", v: [] }, form: { x: [1, "{{ id }}"], y: "{{ tags }}" }"#,
        "query = { t = [\"a\", \"b c\"], u = \"{{ tags }}\", v = [] }\nform = { x = [1, \"{{ id }}\"], y = \"{{ tags }}\" }",
    );
    for seen in seen {
        assert_eq!(seen.path, "/ok?t=a&t=b%20c&u=a&u=b%20c");
        assert_eq!(seen.text(), "x=1&x=5&y=a&y=b%20c");
    }
}
