//! Tests wait for something, with a deadline, and never for nothing.
//!
//! A sleep in test code stands inside a loop, and the function around it names what ends the wait: a deadline, a
//! clock or a timeout.

use super::code::{block_close, code_of, functions};
use super::{only_listed, sources};

/// What says that a wait has an end.
const ENDS: [&str; 6] = ["deadline", "DEADLINE", "elapsed", "timeout", "Instant", "until"];

/// Sleeps that are no wait of the test: a server that is slow on purpose, the pause of a poll that is elsewhere.
const NOT_A_WAIT: &[&str] = &["bins/nova-local/tests/real/contract.rs", "examples/load/tests/generate.rs"];

/// The part of a file that is test code.
fn test_part(path: &str, code: &str) -> Option<usize> {
    let whole = path.contains("/tests/") || path.starts_with("tests/") || path.ends_with("/tests.rs");
    if whole { Some(0) } else { code.find("#[cfg(test)]").map(|at| code[..at].matches('\n').count()) }
}

/// Lines of bare sleeps, from 1.
fn bare(path: &str, text: &str) -> Vec<usize> {
    let code = code_of(text);
    let Some(from) = test_part(path, &code) else { return Vec::new() };
    let functions = functions(&code);
    let lines: Vec<&str> = code.lines().collect();
    let looped = loops(&code);
    let sleeping = lines
        .iter()
        .enumerate()
        .skip(from)
        .filter(|(_, line)| line.contains("sleep(") && !line.contains("fn sleep("));
    let good = |at: usize| {
        // The innermost function is the one that begins last.
        let around = functions.iter().rfind(|f| (f.first..=f.last).contains(&at));
        around.is_some_and(|f| {
            let ends = lines[f.first..=f.last].iter().any(|line| ENDS.iter().any(|end| line.contains(end)));
            ends && looped.iter().any(|(first, last)| *first >= f.first && (*first..=*last).contains(&at))
        })
    };
    sleeping.filter(|(at, _)| !good(*at)).map(|(at, _)| at + 1).collect()
}

/// First and last line of every loop.
fn loops(code: &str) -> Vec<(usize, usize)> {
    let line = |at: usize| code[..at].matches('\n').count();
    let mut found = Vec::new();
    for word in ["while ", "loop ", "for "] {
        for (at, _) in code.match_indices(word) {
            let alone = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if let Some(open) = code[at..].find('{').filter(|_| alone) {
                found.push((line(at), line(block_close(code, at + open))));
            }
        }
    }
    found
}

#[test]
fn tests_sleep_only_while_they_poll_with_a_deadline() {
    let mut found = Vec::new();
    for source in sources() {
        for line in bare(&source.path, &source.text) {
            found.push((source.path.clone(), format!("{}:{line}: a bare sleep", source.path)));
        }
    }
    only_listed("bare sleeps in tests", &found, NOT_A_WAIT);
}

#[test]
fn bare_sleeps_are_seen_and_polls_are_not() {
    let poll =
        "fn a() {\n let until = now();\n while !done() {\n  assert!(now() < until);\n  sleep(x);\n }\n}\n";
    assert_eq!(bare("crates/a/tests/b.rs", poll), [0; 0]);
    assert_eq!(bare("crates/a/tests/b.rs", "fn a() {\n sleep(x);\n}\n"), [2]);
    assert_eq!(bare("crates/a/tests/b.rs", "fn a() {\n loop {\n  sleep(x);\n }\n}\n"), [3]);
    assert_eq!(bare("crates/a/src/b.rs", "fn a() {\n sleep(x);\n}\n"), [0; 0]);
    assert_eq!(bare("crates/a/src/b.rs", "#[cfg(test)]\nmod tests {\n fn a() {\n sleep(x);\n }\n}\n"), [4]);
}
