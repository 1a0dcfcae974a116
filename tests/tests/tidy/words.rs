//! Words that may not stand in the sources: tests that are left out, work that is not done, paths of one machine.

use super::code::code_of;
use super::purity::has_word;
use super::{files, none, sources};

/// Macros and attributes of unfinished work.
const UNFINISHED: [&str; 4] = ["todo!", "unimplemented!", "dbg!", "ignore]"];

fn unfinished(path: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let macros = UNFINISHED.iter().filter(|word| line.contains(*word));
        let reasoned = Some(&"ignore =").filter(|word| line.contains(&format!("#[{word}")));
        found.extend(macros.chain(reasoned).map(|word| format!("{path}:{}: {word}", number + 1)));
    }
    let notes = text.lines().enumerate().filter(|(_, line)| {
        line.contains("//") && [concat!("TO", "DO"), concat!("FIX", "ME")].iter().any(|w| has_word(line, w))
    });
    found.extend(notes.map(|(number, _)| format!("{path}:{}: work that is left", number + 1)));
    found
}

/// Folders that exist on one machine only. Put together here, so that this file passes its own rule.
const PLACES: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Use", "rs/"),
    concat!("/var/", "tmp/"),
];

fn places(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for place in PLACES {
            // After a letter, a dot or a brace it is the middle of a path that begins elsewhere.
            let begins =
                |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}$<>*".contains(c));
            if line.match_indices(place).any(|(at, _)| begins(at)) {
                found.push(format!("{path}:{}: {place}", number + 1));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_out_or_unfinished() {
    none("unfinished", &sources().iter().flat_map(|s| unfinished(&s.path, &s.text)).collect::<Vec<_>>());
}

#[test]
fn no_source_knows_one_machine() {
    let all = files(&[".rs", ".toml", ".yaml", ".md", ".sh", "run", ".json"]);
    none("paths of one machine", &all.iter().flat_map(|s| places(&s.path, &s.text)).collect::<Vec<_>>());
}

#[test]
fn left_out_tests_unfinished_work_and_places_are_seen() {
    // Texts that the check must see; none of them is code here.
    for bad in ["#[ignore]\nfn a() {}", "todo!()", "#[ignore = \"slow\"]", concat!("// TO", "DO later")] {
        assert!(!unfinished("a.rs", bad).is_empty(), "{bad}");
    }
    assert!(unfinished("a.rs", "// an ignored case\nlet a = \"todo!\";").is_empty());
    assert!(!places("a.rs", concat!("let a = \"/ho", "me/a\";")).is_empty());
    assert!(places("a.rs", concat!("let a = \"targets/a/wo", "rk/b\";")).is_empty());
}
