//! What is wrong with a file: place, message, mend.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was given.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// From 1.
    pub column: u64,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message, mend } = self;
        write!(f, "{file}:{line}:{column}: {message}\n    mend: {mend}")
    }
}

/// All that is wrong, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub(crate) fn one(file: &str, line: u64, column: u64, message: String, mend: &str) -> Self {
        Self(vec![Problem { file: file.to_owned(), line, column, message, mend: mend.to_owned() }])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// The YAML reader's error with a mend of ours.
pub(crate) fn from_yaml(file: &str, text: &str, error: &serde_saphyr::Error) -> Problems {
    let place = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    let message = plain(&error.without_snippet().to_string());
    let line = text.lines().nth((place.0 as usize).saturating_sub(1)).unwrap_or("");
    Problems::one(file, place.0, place.1, message.clone(), mend(&message, line))
}

/// The first line of the message in our words, without the place that is said already.
fn plain(message: &str) -> String {
    let first = message.lines().next().unwrap_or("cannot be read").trim_start_matches("error: ");
    let first = first.find(" at line ").and_then(|end| first.get(..end)).unwrap_or(first);
    let first = first.find(", set DuplicateKeyPolicy").and_then(|end| first.get(..end)).unwrap_or(first);
    let ours = [
        ("invalid u", "a whole number is expected, not below 0 and not beyond reason"),
        ("invalid i", "a whole number is expected"),
        ("invalid boolean", "true or false is expected"),
        ("expected string scalar", "a text is expected"),
        ("expected sequence start", "a list is expected"),
        ("expected mapping start", "a mapping is expected"),
        ("cannot deserialize null into string", "a value is expected, and nothing is written"),
        ("budget breached: Anchors", "anchors and aliases are not taken"),
        ("budget breached: Aliases", "anchors and aliases are not taken"),
        ("budget breached: Nodes", "the file has more values than are taken"),
        ("budget breached: Depth", "the file is nested deeper than is taken"),
        ("recursion limit exceeded", "the file is nested deeper than is taken"),
    ];
    let known = ours.iter().find(|(theirs, _)| first.starts_with(theirs));
    known.map_or(first, |(_, ours)| ours).to_owned()
}

fn mend(message: &str, line: &str) -> &'static str {
    let says = |word: &str| message.contains(word);
    if line.trim_end_matches(char::is_whitespace).contains('\t') {
        "indent with spaces; YAML takes no tabs"
    } else if says("unknown field") || says("unknown variant") {
        "use one of the names that are listed"
    } else if says("missing field") {
        "add it"
    } else if says("duplicate") {
        "keep one of the two"
    } else if says("more values") || says("nested deeper") {
        "split it, or move data out of it"
    } else if says("anchor") || says("alias") {
        "write it out; anchors and aliases are not taken"
    } else if says("invalid type") || says("expected") || says("invalid value") {
        "write a value of the kind that is expected"
    } else {
        "check indentation, quotes and brackets near this place"
    }
}
