//! How long files and functions may be, and that every file says what it is for.

use super::code::{code_of, functions};
use super::{none, only_listed, sources};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// Files over the limit, from before the rule. Only shrinks.
const LONG_FILES: &[&str] = &[];
/// `FILE: FUNCTION` over the limit, from before the rule. Only shrinks.
const LONG_FUNCTIONS: &[&str] = &[];

fn long_file(path: &str, text: &str) -> Option<(String, String)> {
    let lines = text.lines().count();
    (lines > FILE_LINES).then(|| (path.to_owned(), format!("{path}: {lines} lines, more than {FILE_LINES}")))
}

fn long_functions(path: &str, text: &str) -> Vec<(String, String)> {
    let long = |name: &str, lines| {
        (format!("{path}: {name}"), format!("{path}: {name} has {lines} lines, more than {FUNCTION_LINES}"))
    };
    let all = functions(&code_of(text)).into_iter().map(|f| (f.last - f.first + 1, f.name));
    all.filter(|(lines, _)| *lines > FUNCTION_LINES).map(|(lines, name)| long(&name, lines)).collect()
}

fn has_doc(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 8)
}

#[test]
fn no_file_is_too_long() {
    let found: Vec<_> = sources().iter().filter_map(|s| long_file(&s.path, &s.text)).collect();
    only_listed("files that are too long", &found, LONG_FILES);
}

#[test]
fn no_function_is_too_long() {
    let found: Vec<_> = sources().iter().flat_map(|s| long_functions(&s.path, &s.text)).collect();
    only_listed("functions that are too long", &found, LONG_FUNCTIONS);
}

#[test]
fn every_module_says_what_it_is_for() {
    let found: Vec<String> = sources().into_iter().filter(|s| !has_doc(&s.text)).map(|s| s.path).collect();
    none("files that do not begin with //!", &found);
}

#[test]
fn long_ones_and_silent_ones_are_seen() {
    assert!(long_file("a", &"x\n".repeat(501)).is_some());
    assert!(long_file("a", &"x\n".repeat(500)).is_none());
    let function = |lines: usize| format!("fn a() {{\n{}}}\n", "x();\n".repeat(lines - 2));
    assert_eq!(long_functions("a", &function(71)).len(), 1);
    assert_eq!(long_functions("a", &function(70)).len(), 0);
    assert!(has_doc("//! What it is for.\n") && !has_doc("// no\n") && !has_doc("//!\n") && !has_doc(""));
}
