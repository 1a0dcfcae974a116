//! Pure crates read no clock, file, variable, socket, thread or random source, and keep ordered maps only.

use super::code::code_of;
use super::{Source, none, root, sources};

/// Crates that decide. `simulation` stands in for the world and is not among them.
pub(crate) const PURE: [&str; 12] = [
    "machine",
    "pipeline-core",
    "deploy-strategies",
    "health",
    "rollback",
    "release",
    "run",
    "supervise",
    "exposition",
    "promql",
    "gate",
    "dwcp-conformance",
];

/// Words that have no place in a decision.
const FOREIGN: [&str; 27] = [
    "std::time",
    "std::fs",
    "std::env",
    "std::net",
    "std::io",
    "std::os",
    "std::process",
    "std::thread",
    "std::sync",
    "SystemTime",
    "Instant",
    "HashMap",
    "HashSet",
    "RandomState",
    "thread_local",
    "static mut",
    "async",
    "await",
    "tokio",
    "rand",
    "getrandom",
    "println",
    "eprintln",
    "dbg",
    "unsafe",
    "include_str",
    "option_env",
];

/// Outside crates that a pure crate may use.
const OUTSIDE: [&str; 12] = [
    "serde",
    "serde_json",
    "serde-saphyr",
    "sha2",
    "thiserror",
    "semver",
    "petgraph",
    "libm",
    "regex",
    "zstd",
    "lz4_flex",
    // Only behind the feature `lenient` of exposition, for comparison.
    "prometheus-parse",
];

fn foreign(path: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        for word in FOREIGN.iter().filter(|word| has_word(line, word)) {
            found.push(format!("{path}:{}: {word}", number + 1));
        }
    }
    found
}

/// Whether a word stands alone in a line.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

fn is_pure(source: &Source) -> bool {
    PURE.iter().any(|name| source.path.starts_with(&format!("crates/{name}/src/")))
}

fn outsiders(name: &str, manifest: &str) -> Vec<String> {
    let normal = manifest.split("\n[").find(|part| part.starts_with("dependencies]")).unwrap_or_default();
    let names = normal.lines().skip(1).filter_map(|line| line.split(['.', ' ', '=']).next());
    let names = names.filter(|dependency| !dependency.is_empty() && !dependency.starts_with('#'));
    let known = |dependency: &&str| OUTSIDE.contains(dependency) || PURE.contains(dependency);
    names
        .filter(|dependency| !known(dependency))
        .map(|dependency| format!("{name} uses {dependency}"))
        .collect()
}

#[test]
fn pure_crates_name_nothing_of_the_world() {
    let pure: Vec<Source> = sources().into_iter().filter(is_pure).collect();
    assert!(PURE.iter().all(|name| pure.iter().any(|s| s.path.starts_with(&format!("crates/{name}/")))));
    none("pure crates", &pure.iter().flat_map(|s| foreign(&s.path, &s.text)).collect::<Vec<_>>());
}

#[test]
fn pure_crates_use_only_pure_outsiders() {
    let read = |name: &str| std::fs::read_to_string(root().join("crates").join(name).join("Cargo.toml"));
    let found = PURE.iter().flat_map(|name| outsiders(name, &read(name).expect("a manifest")));
    none("dependencies of pure crates", &found.collect::<Vec<_>>());
}

#[test]
fn a_clock_a_file_and_a_hash_map_are_seen() {
    for bad in ["let t = std::time::Instant::now();", "use std::fs;", "HashMap::new()", "async fn a() {}"] {
        assert!(!foreign("a.rs", bad).is_empty(), "{bad}");
    }
    for good in ["// std::fs", "let s = \"std::time\";", "fn random_walk() {}", "Instantly"] {
        assert!(foreign("a.rs", good).is_empty(), "{good}");
    }
    let manifest =
        "[package]\nname = \"x\"\n\n[dependencies]\nserde.workspace = true\ntokio = \"1\"\n\n[lints]\n";
    assert_eq!(outsiders("x", manifest), ["x uses tokio"]);
}
