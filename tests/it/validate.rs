//! `plimsoll validate` for machines and many files: formats, folders, `--strict`.

use crate::support::{Scratch, plimsoll};
use serde_json::{Value, json};

const TYPO: &str = "plan: 1\ntarget: http://localhost:9000\nendpoints:\n  health:\n    requst: GET /health\n";
const RIGHT: &str =
    "plan: 1\ntarget: http://localhost:9000\nendpoints: { health: { request: GET /health } }\n";
const DOUBT: &str = "plan: 1\ntarget: http://localhost:9000\nendpoints: { health: { request: GET /health } }\nthresholds: [p95 < 1s, p95 < 2s]\n";

struct Told {
    out: String,
    err: String,
    code: Option<i32>,
}

fn validate(scratch: &Scratch, arguments: &[&str]) -> Told {
    let output = plimsoll().arg("validate").args(arguments).current_dir(scratch.path("")).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Told { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
}

#[test]
fn json_is_a_list_of_problems() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", TYPO);
    scratch.write("b.yaml", RIGHT);
    scratch.write("c.yaml", "plan: 1\ntarget: http://x\ntargets: { a: http://y }\nendpoints: { é: { request: GET /, wieght: 1 } }\n");
    let told = validate(&scratch, &["--format", "json", "a.yaml", "b.yaml", "c.yaml"]);
    assert_eq!((told.code, told.err.as_str()), (Some(2), ""));
    let list: Value = serde_json::from_str(&told.out).unwrap();
    let expected = json!({
        "file": "a.yaml", "line": 5, "column": 5, "end_line": 5, "end_column": 11,
        "code": "P010", "severity": "error",
        "message": "`requst` is not a key of a request",
        "help": ["did you mean `request`?"],
        "related": [],
        "fix": { "file": "a.yaml", "line": 5, "column": 5, "end_line": 5, "end_column": 11, "text": "request" },
    });
    assert_eq!(list[0], expected);
    let clash = list.as_array().unwrap().iter().find(|problem| problem["code"] == "P014").unwrap();
    let related = json!([{ "file": "c.yaml", "line": 2, "column": 1, "end_line": 2, "end_column": 7, "message": "`target` here" }]);
    assert_eq!((&clash["related"], &clash["line"]), (&related, &json!(3)));
    // Columns are characters: `é` is one.
    let key = list.as_array().unwrap().iter().find(|problem| problem["line"] == 4).unwrap();
    assert_eq!((&key["column"], &key["end_column"]), (&json!(35), &json!(41)), "{key}");
    let right = validate(&scratch, &["--format", "json", "b.yaml"]);
    assert_eq!((right.out.trim(), right.code), ("[]", Some(0)));
}

#[test]
fn github_gets_one_harmless_line_a_problem() {
    let scratch = Scratch::new();
    let evil = "100%,a:b\n::set-output name=x::y.yaml";
    scratch.write(evil, "plan: 1\n\"k\\n::error::forged\\x1b[31m\": 1\ntarget: http://x\nendpoints: { a: { request: GET / } }\n");
    scratch.write("b.yaml", DOUBT);
    let told = validate(&scratch, &["--format", "github", evil, "b.yaml"]);
    assert_eq!(told.code, Some(2));
    let lines: Vec<_> = told.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", told.out);
    assert!(lines[0].starts_with("::error file=100%25%2Ca%3Ab "), "{}", told.out);
    assert!(lines[0].contains(",line=2,col=1,endColumn="), "{}", told.out);
    assert!(
        lines[1].starts_with("::warning file=b.yaml,line=4,col=24,endColumn=32,title=P204%3A "),
        "{}",
        told.out
    );
    assert!(!told.out.contains('\u{1b}') && !told.err.contains("::"), "{}{}", told.out, told.err);
    assert_eq!(told.err, "2 plans: 1 ok, 1 wrong, 1 error, 1 warning\n");
}

/// What SARIF 2.1.0 demands of the parts that are used.
fn sarif_schema() -> Value {
    let text = json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string", "minLength": 1 } } });
    let region = json!({ "type": "object", "additionalProperties": false, "required": ["startLine"], "properties": {
        "startLine": { "type": "integer", "minimum": 1 }, "startColumn": { "type": "integer", "minimum": 1 },
        "endLine": { "type": "integer", "minimum": 1 }, "endColumn": { "type": "integer", "minimum": 1 } } });
    let artifact = json!({ "type": "object", "required": ["uri"], "additionalProperties": false,
        "properties": { "uri": { "type": "string", "format": "uri-reference" } } });
    let location = json!({ "type": "object", "required": ["physicalLocation"], "additionalProperties": false, "properties": {
        "id": { "type": "integer", "minimum": 0 }, "message": text,
        "physicalLocation": { "type": "object", "required": ["artifactLocation"], "additionalProperties": false,
            "properties": { "artifactLocation": artifact, "region": region } } } });
    let fix = json!({ "type": "object", "required": ["artifactChanges"], "additionalProperties": false, "properties": {
        "description": text,
        "artifactChanges": { "type": "array", "minItems": 1, "items": { "type": "object",
            "required": ["artifactLocation", "replacements"], "additionalProperties": false, "properties": {
                "artifactLocation": artifact,
                "replacements": { "type": "array", "minItems": 1, "items": { "type": "object", "required": ["deletedRegion"],
                    "properties": { "deletedRegion": region, "insertedContent": text } } } } } } } });
    let rule = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" },
        "shortDescription": text, "fullDescription": text, "help": text } });
    let result = json!({ "type": "object", "required": ["message"], "additionalProperties": false, "properties": {
        "ruleId": { "type": "string" }, "ruleIndex": { "type": "integer", "minimum": 0 },
        "level": { "enum": ["none", "note", "warning", "error"] }, "message": text,
        "locations": { "type": "array", "items": location }, "relatedLocations": { "type": "array", "items": location },
        "fixes": { "type": "array", "items": fix } } });
    json!({ "type": "object", "required": ["version", "runs"], "properties": {
        "version": { "const": "2.1.0" },
        "runs": { "type": "array", "items": { "type": "object", "required": ["tool"], "additionalProperties": false, "properties": {
            "tool": { "type": "object", "required": ["driver"], "properties": { "driver": { "type": "object",
                "required": ["name"], "properties": { "name": { "type": "string" }, "semanticVersion": { "type": "string" },
                    "rules": { "type": "array", "uniqueItems": true, "items": rule } } } } },
            "columnKind": { "enum": ["utf16CodeUnits", "unicodeCodePoints"] },
            "results": { "type": "array", "items": result } } } } } })
}

#[test]
fn sarif_is_what_code_scanning_reads() {
    let scratch = Scratch::new();
    scratch.write("a b.yaml", TYPO);
    scratch.write("c.yaml", DOUBT);
    let told = validate(&scratch, &["--format", "sarif", "a b.yaml", "c.yaml"]);
    assert_eq!((told.code, told.err.as_str()), (Some(2), ""));
    let log: Value = serde_json::from_str(&told.out).unwrap();
    let validator = jsonschema::validator_for(&sarif_schema()).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&log).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}\n{log:#}");
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("Right:\n\n```yaml\n"), "{rule}");
    }
    assert_eq!(results[0]["level"], "error");
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b.yaml");
    let change = &results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(
        (&change["insertedContent"]["text"], &change["deletedRegion"]["startColumn"]),
        (&json!("request"), &json!(5))
    );
    assert_eq!(
        (&results[1]["level"], &results[1]["relatedLocations"][0]["message"]["text"]),
        (&json!("warning"), &json!("this one"))
    );
    let none = validate(&scratch, &["--format", "sarif", "no.yaml"]);
    let log: Value = serde_json::from_str(&none.out).unwrap();
    assert!(validator.is_valid(&log) && log["runs"][0]["results"][0]["ruleId"] == "P006", "{log:#}");
}

#[test]
fn secrets_are_hidden_in_every_format() {
    let scratch = Scratch::new();
    let plan = "plan: 1\ntarget: http://localhost:9000\nsecrets: { hunter2hunter2: { env: NO_SUCH, default: hunter2hunter2 } }\n\
        endpoints: { a: { request: GET /hunter2hunter2 x, hunter2hunter2: 1 } }\n";
    scratch.write("a.yaml", plan);
    for format in ["human", "json", "github", "sarif"] {
        let told = validate(&scratch, &["--format", format, "a.yaml"]);
        assert!(told.code == Some(2) && !told.out.is_empty(), "{format}");
        assert!(!format!("{}{}", told.out, told.err).contains("hunter2hunter2"), "{}{}", told.out, told.err);
    }
}

#[test]
fn folders_are_searched_for_plans() {
    let scratch = Scratch::new();
    for folder in ["plans/deep", "plans/.git", "plans/node_modules", "empty"] {
        std::fs::create_dir_all(scratch.path(folder)).unwrap();
    }
    scratch.write("plans/a.yaml", RIGHT);
    scratch.write("plans/deep/b.yml", DOUBT);
    scratch
        .write("plans/deep/c.toml", "plan = 1\ntarget = \"http://x\"\n[endpoints.a]\nrequest = \"GET /\"\n");
    scratch.write("plans/docker-compose.yaml", "services: {}\n");
    scratch.write("plans/data.csv", "a\n1\n");
    for hidden in ["plans/.git/x.yaml", "plans/node_modules/x.yaml", "plans/.hidden.yaml"] {
        scratch.write(hidden, TYPO);
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("..", scratch.path("plans/deep/round")).unwrap();
    let told = validate(&scratch, &["plans"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    let names: Vec<_> = told.out.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(names[..3], ["plans/a.yaml", "plans/deep/b.yml", "plans/deep/c.toml"]);
    assert!(
        told.out.ends_with("3 plans: 3 ok, 1 warning; 1 file skipped, no `plan` in it\n"),
        "{}",
        told.out
    );
    assert_eq!(told.err.matches("for more:").count(), 1, "{}", told.err);
    let strict = validate(&scratch, &["--strict", "plans"]);
    assert_eq!(strict.code, Some(2));
    assert!(
        strict.out.contains("wrong plans/deep/b.yml\n") && strict.out.contains("3 plans: 2 ok, 1 wrong"),
        "{}",
        strict.out
    );
    let empty = validate(&scratch, &["empty"]);
    assert!(
        empty.code == Some(2) && empty.err.contains("empty: no .yaml, .yml or .toml file"),
        "{}",
        empty.err
    );
    let one = validate(&scratch, &["plans/a.yaml"]);
    assert_eq!(one.out.lines().count(), 1, "{}", one.out);
}

#[test]
fn people_are_told_what_to_do_next() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", TYPO);
    let told = validate(&scratch, &["a.yaml"]);
    assert!(
        told.err.ends_with("for more: plimsoll explain P010; plimsoll validate --fix corrects 1\n"),
        "{}",
        told.err
    );
    let told = validate(&Scratch::new(), &["plans/"]);
    assert!(
        told.code == Some(2) && told.err.contains("error[P006]: `plans/` does not exist"),
        "{}",
        told.err
    );
}

#[test]
fn a_plan_that_is_only_tried_out_raises_no_doubts() {
    let scratch = Scratch::new();
    let plan = "plan: 1\ntarget: http://localhost:9000\nendpoints: { a: { request: GET /, timeout: 5m } }\nthink: 1m\n\
        load: { users: 5, duration: 10m }\nprofiles: { smoke: { load: { users: 1, duration: 5s } } }\n";
    scratch.write("a.yaml", plan);
    assert_eq!(validate(&scratch, &["a.yaml"]).err, "");
    assert_eq!(validate(&scratch, &["--profile", "smoke", "a.yaml"]).err, "");
    let shown = plimsoll()
        .args(["show", "a.yaml", "-u", "1", "-t", "5"])
        .current_dir(scratch.path(""))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&shown.stderr), "");
    scratch.write("b.yaml", &plan.replace("10m", "5s"));
    let told = validate(&scratch, &["b.yaml"]);
    assert!(told.err.contains("[P201]") && told.err.contains("[P202]"), "{}", told.err);
}
