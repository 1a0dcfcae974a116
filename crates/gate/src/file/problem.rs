//! What is wrong with a file: place, message, mend.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
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

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// The YAML reader's error with a mend of ours.
pub(super) fn from_yaml(file: &str, text: &str, error: &serde_saphyr::Error) -> Problem {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line() as usize, at.column() as usize));
    let message = error.without_snippet().to_string();
    let message = message.lines().next().unwrap_or("cannot be read").trim_start_matches("error: ");
    let end = [" at line ", ", set DuplicateKeyPolicy"].iter().filter_map(|mark| message.find(mark)).min();
    let message = end.and_then(|end| message.get(..end)).unwrap_or(message).to_owned();
    let here = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let mend = mend(&message, here);
    Problem { file: file.to_owned(), line, column, message, mend: mend.to_owned() }
}

fn mend(message: &str, line: &str) -> &'static str {
    let says = |word: &str| message.contains(word);
    if line.contains('\t') || says(" tab") {
        "indent with spaces; YAML takes no tabs"
    } else if says("unknown field") || says("unknown variant") {
        "use one of the names that are listed"
    } else if says("missing field") {
        "add it"
    } else if says("duplicate") {
        "keep one of the two"
    } else if says("budget") || says("recursion") {
        "write it out and flat: anchors, aliases and deep nesting are not taken"
    } else if says("invalid") || says("expected") {
        "write a value of the kind that is expected"
    } else {
        "check indentation, quotes and brackets near this place"
    }
}
