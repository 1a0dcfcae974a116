//! The table of bad input, as a test.

use delivery_tests::prove::bad_input::table;

#[test]
fn every_bad_input_has_one_clear_message_and_leaves_nothing() {
    let rows = table().expect("the programs are there");
    let wrong: Vec<String> =
        rows.iter().filter(|row| !row.wrong.is_empty()).map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert!(rows.len() >= 40, "only {} cases", rows.len());
}
