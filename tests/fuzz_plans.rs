//! Damaged plans never panic, never overflow the stack and never take long: text → load → compile → messages.
//! The seed is fixed; `PROPTEST_CASES` asks for more.
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

mod fuzz;

use std::path::{Path, PathBuf};

use fuzz::{bounded, run};
use plimsoll::compile::{Purpose, compile};
use plimsoll::diagnostic::{Source, render_all};
use plimsoll::plan::load::{Overrides, load_str};
use plimsoll::plan::parse::Format;
use proptest::prelude::*;

/// Cases when nothing else is asked for.
const CASES: u32 = 1_000;

/// A whole plan to be damaged.
struct Seed {
    path: PathBuf,
    text: String,
}

fn seeds() -> Vec<Seed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders =
        ["plans/temponest", "tests/valid"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let paths = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = paths.filter(|path| Format::of_path(path).is_some()).collect();
    all.sort();
    all.into_iter().map(|path| Seed { text: std::fs::read_to_string(&path).unwrap(), path }).collect()
}

/// One way to damage a text. Places are shares of its length, so that they shrink well.
#[derive(Debug, Clone)]
enum Damage {
    Flip(u16, u8),
    DeleteLine(u16),
    RepeatLine(u16),
    SwapLines(u16, u16),
    Truncate(u16),
    Insert(u16, &'static str),
    Splice(u16, usize, u16),
    Nest(u16, u8),
}

const PIECES: [&str; 40] = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "{{ ",
    " }}",
    "{{ x }}",
    "{% for %}",
    "{% for i in range(9999999) %}",
    "{% endfor %}",
    "{% if a is b %}",
    "{% raw %}",
    "{% macro m() %}",
    "{% include 'x' %}",
    "| uper",
    "| regex('([')",
    " is not ",
    "()",
    "$",
    "&&",
    "99999999999999999999",
    "1e999",
    "-1",
    "0",
    ".inf",
    "'",
    "\"",
    "\\",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{202e}",
    "日本語",
    "👩‍👩‍👧",
    "&a ",
    "*a",
    "<<: *a",
    "!!set ",
    ": ",
];

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        1 => (any::<u16>(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        1 => any::<u16>().prop_map(Damage::DeleteLine),
        1 => any::<u16>().prop_map(Damage::RepeatLine),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(a, b)| Damage::SwapLines(a, b)),
        1 => any::<u16>().prop_map(Damage::Truncate),
        4 => (any::<u16>(), 0..PIECES.len()).prop_map(|(at, piece)| Damage::Insert(at, PIECES[piece])),
        1 => (any::<u16>(), any::<usize>(), any::<u16>()).prop_map(|(at, other, from)| Damage::Splice(at, other, from)),
        1 => (any::<u16>(), any::<u8>()).prop_map(|(at, depth)| Damage::Nest(at, depth)),
    ]
}

/// Byte or line number `share` of the way through `length`.
fn place(share: u16, length: usize) -> usize {
    length * usize::from(share) / (usize::from(u16::MAX) + 1)
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn damaged(text: Vec<u8>, damage: &Damage, seeds: &[Seed]) -> Vec<u8> {
    let mut text = text;
    let line_of = |share: u16, lines: &[Vec<u8>]| place(share, lines.len());
    match *damage {
        Damage::Flip(at, byte) => {
            let at = place(at, text.len());
            text.iter_mut().skip(at).take(1).for_each(|b| *b = byte);
        }
        Damage::DeleteLine(share) | Damage::RepeatLine(share) | Damage::SwapLines(share, _) => {
            let mut lines = lines(&text);
            let at = line_of(share, &lines);
            match damage {
                _ if lines.is_empty() => {}
                Damage::DeleteLine(_) => drop(lines.remove(at)),
                Damage::RepeatLine(_) => lines.insert(at, lines[at].clone()),
                Damage::SwapLines(_, other) => {
                    let other = line_of(*other, &lines);
                    lines.swap(at, other);
                }
                _ => {}
            }
            text = lines.concat();
        }
        Damage::Truncate(at) => text.truncate(place(at, text.len())),
        Damage::Insert(at, piece) => {
            let at = place(at, text.len());
            text.splice(at..at, piece.bytes());
        }
        Damage::Splice(at, other, from) => {
            let other = seeds[other % seeds.len()].text.as_bytes();
            text.truncate(place(at, text.len()));
            text.extend_from_slice(&other[place(from, other.len())..]);
        }
        Damage::Nest(at, depth) => {
            let at = place(at, text.len());
            let piece = ["{", "[", "(", "- ", "not "][usize::from(depth) % 5].repeat(usize::from(depth) * 20);
            text.splice(at..at, piece.bytes());
        }
    }
    text
}

/// Loads and compiles a text as if it were the plan at `path`, and renders what is wrong with it.
fn check(path: &Path, text: &str) {
    bounded(&text[..text.floor_char_boundary(2_000)], || load_and_compile(path, text));
}

fn load_and_compile(path: &Path, text: &str) {
    let source =
        Source { name: "plan.yaml".into(), dir: path.parent().unwrap().into(), text: text.to_owned() };
    let format = Format::of_path(path).unwrap();
    let profile = Some("ci".to_owned());
    for overrides in [Overrides::default(), Overrides { profile, ..Overrides::default() }] {
        let loaded = load_str(format, source.clone(), &overrides);
        let mut found = loaded.diagnostics.clone();
        let compiled = compile(&loaded, path, None, Purpose::Check, &mut found);
        assert_eq!(compiled.is_none(), found.has_errors(), "no plan and no error, or both");
        assert_eq!(render_all(&found, &loaded.sources, false).is_empty(), found.counts() == (0, 0));
    }
}

#[test]
fn damaged_plans_never_panic() {
    let seeds = seeds();
    let strategy = (any::<usize>(), proptest::collection::vec(damage(), 1..5));
    run(CASES, &strategy, |(seed, all)| {
        let seed = &seeds[seed % seeds.len()];
        let damaged = all.iter().fold(seed.text.clone().into_bytes(), |text, one| damaged(text, one, &seeds));
        check(&seed.path, &String::from_utf8_lossy(&damaged));
    });
}

/// Every piece before every line and at every `{{`: the places where it hurts most.
#[test]
fn pieces_at_templates_never_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valid");
    for name in ["blocks.yaml", "braces_in_texts.yaml", "expressions.yaml"] {
        let path = root.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        for piece in PIECES {
            for (at, _) in text.match_indices("{{").chain(text.match_indices("}}")).step_by(3) {
                check(&path, &format!("{}{piece}{}", &text[..at], &text[at..]));
            }
        }
    }
}

/// Texts made to be slow or deep rather than wrong.
#[test]
fn large_texts_are_read_in_time() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valid/shortest.yaml");
    let plan = |text: &str| {
        format!("plan: 1\ntarget: http://x\nendpoints: {{ a: {{ request: POST /, text: '{text}' }} }}\n")
    };
    for (piece, count) in [
        ("{{ a }}", 5_000),
        ("{{ '", 5_000),
        ("{{ {", 5_000),
        ("{", 100_000),
        ("{% raw %}", 5_000),
        ("{# ", 50_000),
        ("{{ a | uper }}", 5_000),
        ("{{ ((((", 2_000),
        ("{% if a %}", 5_000),
        ("}}", 50_000),
        ("{{ a.b.c", 5_000),
    ] {
        check(&path, &plan(&piece.repeat(count)));
    }
    for open in ["(", "[", "not ", "-", "a[", "a(", "{a:", "a if ", "a.b | c(", "a ~ ", "a == "] {
        check(&path, &plan(&format!("{{{{ {} }}}}", open.repeat(5_000))));
        let expect = format!(
            "plan: 1\ntarget: http://x\nendpoints: {{ a: {{ request: GET /, expect: '{}' }} }}\n",
            open.repeat(5_000)
        );
        check(&path, &expect);
    }
    let many: String = (0..2_000)
        .map(|i| format!("  e{i}: {{ request: GET /{{{{ n{i} }}}}, expect: [a{i} = 1] }}\n"))
        .collect();
    check(
        &path,
        &format!(
            "plan: 1\ntarget: http://x\nendpoints:\n{}",
            many.replace("GET /", "\"GET /").replace("}}, ex", "}}\", ex")
        ),
    );
}
