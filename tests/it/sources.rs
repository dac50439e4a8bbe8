//! The files of the tree.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file's text.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All Rust files below a folder, with their texts, by path from the root.
pub fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort_unstable();
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).map(|entry| entry.unwrap().path()).collect()
}

/// Holds a part of a document, between `<!-- name -->` and `<!-- end -->`, to what the code says. With `UPDATE_DOCS` set it is written instead.
pub fn hold(document: &str, name: &str, wanted: &str) {
    let text = read(document);
    let (start, end) = (format!("<!-- {name} -->\n"), "<!-- end -->");
    let from = text.find(&start).unwrap_or_else(|| panic!("{document} has no {start}")) + start.len();
    let to = from + text[from..].find(end).unwrap_or_else(|| panic!("{document} has no {end} after {name}"));
    if &text[from..to] == wanted {
        return;
    }
    assert!(std::env::var_os("UPDATE_DOCS").is_some(), "{document} does not say what the code does; run the tests with UPDATE_DOCS=1");
    fs::write(root().join(document), format!("{}{wanted}{}", &text[..from], &text[to..])).unwrap();
}
