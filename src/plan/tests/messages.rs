//! Wrong plans: every message a person can meet.

use super::{load, problems, rendered, yaml};
use crate::plan::load::Overrides;
use crate::plan::parse::Format;

#[test]
fn one_text_shows_all_its_problems_at_once() {
    let text = "\
plan: 1
target: http://x
endpoints:
  a:
    request: GET /
    wieght: 5
    timeout: 5
    json: {}
    form: {}
  b:
    request: GET /
    expect: { status: [200, 999] }
flows:
  f:
    steps:
      - poll: { request: GET / }
      - use: a
        request: GET /
load: { stages: [], users: 5 }
auth: { scope: usr, steps: [ { request: GET / } ] }
";
    let expected = "\
error[P010]: `wieght` is not a key of a request
 --> plan.yaml:6:5
  |
6 |     wieght: 5
  |     ^^^^^^
  |
  = help: did you mean `weight`?
";
    let loaded = yaml(text);
    assert!(rendered(&loaded).starts_with(expected), "{}", rendered(&loaded));
    assert_eq!(
        problems(&loaded),
        [
            "P010 `wieght` is not a key of a request",
            "P015 5 what?",
            "P014 `json` and `form` exclude each other",
            "P017 `999` is not an HTTP status",
            "P013 `poll` needs `until`",
            "P014 `use` and `request` are two steps",
            "P014 `stages` and `users` exclude each other",
            "P016 `usr` is not a scope",
        ]
    );
}

#[test]
fn each_mistake_has_its_message() {
    for (text, expected) in [
        ("", "P013 the plan is empty"),
        ("# nothing\n", "P013 the plan is empty"),
        ("hello", "P012 expected a plan: a map that starts with `plan: 1`, found text"),
        ("target: http://x", "P013 a plan needs `plan`"),
        ("plan: 2", "P018 format version 2 is not known"),
        ("plan: one", "P012 expected a whole number, found text"),
        ("plan: 1\nplan: 1", "P002 `plan` is written twice"),
        (
            "plan: 1\ntarget: http://x\ntargets: { a: http://y }",
            "P014 `target` and `targets` exclude each other",
        ),
        ("plan: 1\nname: [a]", "P012 expected text, found a list"),
        ("plan: 1\nname: 5", "P012 expected text, found a number"),
        ("plan: 1\nname:", "P012 expected text, found nothing"),
        ("plan: 1\nhttp: { headers: { v: +1.10 } }", "P012 this number would be sent as `1.10`"),
        ("plan: 1\nhttp: { headers: { v: [1] } }", "P012 expected text or a number, found a list"),
        ("plan: 1\nthink: -1s", "P015 `-1s` is negative; a duration cannot be"),
        (
            "plan: 1\nthink: '{{ x }}'",
            "P015 expected a duration such as 2s, or a range such as 1s..5s, found a template",
        ),
        ("plan: 1\nscenarios: {}", "P013 `scenarios` is empty"),
        ("plan: 1\nload: { rate: 5, duration: 1m }", "P015 5 per what?"),
        ("plan: 1\nload: { users: 1 }", "P013 a load by time needs `duration`"),
        ("plan: 1\nload: { users: 0, duration: 1m }", "P017 `users` is 0, so nothing would run"),
        ("plan: 1\nload: { stages: [] }", "P013 `stages` is empty"),
        ("plan: 1\nload: { users: 1, duration: 1m, spawn_rate: 5 }", "P015 5 per what?"),
        ("plan: 1\nthresholds: [{ that: p95 < 1s, abort: soon }]", "P012 expected true or false, found text"),
        (
            "plan: 1\nthresholds: [{ that: p95 < 1s, over: 1500ms }]",
            "P017 `over` is not a whole number of seconds",
        ),
        ("plan: 1\nthresholds: [{ that: p95 < 1s, for: 0s }]", "P017 `for` is not a whole number of seconds"),
        (
            "plan: 1\nthresholds: p95 < 1s",
            "P012 expected a list, each item a threshold such as `p95 < 200ms`, found text",
        ),
        ("plan: 1\nflows: { f: { steps: [{ requst: GET / }] } }", "P010 `requst` is not a key of a step"),
        ("plan: 1\nflows: { f: { steps: [{ weight: 1 }] } }", "P013 this step does nothing"),
        ("plan: 1\nflows: { f: {} }", "P013 a flow needs `steps`"),
        ("plan: 1\nauth: { scope: run }", "P013 this `auth` says nothing to log in with"),
        (
            "plan: 1\nauth: { bearer: x, basic: { username: a, password: b } }",
            "P014 `bearer` and `basic` exclude each other",
        ),
        ("plan: 1\nauth: { steps: [{ request: GET / }], refresh: { after: 5 } }", "P015 5 what?"),
        (
            "plan: 1\nendpoints: { a: { request: GET /, name: x } }",
            "P010 an endpoint is named by its key; `name` belongs to a request in `steps`",
        ),
        ("plan: 1\nendpoints: { a: { request: GET /, weight: -1 } }", "P017 `weight` is negative"),
        ("plan: 1\ngrading: { tolerance: 2 }", "P015 2 what?"),
        ("plan: 1\nprofiles: { a: { lod: {} } }", "P010 `lod` is not a key of a plan"),
        ("plan: 1\nprofiles: { a: 5 }", "P012 expected a map of changes, found a number"),
        ("plan: 1\nvariables: { a: .inf }", "P017 `.inf` is not a finite number"),
        ("plan: 1\nvariables: { a: !!set b }", "P001 the tag `!!set` has no meaning in a plan"),
        ("plan: 1\n---\nplan: 1", "P001 a plan is one document; a second one starts here"),
        ("plan: 1\n? [a]\n: 1", "P001 a key must be text, found a list"),
        ("plan: 1\nname: 'x", "P001 a quoted text does not end"),
        ("plan: 1\nload: { users: 1", "P001 a `[` or `{` is never closed"),
        ("plan: 1\nname: a: b", "P001 a `:` is not possible here"),
        ("plan: 1\nload:\n\tusers: 1", "P004 a tab is used for indentation; YAML wants spaces"),
        ("plan: 1\nvariables: { a: *b }", "P001 this alias names no anchor"),
    ] {
        assert_eq!(problems(&yaml(text)), [expected], "{text}\n{}", rendered(&yaml(text)));
    }
}

#[test]
fn template_traps_show_the_line_to_write() {
    for (line, fixed) in [
        ("name: {{ env.NAME }}", "name: \"{{ env.NAME }}\""),
        ("name: {{ env.NAME }} # why", "name: \"{{ env.NAME }}\" # why"),
        ("name: {{ env.HOST }}/api", "name: \"{{ env.HOST }}/api\""),
        ("name: {{ env.NAME | default(\"x\") }}", "name: '{{ env.NAME | default(\"x\") }}'"),
        ("name: {{ a['b'] }}", "name: \"{{ a['b'] }}\""),
        ("thresholds:\n  - {{ x }}", "- \"{{ x }}\""),
        ("variables: { a: {{ x }}, b: 1 }", "variables: { a: \"{{ x }}\", b: 1 }"),
        ("variables: { a: GET /{{ x }}/y, b: 1 }", "variables: { a: \"GET /{{ x }}/y\", b: 1 }"),
        ("thresholds: [ {{ x }}, b ]", "thresholds: [ \"{{ x }}\", b ]"),
        ("variables: { a: x {{ f(1, 2) }} y }", "variables: { a: \"x {{ f(1, 2) }} y\" }"),
        ("variables: { a: { b: {{ x }} } }", "variables: { a: { b: \"{{ x }}\" } }"),
    ] {
        let loaded = yaml(&format!("plan: 1\n{line}\n"));
        let traps: Vec<_> = loaded.diagnostics.sorted().iter().map(|d| (d.code, d.help.join("|"))).collect();
        assert_eq!(traps, [("P003", format!("write: {fixed}"))], "{line}\n{}", rendered(&loaded));
    }
}

#[test]
fn two_template_traps_are_both_shown() {
    let loaded = yaml("plan: 1\nname: {{ a }}\ndescription: {{ b }}\nwrong: 1\n");
    assert_eq!(
        loaded.diagnostics.sorted().iter().map(|d| d.code).collect::<Vec<_>>(),
        ["P003", "P003", "P010"]
    );
}

#[test]
fn duplicate_keys_name_both_places() {
    let shown = rendered(&yaml("plan: 1\nname: a\ntarget: http://x\nname: b\n"));
    let expected = "\
error[P002]: `name` is written twice
 --> plan.yaml:4:1
  |
2 | name: a
  | ---- first here
3 | target: http://x
4 | name: b
  | ^^^^ again here
  |
  = help: remove one of them, or give it another name

";
    assert_eq!(shown, expected);
    let apart = rendered(&yaml(&format!("plan: 1\nname: a\n{}name: b\n", "\n".repeat(20))));
    assert!(apart.contains("plan.yaml:23:1") && apart.contains("plan.yaml:2:1"), "{apart}");
}

#[test]
fn toml_mistakes_have_places() {
    let toml = |text: &str| load(Format::Toml, text, &Overrides::default());
    let loaded = toml("plan = 1\nthink = 5s\nname = \"a\"\nwieght = 1\nname = \"b\"\n");
    let codes: Vec<_> = loaded.diagnostics.sorted().iter().map(|d| d.code).collect();
    assert!(
        codes.contains(&"P001") && codes.contains(&"P002") && codes.contains(&"P010"),
        "{}",
        rendered(&loaded)
    );
    let shown = rendered(&loaded);
    assert!(shown.contains("text needs quotes in TOML; write: think = \"5s\""), "{shown}");
    assert!(shown.contains("plan.yaml:4:1"), "{shown}");
    assert_eq!(problems(&toml("")), ["P013 the plan is empty"]);
    assert_eq!(problems(&toml("plan = 1\n[load]\nusers = 5\n")), ["P013 a load by time needs `duration`"]);
}
