//! A short fuzz run on the stable compiler: seeds, and texts made from them by a seeded random, through the parser of
//! expositions, the reader of rule files and PromQL. `fuzz/` has the same targets for cargo-fuzz.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use delivery_tests::programs::root;
use exposition::{Dialect, Limits, parse_as};
use simulation::Random;

/// Texts of each target.
const TEXTS: u64 = 6_000;
/// No single text may take longer than this.
const LIMIT: Duration = Duration::from_secs(2);

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = root().join("fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a corpus").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect()
}

/// A seed with a few pieces changed, cut, doubled, or taken from another seed.
fn changed(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let pick = |random: &mut Random, length: usize| random.below(length.max(1) as u64) as usize;
    let mut text = seeds[pick(random, seeds.len())].clone();
    for _ in 0..=random.below(6) {
        let at = pick(random, text.len());
        let to = (at + pick(random, 24)).min(text.len());
        match random.below(6) {
            0 if !text.is_empty() => text[at] ^= 1 << random.below(8),
            1 => text.truncate(at),
            2 => drop(text.drain(at..to)),
            3 => {
                let piece = text[at..to].to_vec();
                text.splice(at..at, piece);
            }
            4 => {
                let other = &seeds[pick(random, seeds.len())];
                let from = pick(random, other.len());
                let piece = other[from..(from + 24).min(other.len())].to_vec();
                text.splice(at..at, piece);
            }
            _ => {
                let marks = b"{}()[]\"\\,=~!#:\n\t -+.eE0@'|&*\xff";
                text.insert(at, marks[pick(random, marks.len())]);
            }
        }
    }
    text
}

/// Runs a target over all texts; the seed of a panic is in its message.
fn run(target: &str, seed: u64, one: impl Fn(&[u8])) {
    let seeds = seeds(target);
    assert!(seeds.len() > 1, "{target} has seeds");
    let mut random = Random::new(seed);
    for number in 0..TEXTS {
        let text = if (number as usize) < seeds.len() {
            seeds[number as usize].clone()
        } else {
            changed(&seeds, &mut random)
        };
        let begun = Instant::now();
        one(&text);
        assert!(begun.elapsed() < LIMIT, "{target} {number}: {}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn expositions_do_not_panic_and_are_read_as_they_are_written() {
    run("exposition", 1, |bytes| {
        for dialect in [Dialect::PrometheusText, Dialect::PrometheusUtf8, Dialect::OpenMetrics] {
            if let Ok(read) = parse_as(dialect, bytes, &Limits::default()) {
                let written = read.spelled(dialect).to_string();
                let again = parse_as(dialect, &written, &Limits::default());
                assert!(again.is_ok(), "{written}\n{again:?}");
            }
        }
    });
}

#[test]
fn expressions_do_not_panic_and_are_read_as_they_are_written() {
    run("promql", 2, |bytes| {
        let Ok(expr) = promql::parse(&String::from_utf8_lossy(bytes)) else { return };
        let options = promql::Options { samples_max: 10_000, ..promql::Options::default() };
        let _ = promql::evaluate(&expr, 300_000, &promql::Store::default(), &options);
        let written = expr.to_string();
        assert_eq!(promql::parse(&written).map(|again| again.to_string()), Ok(written));
    });
}

#[test]
fn rule_files_do_not_panic() {
    run("rules", 3, |bytes| {
        let Ok(file) = promql::RuleFile::read(&String::from_utf8_lossy(bytes)) else { return };
        for rule in file.groups.iter().flat_map(|group| &group.rules) {
            let _ = promql::lint(rule);
        }
    });
}
