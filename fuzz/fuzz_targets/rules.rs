//! Any text as a rule file: no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(file) = promql::RuleFile::read(text) {
        for rule in file.groups.iter().flat_map(|group| &group.rules) {
            let _ = promql::lint(rule);
        }
    }
});
