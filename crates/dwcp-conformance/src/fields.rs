//! Fields of an answer. One that is missing or of another kind fails the requirement: it never counts as nothing.

use serde_json::Value;

use crate::stop::{Stop, fail};

/// So much of an answer is shown.
const SHOWN: usize = 200;

/// Reads fields by name.
pub trait Fields {
    /// A whole number from 0 to 2^64.
    ///
    /// # Errors
    /// The failure, when there is no such field or it is something else.
    fn whole(&self, key: &str) -> Result<u64, Stop>;

    /// A finite number.
    ///
    /// # Errors
    /// As above.
    fn real(&self, key: &str) -> Result<f64, Stop>;

    /// A text.
    ///
    /// # Errors
    /// As above.
    fn text(&self, key: &str) -> Result<&str, Stop>;

    /// A list.
    ///
    /// # Errors
    /// As above.
    fn list(&self, key: &str) -> Result<&[Value], Stop>;
}

fn missing(answer: &Value, key: &str, kind: &str) -> Stop {
    let shown: String = answer.to_string().chars().take(SHOWN).collect();
    fail("an answer has the fields of the protocol", format!("{key} is no {kind} in {shown}"))
}

impl Fields for Value {
    fn whole(&self, key: &str) -> Result<u64, Stop> {
        self.get(key).and_then(Self::as_u64).ok_or_else(|| missing(self, key, "whole number"))
    }

    fn real(&self, key: &str) -> Result<f64, Stop> {
        let number = self.get(key).and_then(Self::as_f64).filter(|number| number.is_finite());
        number.ok_or_else(|| missing(self, key, "number"))
    }

    fn text(&self, key: &str) -> Result<&str, Stop> {
        self.get(key).and_then(Self::as_str).ok_or_else(|| missing(self, key, "text"))
    }

    fn list(&self, key: &str) -> Result<&[Value], Stop> {
        let list = self.get(key).and_then(Self::as_array);
        list.map(Vec::as_slice).ok_or_else(|| missing(self, key, "list"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_there_is_read() {
        let answer = json!({"n": 3, "x": 0.5, "t": "a", "l": [1], "minus": -1, "none": null});
        assert_eq!((answer.whole("n"), answer.real("x"), answer.text("t")), (Ok(3), Ok(0.5), Ok("a")));
        assert_eq!(answer.list("l").map(<[Value]>::len), Ok(1));
        for key in ["none", "gone", "minus"] {
            assert!(answer.whole(key).is_err() && answer.text(key).is_err() && answer.list(key).is_err());
        }
        assert!(answer.real("none").is_err() && answer.real("t").is_err() && json!([1]).whole("n").is_err());
    }
}
