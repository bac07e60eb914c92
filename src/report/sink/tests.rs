//! Paths that work, paths that do not, and what is left behind.

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn missing_folders_are_made_and_taken_away_again_unused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a/b/report.html");
    drop(Sink::open(&path, Readers::Default).unwrap());
    assert!(names(root.path()).is_empty());
    Sink::open(&path, Readers::Default).unwrap().write("page").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "page");
    assert_eq!(names(&root.path().join("a/b")), ["report.html"]);
}

#[test]
fn what_was_there_stays_until_the_new_report_is_complete() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("r.json");
    fs::write(&path, "good").unwrap();
    let sink = Sink::open(&path, Readers::Default).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "good");
    drop(sink);
    assert_eq!(fs::read_to_string(&path).unwrap(), "good");
    let (mut one, mut two) =
        (Sink::open(&path, Readers::Default).unwrap(), Sink::open(&path, Readers::Default).unwrap());
    one.write("better").unwrap();
    two.write("best").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "best");
    assert_eq!(names(root.path()), ["r.json"]);
}

#[test]
fn impossible_paths_are_named_with_their_cause() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let message = |path: &Path| Sink::open(path, Readers::Default).unwrap_err().to_string();
    let shown = root.path().display();
    assert_eq!(message(root.path()), format!("cannot write {shown}: it is a directory"));
    let new_folder = PathBuf::from(format!("{shown}/new/"));
    assert_eq!(message(&new_folder), format!("cannot write {shown}/new/: it is a directory"));
    let below = file.join("x/y.html");
    assert_eq!(
        message(&below),
        format!("cannot write {shown}/file/x/y.html: a part of the path is not a directory")
    );
    assert_eq!(message(Path::new("")), "cannot write : the path is empty");
    assert_eq!(names(root.path()), ["file"]);
}

#[cfg(target_os = "linux")]
#[test]
fn unwritable_places() {
    let message = Sink::open("/proc/plimsoll/x.html", Readers::Default).unwrap_err().to_string();
    assert!(message.starts_with("cannot write /proc/plimsoll/x.html: "), "{message}");
    Sink::open("/dev/null", Readers::Default).unwrap().write("text").unwrap();
    let full = Sink::open("/dev/full", Readers::Default).unwrap().write("text").unwrap_err().to_string();
    assert_eq!(full, "cannot write /dev/full: no space left");
}

#[cfg(unix)]
#[test]
fn read_only_files_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let root = tempfile::tempdir().unwrap();
    let (real, link) = (root.path().join("real"), root.path().join("link"));
    fs::write(&real, "old").unwrap();
    symlink(&real, &link).unwrap();
    Sink::open(&link, Readers::Default).unwrap().write("new").unwrap();
    assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    fs::set_permissions(&real, fs::Permissions::from_mode(0o444)).unwrap();
    if OpenOptions::new().write(true).open(&real).is_err() {
        let message = Sink::open(&real, Readers::Default).unwrap_err().to_string();
        assert!(message.ends_with(": permission denied"), "{message}");
    }
}

#[test]
fn standard_output_by_its_names() {
    for name in ["-", "/dev/stdout"] {
        let sink = Sink::open(name, Readers::Default).unwrap();
        assert!(sink.is_stdout());
        assert_eq!(sink.path(), name);
    }
}

#[test]
fn nothing_is_left_in_the_folder_while_a_sink_is_open() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("new/r.json");
    let mut sink = Sink::open(&path, Readers::Default).unwrap();
    assert!(names(&root.path().join("new")).is_empty());
    fs::remove_dir(root.path().join("new")).unwrap();
    for text in ["first", "second"] {
        sink.write(text).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    replace(&path, "third").unwrap();
    drop(sink);
    assert_eq!(fs::read_to_string(&path).unwrap(), "third");
    assert_eq!(names(&root.path().join("new")), ["r.json"]);
    let taken = root.path().join("taken");
    fs::create_dir(&taken).unwrap();
    let message = replace(&taken, "text").unwrap_err().to_string();
    assert!(message.starts_with(&format!("cannot write {}: ", taken.display())), "{message}");
    assert_eq!(names(root.path()), ["new", "taken"]);
}

/// A new file with parts of answers is its owner's alone; one that is there keeps its rights.
#[cfg(unix)]
#[test]
fn who_may_read_a_report() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let usual = root.path().join("usual");
    fs::write(&usual, "").unwrap();
    for (name, readers, expected) in
        [("private", Readers::Owner, 0o600), ("numbers", Readers::Default, mode(&usual))]
    {
        let path = root.path().join(name);
        Sink::open(&path, readers).unwrap().write("text").unwrap();
        assert_eq!(mode(&path), expected, "{name}");
        for kept in [0o644, 0o640, 0o600] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            Sink::open(&path, readers).unwrap().write("more").unwrap();
            assert_eq!(mode(&path), kept, "{name}");
        }
    }
    let checkpoint = root.path().join("checkpoint");
    replace(&checkpoint, "text").unwrap();
    assert_eq!(mode(&checkpoint), 0o600);
}
