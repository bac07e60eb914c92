//! Which files a plan may read and write: those below its root that are not hidden, symbolic links followed. Must not read
//! any of them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::root::{folder_by_name, real_place, root_of, strict_root_of};

/// Where a plan's files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    root: PathBuf,
    /// The plan's own folder. What is hidden on the way to it hides nothing: whoever named the plan named that folder.
    own: PathBuf,
    /// The plan comes from a stranger.
    is_strict: bool,
    /// Hidden files that the plan says it reads.
    allowed: BTreeSet<PathBuf>,
}

/// Why a file is not to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It lies outside the root.
    Outside,
    /// This part of its path is hidden.
    Hidden(String),
}

impl Bounds {
    /// Of the plan at this path.
    pub fn of(plan: &Path, is_strict: bool) -> Self {
        let (root, own) = match is_strict {
            true => (strict_root_of(plan), folder_by_name(plan)),
            false => {
                let own = plan.parent().filter(|own| !own.as_os_str().is_empty()).unwrap_or(Path::new("."));
                (root_of(plan), own.canonicalize().unwrap_or_default())
            }
        };
        Self { root, own, is_strict, allowed: BTreeSet::new() }
    }

    /// A folder by itself.
    pub fn folder(root: PathBuf) -> Self {
        Self { own: root.clone(), root, is_strict: false, allowed: BTreeSet::new() }
    }

    /// Where reports may be written: below this folder, and not even over hidden files that are read.
    pub fn for_reports(&self, root: PathBuf) -> Self {
        Self { root, allowed: BTreeSet::new(), ..self.clone() }
    }

    /// The folder all of it lies below.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the plan comes from a stranger.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// The plan says that it reads this file though it is hidden; a stranger's word counts for nothing.
    pub fn allow(&mut self, path: &Path) {
        self.allowed.extend(real_place(path).filter(|_| !self.is_strict));
    }

    /// Why the file at `path` is not to be read or written; `None` also where it cannot be found.
    pub fn refusal(&self, path: &Path) -> Option<Refusal> {
        let real = real_place(path)?;
        let Ok(below) = real.strip_prefix(&self.root) else { return Some(Refusal::Outside) };
        if self.allowed.contains(&real) {
            return None;
        }
        let mut own = self.own.strip_prefix(&self.root).unwrap_or(Path::new("")).components();
        let mut is_on_the_way = true;
        below.components().find_map(|part| {
            is_on_the_way &= own.next() == Some(part);
            match part {
                Component::Normal(name) if !is_on_the_way => {
                    let name = name.to_string_lossy();
                    is_hidden(&name).then(|| Refusal::Hidden(name.into_owned()))
                }
                _ => None,
            }
        })
    }

    /// Where a file lies, from the plan's own folder.
    pub fn from_plan(&self, path: &Path) -> String {
        let real = real_place(path).unwrap_or_else(|| path.to_owned());
        let shared = self.own.ancestors().position(|folder| real.starts_with(folder)).unwrap_or(0);
        let below = self.own.ancestors().nth(shared).and_then(|folder| real.strip_prefix(folder).ok());
        let up = std::iter::repeat_n("..", shared).collect::<PathBuf>();
        up.join(below.unwrap_or(&real)).display().to_string()
    }

    /// Whether the place lies below the root, and is not hidden.
    pub fn hold(&self, path: &Path) -> bool {
        real_place(path).is_some() && self.refusal(path).is_none()
    }
}

/// Whether a name is that of a hidden file. Kubernetes keeps the files of a ConfigMap below `..data`, a link to
/// `..2026_01_31_…`, and links them from where they are seen: they hide nothing.
fn is_hidden(name: &str) -> bool {
    let is_of_kubernetes =
        name == "..data" || name.strip_prefix("..").is_some_and(|rest| rest.starts_with("20"));
    name.starts_with('.') && !is_of_kubernetes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A root with a repository, and a plan in `plans/`.
    fn tree() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in [
            ".git/config",
            "plans/plan.yaml",
            "plans/data.csv",
            ".env",
            "plans/.env",
            "..data/x",
            ".perf/sub/plan.yaml",
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        }
        (folder, root)
    }

    #[test]
    fn every_way_to_a_hidden_file() {
        let (_folder, root) = tree();
        let hidden = |name: &str| Some(Refusal::Hidden(name.to_owned()));
        for is_strict in [false, true] {
            let bounds = Bounds::of(&root.join("plans/plan.yaml"), is_strict);
            for (path, expected) in [
                ("data.csv", None),
                ("./data.csv", None),
                ("../plans/data.csv", None),
                ("../.git/../plans/data.csv", None),
                ("../..data/x", None),
                (".env", hidden(".env")),
                ("./.env", hidden(".env")),
                ("../.env", hidden(".env")),
                ("../.git/config", hidden(".git")),
                ("../plans/.././.git/config", hidden(".git")),
                ("../.git/not-there", hidden(".git")),
                (".not-there", hidden(".not-there")),
                ("../../x", Some(Refusal::Outside)),
                ("/etc/passwd", Some(Refusal::Outside)),
            ] {
                assert_eq!(bounds.refusal(&root.join("plans").join(path)), expected, "{path}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        use std::os::unix::fs::symlink;
        let (_folder, root) = tree();
        symlink("../.git/config", root.join("plans/link.csv")).unwrap();
        symlink("../.git", root.join("plans/folder")).unwrap();
        symlink("/etc/passwd", root.join("plans/out")).unwrap();
        symlink("data.csv", root.join("plans/.link")).unwrap();
        let bounds = Bounds::of(&root.join("plans/plan.yaml"), false);
        let hidden = Some(Refusal::Hidden(".git".to_owned()));
        for (path, expected) in [
            ("link.csv", hidden.clone()),
            ("folder/config", hidden),
            ("out", Some(Refusal::Outside)),
            (".link", None),
        ] {
            assert_eq!(bounds.refusal(&root.join("plans").join(path)), expected, "{path}");
        }
    }

    #[test]
    fn what_a_plan_says_it_reads_counts_for_no_stranger() {
        let (_folder, root) = tree();
        let env = root.join("plans/.env");
        for (is_strict, expected) in [(false, None), (true, Some(Refusal::Hidden(".env".to_owned())))] {
            let mut bounds = Bounds::of(&root.join("plans/plan.yaml"), is_strict);
            bounds.allow(&root.join("plans/../plans/.env"));
            assert_eq!(bounds.refusal(&env), expected);
            assert!(bounds.refusal(&root.join(".env")).is_some(), "that one and no other");
        }
    }

    #[test]
    fn a_file_is_named_from_the_plan() {
        let (_folder, root) = tree();
        let bounds = Bounds::of(&root.join("plans/plan.yaml"), false);
        for (path, expected) in [
            (".env", "../.env"),
            ("plans/.env", ".env"),
            ("plans/../.git/config", "../.git/config"),
            (".git/x", "../.git/x"),
        ] {
            assert_eq!(bounds.from_plan(&root.join(path)), expected);
        }
    }

    #[test]
    fn a_plan_in_a_hidden_folder_has_its_files_there() {
        let (_folder, root) = tree();
        let bounds = Bounds::of(&root.join(".perf/sub/plan.yaml"), true);
        for (path, is_fine) in [
            (".perf/sub/a.csv", true),
            (".perf/a.csv", true),
            (".perf/sub/.a", false),
            (".git/config", false),
            ("plans/data.csv", true),
        ] {
            assert_eq!(bounds.refusal(&root.join(path)).is_none(), is_fine, "{path}");
        }
    }
}
