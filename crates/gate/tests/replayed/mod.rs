//! A gate that is played, and played again from its record.

use gate::{Line, Observation, Report, Session, Setup, read_record};

/// The report after these looks; the record gives it again, its JSON reads as it was, and its text fits a terminal.
pub(crate) fn replayed(setup: Setup, looks: impl IntoIterator<Item = Observation>) -> Report {
    let mut session = Session::new(setup.clone());
    let mut record = serde_json::to_string(&Line::Gate(setup)).expect("a line") + "\n";
    for look in looks {
        session.observe(&look);
        record += &serde_json::to_string(&Line::Look(look)).expect("a line");
        record.push('\n');
    }
    let report = session.report();
    let read = read_record(&record).expect("a record");
    assert_eq!(read.notes, [""; 0]);
    let mut again = Session::new(read.setup);
    read.looks.iter().for_each(|look| again.observe(look));
    assert_eq!(again.report(), report, "the record gives the same report");
    let json = serde_json::to_string(&report).expect("JSON");
    assert_eq!(serde_json::from_str::<Report>(&json).expect("JSON"), report, "and so does the result");
    assert!(gate::render::text(&report).lines().all(|line| line.chars().count() <= 80));
    report
}
