//! The pages of the documentation: in reading order, taken apart into blocks, and what stands in code.

use std::path::{Path, PathBuf};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A page.
pub struct Page {
    pub path: PathBuf,
    pub text: String,
}

impl Page {
    fn read(path: PathBuf) -> Self {
        Self { text: read(&path), path }
    }

    /// `first-plan.md`
    pub fn name(&self) -> String {
        self.path.file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// Its fenced blocks, in order.
    pub fn blocks(&self) -> Vec<Block> {
        blocks(&self.text)
    }

    /// `first-plan.md:12`, the place of a block or line.
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.strip_prefix(root()).unwrap().display())
    }
}

/// README and the guide, the chapters as the guide's table of contents lists them.
pub fn pages() -> Vec<Page> {
    let guide = root().join("docs/guide");
    let contents = Page::read(guide.join("README.md"));
    let links =
        contents.text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let chapters = links.filter(|link| link.ends_with(".md") && !link.contains('/'));
    let chapters: Vec<_> = chapters.map(|link| Page::read(guide.join(link))).collect();
    [Page::read(root().join("README.md")), contents].into_iter().chain(chapters).collect()
}

/// A page of the guide.
pub fn page(name: &str) -> String {
    read(&root().join("docs/guide").join(name))
}

/// A fenced block.
#[derive(Debug, Clone)]
pub struct Block {
    /// The first word after the fence: `yaml`.
    pub language: String,
    /// The words after it.
    pub words: Vec<String>,
    pub text: String,
    /// Of the fence, from 1.
    pub line: usize,
}

impl Block {
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|one| one == word)
    }

    /// The file it is, when it says so: after the language (`csv questions.csv`), or in a first line `# first.yaml`.
    pub fn file(&self) -> Option<&str> {
        let word = self.words.iter().map(String::as_str).find(|word| word.contains('.'));
        word.or_else(|| {
            let name = self.text.lines().next()?.strip_prefix("# ")?;
            let is_plan = name.ends_with(".yaml") || name.ends_with(".toml");
            (is_plan && !name.contains(' ')).then_some(name)
        })
    }

    pub fn is_plan_text(&self) -> bool {
        self.language == "yaml" || self.language == "toml"
    }
}

/// The fenced blocks of a text.
pub fn blocks(text: &str) -> Vec<Block> {
    let (mut all, mut open) = (vec![], None::<Block>);
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                let language = words.next().unwrap_or_default();
                open = Some(Block { language, words: words.collect(), text: String::new(), line: index + 1 });
            }
            (Some(_), Some(_)) => all.extend(open.take()),
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    all
}

/// The lines outside of fenced blocks, with their numbers.
pub fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_inside = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.starts_with("```");
        is_inside ^= is_fence;
        (!is_inside && !is_fence).then_some((index + 1, line))
    })
}

/// What stands between backticks in a line; `\|`, as tables need it, is `|`.
pub fn code(line: &str) -> Vec<String> {
    line.split('`').skip(1).step_by(2).map(|text| text.replace("\\|", "|")).collect()
}

/// The cells of a line of a table; `\|` is none of its borders.
pub fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?.replace("\\|", "\u{0}");
    Some(inner.split('|').map(|cell| cell.trim().replace('\u{0}', "\\|")).collect())
}

/// Copies the context, with the files that snippets name, into a folder.
pub fn lay_out(folder: &Path) {
    copy(&root().join("tests/guide/context"), &folder.join("context"));
    // Paths in snippets are relative to the snippet, as they would be in a plan beside these files.
    for entry in std::fs::read_dir(folder.join("context")).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            copy(&entry, &folder.join(entry.file_name().unwrap()));
        }
    }
    std::fs::write(folder.join(".plimsoll"), "").unwrap();
}

/// Copies a folder into another.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &to);
        } else {
            std::fs::copy(&entry, &to).unwrap();
        }
    }
}
