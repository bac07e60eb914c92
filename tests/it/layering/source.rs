//! The source as the rules see it: code without comments, texts and tests, and which modules it names.

use std::path::PathBuf;

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.rs` file below `src`, as `src/a/b.rs`, in order.
pub fn paths() -> Vec<String> {
    let (mut all, mut folders) = (vec![], vec![root().join("src")]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                all.push(path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    all.sort();
    all
}

/// The modules of each floor, as `src/lib.rs` lists them: `// floor N: …`, then `pub mod x;`.
pub fn floors() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut floors: Vec<Vec<String>> = vec![];
    for line in text.lines() {
        if let Some(number) = line.strip_prefix("// floor ") {
            assert!(number.starts_with(&floors.len().to_string()), "floors are not in order: {line}");
            floors.push(vec![]);
        } else if let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
            floors.last_mut().expect("a floor above the first module").push(name.to_owned());
        }
    }
    floors
}

/// One file of the program itself; tests are left out.
pub struct File {
    /// `src/a/b.rs`
    pub path: String,
    code: String,
}

/// Every file that belongs to a module.
pub fn files() -> Vec<File> {
    let paths: Vec<_> =
        paths().into_iter().filter(|path| path != "src/lib.rs" && path != "src/main.rs").collect();
    let read = |path: &String| std::fs::read_to_string(root().join(path)).unwrap();
    let mut all: Vec<_> =
        paths.iter().map(|path| File { path: path.clone(), code: blanked(&read(path)) }).collect();
    let tests: Vec<_> = all.iter_mut().flat_map(File::cut_tests).collect();
    all.retain(|file| {
        let module = file.path.trim_end_matches(".rs");
        !tests.iter().any(|test| module == test || module.starts_with(&format!("{test}/")))
    });
    all
}

impl File {
    /// The module of the crate it belongs to: `a` for `src/a/b.rs`.
    pub fn module(&self) -> &str {
        self.path.trim_start_matches("src/").trim_end_matches(".rs").split('/').next().unwrap()
    }

    /// Lines of code with their numbers.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The modules of the crate it names, each with the line.
    pub fn uses(&self) -> Vec<(usize, String)> {
        let mut all = vec![];
        let depth = self.path.trim_end_matches(".rs").split('/').count() - 1;
        for (at, _) in self.code.match_indices("crate::") {
            let line = self.line(at);
            names_at(&self.code[at + "crate::".len()..]).into_iter().for_each(|name| all.push((line, name)));
        }
        let climb = "super::".repeat(depth);
        for (at, _) in self.code.match_indices(&climb) {
            let is_start = !self.code[..at].ends_with("super::");
            let rest = &self.code[at + climb.len()..];
            assert!(!rest.starts_with("super::"), "{}:{}: leaves the crate", self.path, self.line(at));
            if is_start {
                names_at(rest).into_iter().for_each(|name| all.push((self.line(at), name)));
            }
        }
        all
    }

    fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    /// Removes what is compiled for tests only; returns the modules in files of their own among it.
    fn cut_tests(&mut self) -> Vec<String> {
        let mut files = vec![];
        while let Some(start) = self.code.find("#[cfg(test)]") {
            let rest = &self.code[start..];
            let semicolon = rest.find(';').unwrap_or(rest.len());
            let brace = rest.find('{').unwrap_or(rest.len());
            let length = if semicolon < brace { semicolon + 1 } else { brace + block(&rest[brace..]) };
            let item = &rest[..length];
            if let Some(name) = item.trim_end_matches(';').split_once("mod ").filter(|_| semicolon < brace) {
                files.push(format!("{}/{}", self.path.trim_end_matches(".rs"), name.1.trim()));
            }
            let blank: String = item.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
            self.code = format!("{}{blank}{}", &self.code[..start], &self.code[start + length..]);
        }
        files
    }
}

/// Bytes of the `{ … }` at the start.
fn block(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The first name of a path, or of each path in a `{ … }`.
fn names_at(rest: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    if !rest.starts_with('{') {
        return vec![name(rest)];
    }
    let (mut depth, mut names, mut start) = (0, vec![], 1);
    for (at, c) in rest[..block(rest)].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (c == ',' && depth == 1) || depth == 0 {
            names.push(name(&rest[start..at]));
            start = at + 1;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Whether a line has a word that is not a part of a longer one.
pub fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_part);
        let after = line[at + word.len()..].chars().next().is_some_and(is_part);
        !(before || after && word.ends_with(is_part))
    })
}

/// The text with comments, and what stands in quotes, made blank; every line keeps its number.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => quoted(rest),
            'r' if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => raw(rest),
            '\'' => character(rest),
            _ => 0,
        };
        match skipped {
            0 => out.push(c),
            _ => out.extend(rest[..skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
        }
        rest = &rest[skipped.max(c.len_utf8())..];
    }
    out
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Bytes of `r"…"` or `r#"…"#`; 0 when it is something else.
fn raw(rest: &str) -> usize {
    let hashes = rest[1..].len() - rest[1..].trim_start_matches('#').len();
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    rest[hashes + 2..].find(&end).map_or(rest.len(), |at| hashes + 2 + at + end.len())
}

/// Bytes of a character in quotes; 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    match letters.next() {
        Some((_, '\\')) => rest[2..].find('\'').map_or(0, |at| if at == 0 { 4 } else { at + 3 }),
        Some(_) => letters.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

#[test]
fn code_is_told_from_the_rest() {
    let code = blanked("a // crate::x\n'\"' \"crate::y\" /* b\n */ r#\"c \" d\"# '\\'' &'a crate::z\n");
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "&'a", "crate::z"]);
    assert_eq!(code.lines().count(), 3);
    let file = |code: &str| File { path: "src/a/b/c.rs".into(), code: code.into() };
    let names = |code: &str| file(code).uses().into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(
        names("use crate::x::{y, z}; crate::{p::{q, r}, s}; super::t super::super::super::u::v"),
        ["x", "p", "s", "u"]
    );
    let mut tested = file("a #[cfg(test)]\nmod tests { x { y } }\nb #[cfg(test)] mod t;\nc");
    assert_eq!(tested.cut_tests(), ["src/a/b/c/t"]);
    assert_eq!(tested.code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(
        has_word("a.sleep(1)", "sleep")
            && !has_word("asleep()", "sleep")
            && has_word("x.unwrap();", "unwrap()")
    );
}
