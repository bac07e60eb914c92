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
    Feed::open(&dir.join(name), dir, None, None).map_err(shown)
}

fn render(feed: &Feed, template: &str) -> Vec<String> {
    let environment = Environment::new();
    all_rows(feed).iter().map(|row| environment.render_str(template, context! { row }).unwrap()).collect()
}

fn all_rows(feed: &Feed) -> Vec<Value> {
    (0..feed.len()).map(|index| feed.row(index).unwrap()).collect()
}

/// Opens `text` as a file of that name whose rows stay on disk, and as one whose rows are kept.
fn both_ways(name: &str, text: &str) -> [Feed; 2] {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    let on_disk = Limits { kept: 0, ..LIMITS };
    [on_disk, LIMITS].map(|limits| Feed::open_within(&path, dir.path(), (None, None), &limits).unwrap())
}

#[test]
fn csv_rows_are_maps_of_strings() {
    let feed = open("q.csv", "\u{feff}id,text\r\n1,hello\r\n\r\n2,\"a, \"\"b\"\"\nc\"").unwrap();
    assert_eq!(feed.columns(), ["id", "text"]);
    assert_eq!((feed.len(), feed.is_empty()), (2, false));
    assert_eq!(render(&feed, "{{ row.id ~ 1 }}|{{ row['text'] }}"), ["11|hello", "21|a, \"b\"\nc"]);
    assert_eq!(render(&feed, "{{ row|length }} {{ row|list|join(' ') }}"), ["2 id text", "2 id text"]);
    assert_eq!(serde_json::to_string(&all_rows(&feed)[0]).unwrap(), r#"{"id":"1","text":"hello"}"#);
    assert!(all_rows(&feed)[0].get_attr("nope").unwrap().is_undefined());
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
            serde_json::to_value(&all_rows(&feed)[0]).unwrap().to_string(),
            r#"{"n":5,"deep":{"b":[1,null]}}"#
        );
        let second = serde_json::to_string(&all_rows(&feed)[1]).unwrap();
        assert_eq!(second, r#"{"n":-5,"f":1.5,"ok":true,"big":18446744073709551615}"#);
        assert!(all_rows(&feed)[0].get_attr("f").unwrap().is_undefined(), "{name}");
    }
}

#[test]
fn bad_files_say_where_and_what_to_do() {
    let cases: [(&str, &[u8], &str); 31] = [
        ("a.csv", b"", "a.csv: has no rows; add at least one"),
        ("a.csv", b"id,text\n", "a.csv: has no rows; add at least one"),
        ("a.csv", b"id,text\n1,a\n2\n", "a.csv:3: values in this row: 1, columns in the header: 2;"),
        ("a.csv", b"id,text\n1,a,b\n", "a.csv:2: values in this row: 3, columns in the header: 2;"),
        ("a.csv", b"id,,text\n1,2,3\n", "a.csv:1: not a header row: column 2 has no name;"),
        ("a.csv", b"id,id\n1,2\n", "a.csv:1: not a header row: two columns are named `id`;"),
        (
            "a.csv",
            b"id, v\n1,2\n",
            "a.csv:1: not a header row: spaces stand around the name `v`; remove them;",
        ),
        ("a.csv", b"1,hello\n2,you\n", "a.csv:1: not a header row: `1` is a number;"),
        (
            "a.csv",
            b"id;text\n1;a\n",
            "a.csv:1: the columns seem to be separated by `;`, not by `,`; write `delimiter: \";\"`",
        ),
        (
            "a.csv",
            b"id\ttext\n1\ta\n",
            "a.csv:1: the columns seem to be separated by tabs, not by `,`; write `delimiter: \"\\t\"`",
        ),
        (
            "a.tsv",
            b"id,text\n1,a\n",
            "a.tsv:1: the columns seem to be separated by `,`, not by tabs; write `delimiter: \",\"`",
        ),
        ("a.csv", b"id\n1\n\r\n\n2\x00\n", "a.csv:5: holds a NUL byte;"),
        ("a.csv", b"id,text\n\n1,a\n\n2\n", "a.csv:5: values in this row: 1, columns in the header: 2;"),
        ("a.jsonl", b"{\"\": 1}\n", "a.jsonl:1:3: a name is empty"),
        ("a.jsonl", b"{\"a\": 1}\n\xff\n", "a.jsonl:2: not UTF-8;"),
        ("a.csv", b"text\n\"a\nb\nc\n", "a.csv:2: a quote opened in this row is never closed;"),
        ("a.csv", b"\"text\nb\nc\n", "a.csv:1: a quote opened in this row is never closed;"),
        ("a.csv", b"id\n1\n\xff\n", "a.csv:3: not UTF-8;"),
        ("a.txt", b"id\n1\n", "a.txt: unknown kind of data file; write `format: csv`"),
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

/// What readers of CSV take in different ways is refused, whether rows are kept or stay on disk.
#[test]
fn malformed_cells_are_refused_where_they_stand() {
    let space = "a space stands before the quote that opens a value; remove it";
    let inside = "a quote stands inside a value without quotes; put quotes around the value";
    let behind = "more follows the quote that closes a value; write each quote inside a value twice";
    let space_behind = "a space follows the quote that closes a value; remove it";
    let backslash = "a backslash does not escape a quote in CSV; write the quote twice";
    let unclosed = "a quote opened in this row is never closed";
    let lone = "a carriage return (CR) without a line feed";
    let filler = "9,z\n".repeat(40_000);
    for (rows, expected) in [
        ("1,\"{\"a\":1}\"\n", format!("2: column `v`: {behind}")),
        ("1,\"a\\\"b\"\n", format!("2: column `v`: {backslash}")),
        ("1,\"x\"y\n", format!("2: column `v`: {behind}")),
        ("1,\"z\" \n", format!("2: column `v`: {space_behind}")),
        ("1, \"w\"\n", format!("2: column `v`: {space}")),
        ("1,5'6\" tall\n", format!("2: column `v`: {inside}")),
        ("1,\"a\nb\"\n\n2,\"x\"y\n", format!("5: column `v`: {behind}")),
        ("\"1\"x,2\n", format!("2: column `id`: {behind}")),
        ("1,2,\"x\"y\n", format!("2: column 3: {behind}")),
        ("1,\"a\n2,b\n", format!("2: {unclosed}")),
        ("1,a\n2,\"b", format!("3: {unclosed}")),
        ("1,a\r2,b\r", format!("2: {lone}")),
        ("1,a\r\n2,b\rc\n", format!("3: {lone}")),
        // Without the quote, a row that is too short.
        ("1,a\n\"2\",\"b,c\n3,d\n", format!("3: {unclosed}")),
    ] {
        for before in ["", &*filler] {
            let (number, words) = expected.split_once(':').unwrap();
            let line = number.parse::<usize>().unwrap() + before.matches('\n').count();
            let expected = format!("a.csv:{line}:{words}");
            let text = format!("id,v\n{before}{rows}");
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.csv");
            fs::write(&path, &text).unwrap();
            for kept in [0, LIMITS.kept] {
                let limits = Limits { kept, ..LIMITS };
                let opened = Feed::open_within(&path, dir.path(), (None, None), &limits);
                let said = opened.unwrap_err().to_string().replace(&format!("{}/", dir.path().display()), "");
                assert!(said.starts_with(&expected), "{said}\nfor {rows:?}, expected {expected}");
            }
        }
    }
    let header = open("a.csv", "id,\"v\" \n1,2\n").unwrap_err();
    assert!(header.starts_with(&format!("a.csv:1: column 2: {space_behind}")), "{header}");
    let other = open("a.tsv", "id\tv\n1\t\"x\"y\n").unwrap_err();
    assert!(other.starts_with(&format!("a.tsv:2: column `v`: {behind}")), "{other}");
}

#[test]
fn what_rfc_4180_allows_is_taken_as_it_stands() {
    let text = "id,v\r\n1, a b \r\n2,\"\"\r\n3,\"a\"\"b\\\"\r\n4,\"x\r\ny\rz\"\r\n5,back\\slash\n\n6,\n7,\"{\"\"a\"\":1}\"";
    for feed in both_ways("a.csv", text) {
        let values: Vec<_> = all_rows(&feed)
            .iter()
            .map(|row| row.get_attr("v").unwrap().as_str().unwrap().to_owned())
            .collect();
        assert_eq!(values, [" a b ", "", "a\"b\\", "x\r\ny\rz", "back\\slash", "", "{\"a\":1}"]);
    }
}

#[test]
fn marks_are_no_part_of_a_file_and_other_encodings_are_named() {
    for (name, text) in
        [("a.csv", "id\n1\n"), ("a.json", "[{\"id\":\"1\"}]"), ("a.jsonl", "{\"id\":\"1\"}\n")]
    {
        let marked = open(name, format!("\u{feff}{text}")).unwrap();
        assert_eq!(
            (marked.columns(), render(&marked, "{{ row.id }}")),
            (&["id".to_owned()][..], vec!["1".into()])
        );
        for big in [false, true] {
            let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let bytes: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect();
            let said = open(name, bytes).unwrap_err();
            assert!(said.starts_with(&format!("{name}: is UTF-16; save the file as UTF-8")), "{said}");
        }
    }
    let quoted = open("a.csv", "\u{feff}\"id\",v\n1,2\n").unwrap();
    assert_eq!(quoted.columns(), ["id", "v"]);
}

#[test]
fn numbers_of_rows_are_written_as_they_stand() {
    let rows =
        r#"{"id": 12345678901234567890123, "price": 19.90, "e": 1e3, "deep": {"v": [1.10, -0]}, "n": 5}"#;
    for (name, text) in [("a.json", format!("[{rows}, {rows}]")), ("a.jsonl", format!("{rows}\n{rows}\n"))] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), &text).unwrap();
        for kept in [0, LIMITS.kept] {
            let limits = Limits { kept, ..LIMITS };
            let feed = Feed::open_within(&dir.path().join(name), dir.path(), (None, None), &limits).unwrap();
            for row in all_rows(&feed) {
                let text = |name: &str| crate::template::to_text(&row.get_attr(name).unwrap());
                assert_eq!(
                    ["id", "price", "e", "deep", "n"].map(text),
                    ["12345678901234567890123", "19.90", "1e3", r#"{"v":[1.10,-0]}"#, "5"]
                );
            }
        }
    }
}

#[test]
fn deep_and_swollen_files_are_refused() {
    let deep = format!("[{{\"a\":{}1{}}}]", "[".repeat(5000), "]".repeat(5000));
    assert!(open("a.json", deep).unwrap_err().contains("recursion limit"));
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { whole_values: 5, whole: 60, row: 100_000, columns: 3, ..LIMITS };
    let open = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        let opened = Feed::open_within(&path, dir.path(), (None, None), &limits);
        opened.map_or_else(
            |error| error.to_string().replace(&format!("{}/", dir.path().display()), ""),
            |_| "fine".into(),
        )
    };
    let long = "x".repeat(300_000);
    for (name, text, expected) in [
        ("a.json", "[{\"a\":[1,\n2,3,4,5,6,7,8,9]}]", "a.json:2: more than 5 values;"),
        (
            "b.json",
            &format!("[{}{{\"a\": 1}}]", " ".repeat(60)),
            "b.json: a list of more than 0 MiB has to be kept in memory; write it as .jsonl",
        ),
        ("c.csv", &format!("id\n1\n{long}\n"), "c.csv:3: a row of more than 0 MiB;"),
        ("d.csv", &format!("id\n1\n\"{}", "x\n".repeat(100_000)), "d.csv:3: a row of more than 0 MiB;"),
        ("e.jsonl", &format!("{{}}\n{{\"a\": \"{long}\"}}"), "e.jsonl:2: a row of more than 0 MiB;"),
        ("f.csv", "a,b,c,d\n1,2,3,4\n", "f.csv:1: more than 3 columns;"),
        ("g.jsonl", "{\"a\":1,\"b\":1}\n{\"c\":1,\"d\":1}\n", "g.jsonl:2: more than 3 columns;"),
        ("h.jsonl", "{\"a\":1,\"b\":1}\n{\"c\":1,\"a\":1}\n", "fine"),
    ] {
        let said = open(name, text);
        assert!(said.starts_with(expected), "{said}\nfor {name}");
    }
}

#[test]
fn rows_on_disk_are_those_that_would_be_kept() {
    let long = |at: usize| "long ".repeat(at % 700);
    let csv: String = (0..3000)
        .map(|at| format!("{at},\"a \"\"{}\"\"\nb\"\r\n{}", long(at), if at % 7 == 0 { "\r\n" } else { "" }))
        .collect();
    let json: String = (0..3000)
        .map(|at| {
            format!(
                "{{\"id\":{at},\"x{}\":[\"{}\"]}}\n{}",
                at % 5,
                long(at),
                if at % 7 == 0 { " \n" } else { "" }
            )
        })
        .collect();
    for (name, text) in [("a.csv", format!("\u{feff}id,text\n{csv}")), ("a.jsonl", format!("\u{feff}{json}"))]
    {
        let [on_disk, kept] = both_ways(name, &text);
        assert!(on_disk.is_on_disk() && !kept.is_on_disk());
        assert_eq!((on_disk.len(), on_disk.columns()), (3000, kept.columns()));
        let ids: Vec<_> = all_rows(&kept).iter().map(|row| row.get_attr("id").unwrap().to_string()).collect();
        assert_eq!(ids, (0..3000).map(|at: i32| at.to_string()).collect::<Vec<_>>());
        for at in [0, 1, 2, 7, 8, 2999, 1500, 1499, 700] {
            assert_eq!(
                on_disk.row(at).unwrap().to_string(),
                kept.row(at).unwrap().to_string(),
                "{name} {at}"
            );
        }
        assert_eq!(
            all_rows(&on_disk).iter().map(Value::to_string).collect::<Vec<_>>(),
            all_rows(&kept).iter().map(Value::to_string).collect::<Vec<_>>()
        );
        assert_eq!(on_disk.row(3000).unwrap_err(), NoRow::UsedUp { rows: 3000 });
    }
    // Many small values are not kept either.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.csv"), "a,b\n1,2\n3,4\n").unwrap();
    let limits = Limits { kept_values: 3, ..LIMITS };
    let feed = Feed::open_within(&dir.path().join("a.csv"), dir.path(), (None, None), &limits).unwrap();
    assert!(feed.is_on_disk());
    assert_eq!(render(&feed, "{{ row.a }}{{ row.b }}"), ["12", "34"]);
}

#[test]
fn a_file_that_changes_meanwhile_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    fs::write(&path, "id,text\n1,a\n2,b\n").unwrap();
    let feed = Feed::open_within(&path, dir.path(), (None, None), &Limits { kept: 0, ..LIMITS }).unwrap();
    assert!(feed.row(1).is_ok());
    fs::write(&path, "id,text\n1").unwrap();
    let said = feed.row(1).unwrap_err().to_string();
    assert!(said.contains("a.csv has changed since the run began"), "{said}");
}

#[test]
fn what_the_name_does_not_say_can_be_said() {
    let dir = tempfile::tempdir().unwrap();
    let open = |name: &str, text: &str, format, delimiter| {
        fs::write(dir.path().join(name), text).unwrap();
        Feed::open(&dir.path().join(name), dir.path(), format, delimiter)
            .map(|feed| render(&feed, "{{ row.a }}|{{ row.b }}"))
    };
    assert_eq!(open("x.txt", "a;b\n1,5;\"2;3\"\n", Some(Format::Csv), Some(b';')).unwrap(), ["1,5|2;3"]);
    assert_eq!(open("x.csv", "a|b\n1|2\n", None, Some(b'|')).unwrap(), ["1|2"]);
    assert_eq!(open("x.tsv", "a\tb\n1\t2\n", None, None).unwrap(), ["1|2"]);
    assert_eq!(open("lines", "{\"a\":1,\"b\":2}\n", Some(Format::JsonLines), None).unwrap(), ["1|2"]);
    assert_eq!(open("x.csv", "[{\"a\":1,\"b\":2}]\n", Some(Format::Json), None).unwrap(), ["1|2"]);
    let rows = vec![vec![("a".to_owned(), Value::from(1))], vec![("b".to_owned(), Value::from("x"))]];
    let feed = Feed::inline(rows);
    assert_eq!(
        (feed.columns(), render(&feed, "{{ row.a }}|{{ row.b }}")),
        (&["a".to_owned(), "b".into()][..], vec!["1|".to_owned(), "|x".into()])
    );
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
    sparse.set_len(LIMITS.file + 1).unwrap();
    assert!(open_in(&root, "large.csv").unwrap_err().starts_with("large.csv: larger than 16 GiB;"));
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
fn rows_are_handed_out_by_position() {
    let feed = open("q.csv", "id\na\nb\nc\n").unwrap();
    let ids = |order, on_end| {
        let id = |at| {
            feed.row_at(at, feed_seed(7, 0), order, on_end).map(|row| row.get_attr("id").unwrap().to_string())
        };
        (0..4).map(id).collect::<Vec<_>>()
    };
    let abc = ["a", "b", "c"].map(|id| Ok(id.to_owned()));
    let rows = ids(Order::Sequential, OnEnd::Fail);
    assert_eq!(rows[..3], abc);
    assert_eq!(rows[3], Err(NoRow::UsedUp { rows: 3 }));
    let mut rows = ids(Order::Shuffled, OnEnd::Stop);
    assert_eq!(rows.pop(), Some(Err(NoRow::UsedUp { rows: 3 })));
    rows.sort_by_key(|row| row.clone().unwrap());
    assert_eq!(rows, abc);
    assert!(ids(Order::Random, OnEnd::Stop).iter().all(Result::is_ok));
}

proptest! {
    #[test]
    fn any_text_is_rows_or_an_error(text in "[a-c1,;\"\\{\\}\\[\\]:\n \\\\]{0,60}") {
        let dir = tempfile::tempdir().unwrap();
        for name in ["x.csv", "x.json", "x.jsonl"] {
            let path = dir.path().join(name);
            fs::write(&path, &text).unwrap();
            let open = |limits| Feed::open_within(&path, dir.path(), (None, None), &limits);
            let (Ok(kept), Ok(on_disk)) = (open(LIMITS), open(Limits { kept: 0, ..LIMITS })) else { continue };
            prop_assert!(!kept.is_empty());
            let texts = |feed: &Feed| all_rows(feed).iter().map(Value::to_string).collect::<Vec<_>>();
            prop_assert_eq!(texts(&kept), texts(&on_disk));
        }
    }
}
