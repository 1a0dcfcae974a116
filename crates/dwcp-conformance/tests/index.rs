//! No requirement of the catalogue is missing among the cases, and none is invented.

use std::collections::{BTreeMap, BTreeSet};

use dwcp_conformance::cases;
use dwcp_conformance::requirement::Profile;
use serde_json::Value;

/// The catalogue, as it is written in the requirements, one entry a row.
fn catalogue() -> BTreeMap<String, Value> {
    let rows: Vec<Value> = serde_json::from_str(include_str!("catalogue.json")).unwrap();
    rows.into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect()
}

#[test]
fn the_catalogue_has_129_requirements() {
    assert_eq!(catalogue().len(), 129);
}

#[test]
fn every_requirement_is_a_case_and_every_case_a_requirement() {
    let catalogue = catalogue();
    let cases = cases::all();
    let listed: BTreeSet<&str> = catalogue.keys().map(String::as_str).collect();
    let checked: BTreeSet<&str> = cases.iter().map(|case| case.requirement.id).collect();
    assert_eq!(checked.len(), cases.len(), "a requirement has two cases");
    let missing: Vec<_> = listed.difference(&checked).collect();
    let invented: Vec<_> = checked.difference(&listed).collect();
    assert!(missing.is_empty() && invented.is_empty(), "missing {missing:?}, invented {invented:?}");
}

#[test]
fn level_profile_and_sentence_are_those_of_the_catalogue() {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let mut wrong = Vec::new();
    let catalogue = catalogue();
    for case in cases::all() {
        let r = case.requirement;
        let Some(row) = catalogue.get(r.id) else { continue };
        let profile = row["profile"].as_str().and_then(Profile::named);
        if row["level"] != r.level.word() || profile != Some(r.profile) {
            wrong.push(format!("{}: {} of {}", r.id, r.level.word(), r.profile.name()));
        }
        let sentence = row["sentence"].as_str().unwrap_or_default();
        if plain(sentence) != plain(r.sentence) {
            wrong.push(format!("{}: {:?}, not {sentence:?}", r.id, r.sentence));
        }
        if !(0.0..=0.001).contains(&r.error_probability) || !(1..=5).contains(&r.attempts) {
            wrong.push(format!(
                "{}: error probability {}, {} attempts",
                r.id, r.error_probability, r.attempts
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
