//! Files of every kind, good and bad, as their user meets them.

use super::*;
use minijinja::{Environment, context};
use proptest::prelude::*;
use std::fs;

/// Opens `text` as a file of that name, and shows the error as people see it, without the folder.
fn open(name: &str, text: impl AsRef<[u8]>) -> Result<Feed, String> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(name), text).unwrap();
    open_in(dir.path(), name)
}

fn open_in(dir: &Path, name: &str) -> Result<Feed, String> {
    let shown = |error: DataError| error.to_string().replace(&format!("{}/", dir.display()), "");
    Feed::open(&dir.join(name), dir).map_err(shown)
}

fn render(feed: &Feed, template: &str) -> Vec<String> {
    let environment = Environment::new();
    feed.rows().iter().map(|row| environment.render_str(template, context! { row }).unwrap()).collect()
}

#[test]
fn csv_rows_are_maps_of_strings() {
    let feed = open("q.csv", "\u{feff}id, text\r\n1,hello\r\n\r\n2,\"a, \"\"b\"\"\nc\"").unwrap();
    assert_eq!(feed.columns(), ["id", "text"]);
    assert_eq!((feed.len(), feed.is_empty()), (2, false));
    assert_eq!(render(&feed, "{{ row.id ~ 1 }}|{{ row['text'] }}"), ["11|hello", "21|a, \"b\"\nc"]);
    assert_eq!(render(&feed, "{{ row|length }} {{ row|list|join(' ') }}"), ["2 id text", "2 id text"]);
    assert_eq!(serde_json::to_string(&feed.rows()[0]).unwrap(), r#"{"id":"1","text":"hello"}"#);
    assert!(feed.rows()[0].get_attr("nope").unwrap().is_undefined());
}

#[test]
fn json_rows_keep_their_types_and_may_differ() {
    let rows = r#"{"n": 5, "deep": {"b": [1, null]}}"#;
    let more = r#"{"f": 1.5, "n": -5, "ok": true, "big": 18446744073709551615}"#;
    for (name, text) in [
        ("q.json", format!("[{rows},\n {more}]")),
        ("q.jsonl", format!("{rows}\n\n{more}\n")),
        ("Q.NDJSON", format!("{rows}\r\n{more}")),
    ] {
        let feed = open(name, text).unwrap();
        assert_eq!(feed.columns(), ["n", "deep", "f", "ok", "big"], "{name}");
        assert_eq!(render(&feed, "{{ row.n + 1 }}"), ["6", "-4"], "{name}");
        assert_eq!(
            serde_json::to_value(&feed.rows()[0]).unwrap().to_string(),
            r#"{"n":5,"deep":{"b":[1,null]}}"#
        );
        let second = serde_json::to_string(&feed.rows()[1]).unwrap();
        assert_eq!(second, r#"{"n":-5,"f":1.5,"ok":true,"big":18446744073709551615}"#);
        assert!(feed.rows()[0].get_attr("f").unwrap().is_undefined(), "{name}");
    }
}

#[test]
fn bad_files_say_where_and_what_to_do() {
    let cases: [(&str, &[u8], &str); 25] = [
        ("a.csv", b"", "a.csv: has no rows; add at least one"),
        ("a.csv", b"id,text\n", "a.csv: has no rows; add at least one"),
        ("a.csv", b"id,text\n1,a\n2\n", "a.csv:3: values in this row: 1, columns in the header: 2;"),
        ("a.csv", b"id,text\n1,a,b\n", "a.csv:2: values in this row: 3, columns in the header: 2;"),
        ("a.csv", b"id,,text\n1,2,3\n", "a.csv:1: not a header row: column 2 has no name;"),
        ("a.csv", b"id, id\n1,2\n", "a.csv:1: not a header row: two columns are named `id`;"),
        ("a.csv", b"1,hello\n2,you\n", "a.csv:1: not a header row: `1` is a number;"),
        ("a.csv", b"id;text\n1;a\n", "a.csv:1: not a header row: the columns seem to be separated by `;`"),
        ("a.csv", b"id\ttext\n1\ta\n", "a.csv:1: not a header row: the columns seem to be separated by tabs"),
        ("a.csv", b"text\n\"a\nb\nc\n", "a.csv:2: a quote opened in this row is never closed;"),
        ("a.csv", b"\"text\nb\nc\n", "a.csv:1: a quote opened in this row is never closed;"),
        ("a.csv", b"id\n1\n\xff\n", "a.csv:3: not UTF-8;"),
        ("a.txt", b"id\n1\n", "a.txt: unknown kind of data file; name it .csv"),
        ("a", b"id\n1\n", "a: unknown kind of data file"),
        ("a.json", b" \n", "a.json: has no rows"),
        ("a.json", b"[]", "a.json: has no rows"),
        ("a.json", b"{\"id\": 1}", "a.json:1:1: invalid type: map, expected an array of objects"),
        ("a.json", b"[\n1]", "a.json:2:1: invalid type: integer `1`, expected an object for each row"),
        ("a.json", b"[{\"a\":1},\n{\"a\":}]", "a.json:2:6: expected value"),
        ("a.json", b"[{\"a\":1}] x", "a.json:1:11: trailing characters"),
        ("a.json", b"[{\"a\":1,\"a\":2}]", "a.json:1:14: `a` stands twice in one row; keep one"),
        ("a.json", b"[{\"a\":{\"b\":1,\"b\":2}}]", "a.json:1:19: `b` stands twice in one object"),
        ("a.jsonl", b"{\"a\":1}\n\n{\"a\" 1}\n", "a.jsonl:3:6: expected `:`"),
        ("a.jsonl", b"{\"a\":1}{\"a\":2}\n", "a.jsonl:1:8: trailing characters"),
        ("a.jsonl", b"[1]\n", "a.jsonl:1:1: invalid type: sequence, expected an object for each row"),
    ];
    for (name, text, expected) in cases {
        let said = open(name, text).expect_err(expected);
        assert!(said.starts_with(expected), "{said}\nfor {:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn deep_and_swollen_files_are_refused() {
    let deep = format!("[{{\"a\":{}1{}}}]", "[".repeat(5000), "]".repeat(5000));
    assert!(open("a.json", deep).unwrap_err().contains("recursion limit"));
    for (kind, text) in [
        (open::Kind::Json, "[{\"a\":[1,\n2,3,4,5,6,7,8,9]}]"),
        (open::Kind::JsonLines, "{}\n{}\n{}\n{}\n{}\n{}\n{}"),
        (open::Kind::Csv, "a,b,c\n1,2,3\n1,2,3\n"),
    ] {
        let error = Feed::parse(kind, Path::new("a"), text, 5).expect_err("too many");
        assert!(matches!(error, DataError::TooManyValues { limit: 5, .. }), "{error}");
    }
}

#[test]
fn a_missing_file_names_its_neighbour() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("questions.csv"), "id\n1\n").unwrap();
    fs::write(dir.path().join("question.txt"), "").unwrap();
    let said = |name: &str| open_in(dir.path(), name).unwrap_err();
    assert_eq!(said("question.csv"), "question.csv: no such file; did you mean `questions.csv`?");
    assert_eq!(said("banana.csv"), "banana.csv: no such file");
    assert_eq!(said("nowhere/questions.csv"), "nowhere/questions.csv: no such file");
    assert_eq!(said("../nowhere.csv"), "../nowhere.csv: no such file");
}

#[test]
fn only_regular_files_inside_the_root_are_read() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("plan");
    fs::create_dir_all(root.join("folder.csv")).unwrap();
    fs::write(outer.path().join("secret.csv"), "id\n1\n").unwrap();
    fs::write(root.join("real.csv"), "id\n1\n").unwrap();
    assert!(open_in(&root, "folder.csv").unwrap_err().contains("is a directory, not a regular file"));
    assert!(open_in(&root, "../secret.csv").unwrap_err().contains("must stay inside the plan's folder"));
    assert!(open_in(&root, "../plan/real.csv").is_ok());
    let sparse = fs::File::create(root.join("large.csv")).unwrap();
    sparse.set_len(MAX_BYTES + 1).unwrap();
    assert!(open_in(&root, "large.csv").unwrap_err().starts_with("large.csv: larger than 256 MiB;"));
}

#[cfg(unix)]
#[test]
fn links_devices_and_pipes_are_seen_through() {
    use std::os::unix::fs::symlink;
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("plan");
    fs::create_dir(&root).unwrap();
    fs::write(outer.path().join("secret.csv"), "id\n1\n").unwrap();
    fs::write(root.join("real.csv"), "id\n1\n").unwrap();
    symlink(outer.path().join("secret.csv"), root.join("out.csv")).unwrap();
    symlink("/dev/zero", root.join("zero.csv")).unwrap();
    symlink("real.csv", root.join("in.csv")).unwrap();
    symlink("loop.csv", root.join("loop.csv")).unwrap();
    for name in ["out.csv", "zero.csv"] {
        assert!(open_in(&root, name).unwrap_err().contains("lies outside"), "{name}");
    }
    assert!(open_in(&root, "in.csv").is_ok());
    assert_eq!(open_in(&root, "loop.csv").unwrap_err(), "loop.csv: cannot be read");
    let made = std::process::Command::new("mkfifo").arg(root.join("pipe.csv")).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(open_in(&root, "pipe.csv").unwrap_err().contains("is a device, pipe or socket"));
    }
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.csv")).unwrap();
    assert!(open_in(&root, "socket.csv").unwrap_err().contains("is a device, pipe or socket"));
}

#[test]
fn a_cursor_hands_out_rows_by_position() {
    let feed = open("q.csv", "id\na\nb\nc\n").unwrap();
    let ids = |order, on_end| {
        let cursor = Cursor::new(feed.clone(), feed_seed(7, 0), order, on_end);
        let id = |at| cursor.row(at).map(|row| row.get_attr("id").unwrap().to_string());
        ((0..4).map(id).collect::<Vec<_>>(), cursor.ends())
    };
    let (rows, ends) = ids(Order::Sequential, OnEnd::Fail);
    assert!(ends);
    assert_eq!(rows[..3], ["a", "b", "c"].map(|id| Ok(id.to_owned())));
    assert_eq!(rows[3], Err(Exhausted::Fail { rows: 3 }));
    let (mut rows, _) = ids(Order::Shuffled, OnEnd::Stop);
    assert_eq!(rows.pop(), Some(Err(Exhausted::Stop)));
    rows.sort_by_key(|row| row.clone().unwrap());
    assert_eq!(rows, ["a", "b", "c"].map(|id| Ok(id.to_owned())));
    let (rows, ends) = ids(Order::Random, OnEnd::Stop);
    assert!(!ends && rows.iter().all(Result::is_ok));
}

proptest! {
    #[test]
    fn any_text_is_rows_or_an_error(text in "[a-c1,;\"\\{\\}\\[\\]:\n \\\\]{0,60}") {
        for kind in [open::Kind::Csv, open::Kind::Json, open::Kind::JsonLines] {
            if let Ok(feed) = Feed::parse(kind, Path::new("x"), &text, 100) {
                prop_assert!(!feed.is_empty());
            }
        }
    }
}
