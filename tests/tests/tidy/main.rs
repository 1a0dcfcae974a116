//! Tidiness that a test can check: who imports whom, how large things are, what a pure crate may name.
//!
//! Each rule is a function over a text, shown to fail on a bad one, and then asked about every file of the workspace.
//! An exception stands in a list that only shrinks: an entry that is no longer needed fails the test as well.

mod arrows;
mod code;
mod purity;
mod sizes;
mod sleeps;
mod words;

use std::path::{Path, PathBuf};

/// A file of the workspace.
struct Source {
    /// From the root of the workspace.
    path: String,
    text: String,
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// All files whose names end so, build products and hidden folders but `.ci` excepted.
fn files(endings: &[&str]) -> Vec<Source> {
    let (root, mut found, mut folders) = (root(), Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the workspace").flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let kind = entry.file_type().expect("a file of the workspace");
            if kind.is_dir() && name != "target" && (!name.starts_with('.') || name == ".ci") {
                folders.push(path);
            } else if kind.is_file()
                && endings.iter().any(|end| name.ends_with(end))
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                let path = path.strip_prefix(&root).expect("below the root").display().to_string();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 10, "the walk has found the workspace");
    found
}

/// All Rust sources.
fn sources() -> Vec<Source> {
    files(&[".rs"])
}

/// Fails with all that was found.
fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

/// Fails on what is not on the list, and on what is on the list without need.
fn only_listed(what: &str, found: &[(String, String)], list: &[&str]) {
    let new: Vec<String> =
        found.iter().filter(|(path, _)| !list.contains(&path.as_str())).map(|(_, why)| why.clone()).collect();
    none(what, &new);
    let spare: Vec<String> = list
        .iter()
        .filter(|entry| !found.iter().any(|(path, _)| path == *entry))
        .map(ToString::to_string)
        .collect();
    none(&format!("{what}: these are tidy now; take them off the list"), &spare);
}

#[test]
#[should_panic(expected = "take them off the list")]
fn an_entry_without_need_fails() {
    only_listed("sizes", &[], &["crates/machine/src/lib.rs"]);
}

#[test]
#[should_panic(expected = "too long")]
fn what_is_not_listed_fails() {
    only_listed("sizes", &[("a.rs".to_owned(), "a.rs is too long".to_owned())], &[]);
}
