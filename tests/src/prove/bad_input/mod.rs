//! Bad input against the real programs: one clear message with place and mend, the documented code, nothing half done.

mod bed;
mod files;
mod machine;
mod runs;

use std::fmt;

use crate::door::Verdict;
use bed::{Bed, Said, Trial, Tried};

/// One case that is no change of a file.
struct Case {
    name: &'static str,
    code: i32,
    says: &'static [&'static str],
    how: fn(&Bed) -> Trial,
}

const fn case(name: &'static str, code: i32, says: &'static [&'static str], how: fn(&Bed) -> Trial) -> Case {
    Case { name, code, says, how }
}

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Row {
    /// The case.
    pub name: String,
    /// The exit code, where it was run.
    pub code: Option<i32>,
    /// The first line of the message.
    pub line: String,
    /// What is not as it must be; empty when all is.
    pub wrong: Vec<String>,
    /// It was not possible here.
    pub not_run: bool,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "-".to_owned(), |code| code.to_string());
        write!(f, "{:<44} {code:>3}  {}", self.name, self.line)?;
        self.wrong.iter().try_for_each(|wrong| write!(f, "\n    WRONG: {wrong}"))
    }
}

/// All cases, one after the other.
///
/// # Errors
/// The programs cannot be built, or the good file is not good.
pub fn table() -> Result<Vec<Row>, String> {
    files::good_file_is_good(&Bed::new("good")?)?;
    let mut rows = Vec::new();
    for change in files::CHANGES {
        let tried = Bed::new(change.name).and_then(|bed| files::try_change(&bed, change));
        let row = match tried {
            Ok((said, place)) => judged(change.name, &said, 2, &[place.as_str(), change.says, "mend: "]),
            Err(why) => untried(change.name, why),
        };
        rows.push(row);
    }
    for case in machine::CASES.iter().chain(runs::CASES) {
        let row = match Bed::new(case.name).and_then(|bed| (case.how)(&bed)) {
            Ok(Tried::Said(said)) => judged(case.name, &said, case.code, case.says),
            Ok(Tried::NotRun(why)) => {
                let line = format!("not run: {why}");
                Row { name: case.name.to_owned(), code: None, line, wrong: Vec::new(), not_run: true }
            }
            Err(why) => untried(case.name, why),
        };
        rows.push(row);
    }
    Ok(rows)
}

fn untried(name: &str, why: String) -> Row {
    Row { name: name.to_owned(), code: None, line: String::new(), wrong: vec![why], not_run: false }
}

fn judged(name: &str, said: &Said, code: i32, says: &[&str]) -> Row {
    let mut wrong = Vec::new();
    if said.code != code {
        wrong.push(format!("the exit code must be {code}"));
    }
    let unsaid = says.iter().filter(|part| !said.message.contains(**part));
    wrong.extend(unsaid.map(|part| format!("it must say {part:?}: {}", said.message)));
    if said.message.contains("panicked") || said.message.lines().count() > 12 {
        wrong.push(format!("that is not one clear message: {}", said.message));
    }
    wrong.extend(said.left.iter().map(|left| format!("left behind: {left}")));
    let line = said.message.lines().next().unwrap_or_default().to_owned();
    Row { name: name.to_owned(), code: Some(said.code), line, wrong, not_run: false }
}

/// Prints the table.
///
/// # Errors
/// See [`table`].
pub fn prove() -> Result<Verdict, String> {
    let rows = table()?;
    println!("{:<44} code first line of the message", "case");
    for row in &rows {
        println!("{row}");
    }
    let wrong = rows.iter().filter(|row| !row.wrong.is_empty()).count();
    let not_run = rows.iter().filter(|row| row.not_run).count();
    let text =
        format!("{} cases, {wrong} not as they must be, {not_run} not run (aim 0 of >= 40)", rows.len());
    Ok(Verdict::new(text, wrong == 0 && rows.len() - not_run >= 40))
}
