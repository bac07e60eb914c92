//! Names, folders of runs that begin together, and what hostile folders hold.

use super::*;
use crate::report::fixture;
use crate::report::json;

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

const NOON: &str = "2026-03-02T12:00:00Z";

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Puts a result into the folder of a run.
fn put(folder: &Path, run: &str, text: &str) {
    fs::create_dir_all(folder.join(run)).unwrap();
    fs::write(folder.join(run).join(RESULT), text).unwrap();
}

#[test]
fn names_of_plans_are_names_of_folders() {
    for (name, folder) in [
        ("TempoNest — general load", "temponest-general-load"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "plan"),
        ("", "plan"),
        ("a/b\\c:d*e?f\"g<h>i|j", "a-b-c-d-e-f-g-h-i-j"),
        ("evil\u{202e}txt\u{0}\n.exe", "evil-txt-exe"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("東京 Straße", "東京-straße"),
        ("CON", "con-plan"),
        ("lpt1", "lpt1-plan"),
        ("com10", "com10"),
    ] {
        assert_eq!(slug(name), folder, "{name:?}");
    }
    let (one, other) = (slug(&format!("{}1", "x".repeat(500))), slug(&format!("{}2", "x".repeat(500))));
    assert!(one != other && one.chars().count() == LONGEST_SLUG, "{one} {other}");
    for long in ["東".repeat(90), "\u{10400}".repeat(90), "\u{10400}".repeat(60)] {
        let slug = slug(&long);
        assert!(slug.len() <= 3 * LONGEST_SLUG && slug.chars().count() <= LONGEST_SLUG, "{slug}");
    }
}

#[test]
fn runs_of_one_second_have_a_folder_each() {
    let root = tempfile::tempdir().unwrap();
    let claim = || RunFolder::claim(root.path(), "A plan", at(NOON)).unwrap();
    let runs: Vec<_> = (0..3).map(|_| claim()).collect();
    let stamp = "2026-03-02T12-00-00Z";
    assert_eq!(names(&root.path().join("a-plan")), [stamp, &format!("{stamp}-02"), &format!("{stamp}-03")]);
    assert!(names(&root.path().join("a-plan")).iter().all(|name| is_run(name)));
    // Nothing was written: nothing is left.
    runs.into_iter().rev().for_each(drop);
    assert!(names(root.path()).is_empty());
    let _all: Vec<_> = (0..MOST_A_SECOND).map(|_| claim()).collect();
    let error = RunFolder::claim(root.path(), "A plan", at(NOON)).unwrap_err().to_string();
    assert!(error.ends_with("/a-plan: another file is in the way"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    let error = RunFolder::claim(&root.path().join("file"), "x", at(NOON)).unwrap_err().to_string();
    assert!(error.ends_with("/file/x: a part of the path is not a directory"), "{error}");
    assert_eq!(names(root.path()), ["file"]);
}

#[cfg(unix)]
#[test]
fn the_link_leads_to_the_latest_run() {
    let root = tempfile::tempdir().unwrap();
    let plan = root.path().join("x");
    let link = plan.join(LATEST);
    let mut runs = vec![];
    for time in [NOON, "2026-03-02T12:00:01Z"] {
        let run = RunFolder::claim(root.path(), "x", at(time)).unwrap();
        run.link().unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new(&run.name));
        runs.push(run);
    }
    assert_eq!(names(&plan), ["2026-03-02T12-00-00Z", "2026-03-02T12-00-01Z", LATEST]);
    // Somebody's own file or folder is left alone.
    fs::remove_file(&link).unwrap();
    fs::write(&link, "notes").unwrap();
    assert!(runs[0].link().is_err());
    assert_eq!(fs::read_to_string(&link).unwrap(), "notes");
    fs::remove_file(&link).unwrap();
    fs::create_dir_all(link.join("mine")).unwrap();
    assert!(runs[0].link().is_err());
    assert_eq!(names(&link), ["mine"]);
    assert_eq!(names(&plan).len(), 3, "no temporary link is left");
}

#[test]
fn the_latest_runs_are_read_the_newest_first() {
    let root = tempfile::tempdir().unwrap();
    let text = json::to_string(&fixture::failing()).unwrap();
    for n in 0..MOST_RUNS + 5 {
        put(root.path(), &format!("2026-03-02T{:02}-{:02}-00Z", n / 60, n % 60), &text);
    }
    let found = runs(root.path());
    assert_eq!((found.runs.len(), found.older, found.skipped.len()), (MOST_RUNS, 5, 0));
    assert_eq!(found.runs[0].folder, "2026-03-02T03-24-00Z");
    let doc = fixture::failing();
    let brief = &found.runs[0].brief;
    assert_eq!((brief.verdict, &brief.plan.sha256), (doc.verdict, &doc.plan.sha256));
    assert_eq!(brief.totals.requests, doc.totals.requests);
    assert_eq!(brief.totals.latency_us.as_ref().unwrap().p95, doc.totals.latency_us.unwrap().p95);
    assert!(!found.runs[0].has_page);
}

#[test]
fn what_is_no_result_is_passed_over_with_a_reason() {
    let root = tempfile::tempdir().unwrap();
    let good = json::to_string(&fixture::failing()).unwrap();
    let newer = good.replacen("\"format\": 1", "\"format\": 7", 1);
    let deep = format!("{{\"x\": {}}}", "[".repeat(1_000_000));
    let large = format!("{{\"reason\": \"{}\"}}", "x".repeat(MOST_OF_ONE as usize));
    let broken = [
        ("2026-01-01T00-00-01Z", &good[..good.len() / 2], "its result is cut off"),
        ("2026-01-01T00-00-02Z", "", "its result is cut off"),
        ("2026-01-01T00-00-03Z", "{]}", "its result is not JSON"),
        ("2026-01-01T00-00-04Z", "{\"format\": 1}", "its result is not a result of plimsoll"),
        ("2026-01-01T00-00-05Z", newer.as_str(), "its result is of a newer plimsoll"),
        ("2026-01-01T00-00-06Z", deep.as_str(), "its result is not JSON"),
        ("2026-01-01T00-00-08Z", large.as_str(), "its result is cut off, or too large"),
    ];
    for (name, text, _) in broken {
        put(root.path(), name, text);
    }
    fs::create_dir(root.path().join("2026-01-01T00-00-07Z")).unwrap();
    // A run that was killed, and names that are not ours.
    put(root.path(), "2026-01-01T00-00-09Z", "");
    fs::rename(
        root.path().join("2026-01-01T00-00-09Z/result.json"),
        root.path().join("2026-01-01T00-00-09Z").join(PARTIAL),
    )
    .unwrap();
    fs::write(root.path().join("2026-01-01T00-00-09Z").join(PARTIAL), &good).unwrap();
    for name in ["mine", "2026-01-01", "2026-01-01T00-00-01Z-x", "2026-01-01T00-00-01Z\"><script>"] {
        put(root.path(), name, &good);
    }
    let found = runs(root.path());
    assert_eq!(
        found.runs.iter().map(|run| run.folder.as_str()).collect::<Vec<_>>(),
        ["2026-01-01T00-00-09Z"]
    );
    let reason = |name: &str| &found.skipped.iter().find(|(skipped, _)| skipped == name).unwrap().1;
    for (name, _, words) in broken {
        assert_eq!(reason(name), words, "{name}");
    }
    assert_eq!(reason("2026-01-01T00-00-07Z"), "no result");
    assert_eq!(found.skipped.len(), 8);
}

/// Of a result only the head is read, however long the run was.
#[test]
fn what_follows_the_totals_is_not_read() {
    let good = json::to_string(&fixture::failing()).unwrap();
    let totals = good.find("\n  \"series\": [").unwrap();
    let brief = Brief::read(format!("{}\n  @", &good[..totals]).as_bytes()).unwrap();
    assert_eq!(brief, Brief::read(good.as_bytes()).unwrap());
    // In another order all of it is.
    let value: serde_json::Value = serde_json::from_str(&good).unwrap();
    let turned: serde_json::Map<_, _> = value.as_object().unwrap().clone().into_iter().rev().collect();
    assert_eq!(Brief::read(serde_json::to_vec(&turned).unwrap().as_slice()).unwrap(), brief);
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_not_followed() {
    use std::os::unix::fs::symlink;
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let good = json::to_string(&fixture::failing()).unwrap();
    put(outside.path(), "2026-01-01T00-00-01Z", &good);
    symlink(outside.path().join("2026-01-01T00-00-01Z"), root.path().join("2026-01-01T00-00-01Z")).unwrap();
    let folder = root.path().join("2026-01-01T00-00-02Z");
    fs::create_dir(&folder).unwrap();
    symlink(outside.path().join("2026-01-01T00-00-01Z/result.json"), folder.join(RESULT)).unwrap();
    let folder = root.path().join("2026-01-01T00-00-03Z");
    fs::create_dir(&folder).unwrap();
    // Opening a pipe would wait for ever.
    assert!(std::process::Command::new("mkfifo").arg(folder.join(RESULT)).status().unwrap().success());
    let found = runs(root.path());
    assert!(found.runs.is_empty());
    assert_eq!(found.skipped.len(), 2);
}

#[test]
fn long_texts_are_cut() {
    let mut doc = fixture::failing();
    doc.reason = "x\u{1b}[31m".repeat(100_000);
    doc.plan.name = "::error::".repeat(1_000);
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "2026-01-01T00-00-01Z", &json::to_string(&doc).unwrap());
    let brief = &runs(root.path()).runs[0].brief;
    assert!(brief.reason.chars().count() <= 200 && !brief.reason.contains('\u{1b}'));
    assert!(brief.plan.name.chars().count() <= 200 && !brief.plan.name.starts_with("::"));
}

#[test]
fn one_run_at_a_time_writes_the_index() {
    let root = tempfile::tempdir().unwrap();
    let run = RunFolder::claim(root.path(), "x", at(NOON)).unwrap();
    let other = RunFolder::claim(root.path(), "x", at(NOON)).unwrap();
    let Ok(Some(held)) = run.lock() else { return }; // a system without such locks
    assert!(other.lock().is_err());
    drop(held);
    assert!(matches!(other.lock(), Ok(Some(_))));
}
