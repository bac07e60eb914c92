//! Texts and files that want to hurt: refused with an error, never a panic, never a wait.

use super::texts::{WHOLE_TOML, WHOLE_YAML};
use super::{load, problems, rendered, yaml};
use crate::plan::load::{Overrides, load as load_file};
use crate::plan::parse::Format;
use crate::plan::trust::Trust;
use proptest::prelude::*;
use std::path::Path;

fn refused(format: Format, text: &str) {
    let loaded = load(format, text, &Overrides::default());
    assert!(loaded.diagnostics.has_errors());
    let _ = rendered(&loaded);
}

#[test]
fn bombs_are_refused() {
    let mut bomb = "plan: 1\nvariables:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    (1..20).for_each(|i| {
        let before = format!("*a{}", i - 1);
        bomb += &format!("  a{i}: &a{i} [{}]\n", vec![before; 10].join(", "));
    });
    assert!(problems(&yaml(&bomb))[0].starts_with("P005"), "{:?}", problems(&yaml(&bomb)));
    let long = format!("variables: [&a {}, {}]", "x".repeat(100_000), vec!["*a"; 900].join(", "));
    assert!(problems(&yaml(&long))[0].starts_with("P005"));
    let many = format!("variables: [&a x, {}]", vec!["*a"; 1_100].join(", "));
    assert!(problems(&yaml(&many))[0].starts_with("P005"));
    let mut chain = format!("a0: &a0 {}x{}\n", "[".repeat(30), "]".repeat(30));
    (1..80).for_each(|i| {
        chain += &format!("a{i}: &a{i} {}*a{}{}\n", "[".repeat(30), i - 1, "]".repeat(30));
    });
    assert!(problems(&yaml(&chain))[0].starts_with("P005"));
    refused(Format::Yaml, "a: &a [*a]");
}

#[test]
fn deep_and_wide_texts_are_refused() {
    for depth in [40, 10_000, 1_000_000] {
        for open in ["[", "{a: ", "{", "- ", "? "] {
            refused(Format::Yaml, &format!("a: {}", open.repeat(depth)));
            refused(Format::Yaml, &open.repeat(depth));
        }
        let steps: String = (0..depth.min(1_500)).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
        refused(Format::Yaml, &steps);
        refused(Format::Toml, &format!("a = {}", "[".repeat(depth)));
        refused(Format::Toml, &format!("a = {}", "{a=".repeat(depth)));
        refused(Format::Toml, &format!("{}a = 1", "a.".repeat(depth)));
        refused(Format::Toml, &format!("[{}a]", "a.".repeat(depth)));
        refused(Format::Toml, &format!("x = {{ {}a = 1 }}", "a.".repeat(depth)));
        refused(Format::Toml, &format!("x = {{ b = 1, {}a = 1 }}", "a.".repeat(depth)));
    }
    refused(Format::Yaml, &format!("a: [{}]", "x,".repeat(200_000)));
    refused(Format::Toml, &format!("a = [{}]", "1,".repeat(200_000)));
    refused(Format::Yaml, &"x".repeat(5 << 20));
    refused(Format::Toml, &"x".repeat(5 << 20));
    refused(Format::Yaml, &format!("plan: 1\n{}", "a".repeat(3 << 20)));
    refused(Format::Yaml, &"- &a b\n".repeat(200_000));
    let many =
        |what: &str, tail: &str| (0..30_000).map(|i| format!("  {what}{i}: {tail}\n")).collect::<String>();
    let (names, profiles) = (many("v", "1"), many("p", "{}"));
    refused(Format::Yaml, &format!("plan: 1\nvariables:\n{names}profiles:\n{profiles}"));
    refused(Format::Yaml, &format!("plan: 1\nhttp:\n{names}"));
    refused(Format::Yaml, &format!("plan: 1\nendpoints:\n{}", many("e", "{ requst: a }")));
    let indented = names.replace("  v", "      v");
    refused(
        Format::Yaml,
        &format!("plan: 1\nvariables:\n{names}profiles:\n  p:\n    variables:\n{indented}    x: 1\n"),
    );
}

#[test]
fn only_regular_files_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    let read = |path: &Path| problems(&load_file(path, &Overrides::default())).join("\n");
    assert!(read(&path("none.yaml")).contains("does not exist"));
    assert!(read(&path("plan.json")).starts_with("P007"));
    std::fs::create_dir(path("folder.yaml")).expect("a folder");
    assert!(read(&path("folder.yaml")).contains("is a folder"));
    std::fs::write(path("big.yaml"), vec![b' '; 5 << 20]).expect("a file");
    assert!(read(&path("big.yaml")).starts_with("P005"));
    std::fs::write(path("bytes.yaml"), b"plan: 1\nname: \xff\n").expect("a file");
    assert!(read(&path("bytes.yaml")).contains("not UTF-8 text, see line 2"));
    std::fs::write(path("good.yml"), "plan: 1\n").expect("a file");
    assert_eq!(read(&path("good.yml")), "");
    #[cfg(unix)]
    {
        let made = std::process::Command::new("mkfifo").arg(path("pipe.yaml")).status().expect("mkfifo");
        assert!(made.success() && read(&path("pipe.yaml")).contains("not a regular file"));
        std::os::unix::fs::symlink("/dev/zero", path("zero.yaml")).expect("a link");
        assert!(read(&path("zero.yaml")).contains("not a regular file"));
    }
}

/// One way to damage a text.
#[derive(Debug, Clone)]
enum Damage {
    Flip(usize, u8),
    Delete(usize, usize),
    Repeat(usize),
    Insert(usize, &'static str),
}

fn damage() -> impl Strategy<Value = Damage> {
    const PIECES: [&str; 14] =
        ["{{", "}}", "[", "]", "{", ": ", "- ", "\t", "&a ", "*a", "!!x ", "'", "\"", "\u{feff}"];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (any::<usize>(), 1..40usize).prop_map(|(at, count)| Damage::Delete(at, count)),
        any::<usize>().prop_map(Damage::Repeat),
        (any::<usize>(), 0..PIECES.len()).prop_map(|(at, i)| Damage::Insert(at, PIECES[i])),
    ]
}

fn damaged(text: &str, all: &[Damage]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for one in all {
        let len = bytes.len().max(1);
        match one {
            Damage::Flip(at, byte) => bytes.get_mut(at % len).map_or((), |b| *b = *byte),
            Damage::Delete(at, count) => {
                let at = at % len;
                bytes.drain(at.min(bytes.len())..(at + count).min(bytes.len()));
            }
            Damage::Repeat(at) => {
                let lines: Vec<_> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
                if let Some(line) = lines.get(at % lines.len().max(1)) {
                    bytes.extend_from_slice(line);
                }
            }
            Damage::Insert(at, piece) => {
                let at = (at % len).min(bytes.len());
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damaged_plans_never_panic(all in proptest::collection::vec(damage(), 1..6), set in ".{0,20}") {
        let overrides = Overrides {
            profile: Some("smoke".into()),
            set: vec![set.clone(), format!("load.{set}"), format!("variables.x={set}")],
            targets: vec![(set.clone(), set.clone())],
            host: Some(set.clone()),
            users: Some(3),
            spawn_rate: Some(set.clone()),
            run_time: Some(set),
            env_file: None,
            trust: Trust { is_stranger: true, ..Trust::default() },
        };
        for (format, text) in [(Format::Yaml, WHOLE_YAML), (Format::Toml, WHOLE_TOML)] {
            let text = damaged(text, &all);
            let _ = rendered(&load(format, &text, &Overrides::default()));
            let _ = rendered(&load(format, &text, &overrides));
        }
    }
}
