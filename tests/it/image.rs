//! The Dockerfile takes along all that the program is built from.

use std::fs;
use std::path::Path;

/// The top folders of what `include_str!` and `include_bytes!` name below `folder`, with those Cargo.toml needs.
fn folders(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folders(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for part in text.split("include_").skip(1).filter_map(|part| part.split_once("\"../")) {
                let top = part.1.trim_start_matches("../").split('/').next().unwrap();
                found.push(top.to_owned());
            }
        }
    }
}

#[test]
fn the_image_is_built_from_all_there_is_to_build_from() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut needed = vec!["src".to_owned(), "benches".to_owned()];
    folders(&root.join("src"), &mut needed);
    assert!(
        needed.iter().any(|folder| folder == "plans") && needed.iter().any(|folder| folder == "templates")
    );
    let (dockerfile, ignored) =
        ["Dockerfile", ".dockerignore"].map(|name| fs::read_to_string(root.join(name)).unwrap()).into();
    for folder in needed.iter().filter(|folder| root.join(folder).is_dir()) {
        assert!(dockerfile.contains(&format!("COPY {folder} {folder}\n")), "Dockerfile copies no {folder}");
        assert!(ignored.contains(&format!("!{folder}\n")), ".dockerignore keeps {folder} out");
    }
}
