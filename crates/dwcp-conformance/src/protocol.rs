//! The line protocol: envelopes, codes, limits, and what an implementation says of itself.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::requirement::Profile;
use crate::world::Broken;

/// Version of the envelope.
pub const VERSION: u64 = 1;
/// Longest line, in bytes.
pub const MAX_LINE: usize = 1 << 20;
/// How long an answer may take unless a case says otherwise, in milliseconds.
pub const ANSWER_MS: u64 = 10_000;
/// Largest integer that a JSON number carries exactly everywhere; larger ones travel as strings.
pub const MAX_EXACT: u64 = 1 << 53;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The operation is not there.
    Unsupported,
    /// The operation is there, what was asked makes no sense.
    InvalidArgument,
    /// The frame refers to a baseline that is not there.
    BaselineMissing,
    /// The data are damaged.
    Corrupt,
    /// Something did not happen in time.
    Timeout,
    /// It is closed.
    Closed,
    /// There is no room.
    Overload,
    /// Something else.
    Internal,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Unsupported,
        Self::InvalidArgument,
        Self::BaselineMissing,
        Self::Corrupt,
        Self::Timeout,
        Self::Closed,
        Self::Overload,
        Self::Internal,
    ];

    /// As it stands in an answer.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported",
            Self::InvalidArgument => "invalid_argument",
            Self::BaselineMissing => "baseline_missing",
            Self::Corrupt => "corrupt",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Overload => "overload",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One request as a line.
pub fn request(id: u64, op: &str, params: &Value) -> String {
    json!({"v": VERSION, "id": id, "op": op, "params": params}).to_string()
}

/// An answer: the request that it is for, and the result or the refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Of the request.
    pub id: u64,
    /// What came of it.
    pub outcome: Result<Value, (Code, String)>,
}

/// Reads one line as an answer.
///
/// # Errors
/// It is none; which rule it breaks.
pub fn answer(line: &str) -> Result<Answer, Broken> {
    let malformed = |why: &str| Broken::Malformed(why.to_owned());
    let value: Value = serde_json::from_str(line).map_err(|error| malformed(&format!("no JSON: {error}")))?;
    let object = value.as_object().ok_or_else(|| malformed("no object"))?;
    let id = object.get("id").and_then(Value::as_u64).ok_or_else(|| malformed("id is no number"))?;
    match object.get("ok") {
        Some(Value::Bool(true)) => {
            let result = object.get("result").cloned().ok_or_else(|| malformed("ok without result"))?;
            Ok(Answer { id, outcome: Ok(result) })
        }
        Some(Value::Bool(false)) => {
            let error = object.get("error").ok_or_else(|| malformed("not ok without error"))?;
            let code = error.get("code").cloned().unwrap_or_default();
            let code =
                serde_json::from_value(code).map_err(|_| malformed("error.code is none of the eight"))?;
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
            Ok(Answer { id, outcome: Err((code, message.chars().take(200).collect())) })
        }
        _ => Err(malformed("ok is neither true nor false")),
    }
}

/// What an implementation says of itself when it is greeted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Component (`amst`, `hde`, `pba`, `ass`, `acp`, `met`) to the readings and capabilities that it declares.
    pub components: BTreeMap<String, Vec<String>>,
    /// `virtual` or `real`.
    pub clock: String,
    /// Quantity to unit, e.g. `cwnd` to `bytes` or `packets`.
    #[serde(default)]
    pub units: BTreeMap<String, String>,
    /// Limits and declared figures, by component: `limits.amst.max_streams`.
    #[serde(default)]
    pub limits: Value,
    /// Name of a metric in the design to its name here.
    #[serde(default)]
    pub metric_names: BTreeMap<String, String>,
}

impl Hello {
    /// Whether a component declares a reading or capability.
    pub fn declares(&self, component: &str, what: &str) -> bool {
        self.components.get(component).is_some_and(|all| all.iter().any(|one| one == what))
    }

    /// Whether a profile is offered.
    pub fn offers(&self, profile: Profile) -> bool {
        match profile.reading() {
            Some(reading) => self.declares(profile.component(), reading),
            None => self.components.contains_key(profile.component()),
        }
    }

    /// A declared value, by the path below `limits`, e.g. `amst.max_streams`.
    pub fn limit(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.limits, |value, key| value.get(key))
    }

    /// A declared number.
    pub fn number(&self, path: &str) -> Option<f64> {
        self.limit(path).and_then(Value::as_f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_what_is_none_is_named() {
        let good = answer(r#"{"id":3,"ok":true,"result":{}}"#).unwrap();
        assert_eq!((good.id, good.outcome), (3, Ok(json!({}))));
        let bad = answer(r#"{"id":3,"ok":false,"error":{"code":"corrupt","message":"m"}}"#).unwrap();
        assert_eq!(bad.outcome, Err((Code::Corrupt, "m".to_owned())));
        for line in [
            "",
            "[]",
            "{}",
            r#"{"id":"3","ok":true,"result":1}"#,
            r#"{"id":3,"ok":true}"#,
            r#"{"id":3,"ok":false,"error":{"code":"other"}}"#,
            r#"{"id":3,"ok":1,"result":1}"#,
        ] {
            assert!(matches!(answer(line), Err(Broken::Malformed(_))), "{line}");
        }
        assert!(Code::ALL.iter().all(|code| serde_json::to_value(code).unwrap() == code.word()));
    }

    #[test]
    fn a_reading_has_to_be_declared_where_there_are_two() {
        let hello = Hello {
            components: BTreeMap::from([
                ("ass".to_owned(), vec!["scheduler".to_owned()]),
                ("hde".to_owned(), vec![]),
            ]),
            limits: json!({"amst": {"k": 0.1}}),
            ..Hello::default()
        };
        assert!(hello.offers(Profile::Scheduler) && hello.offers(Profile::Hde));
        assert!(!hello.offers(Profile::StateSync) && !hello.offers(Profile::Amst));
        assert_eq!((hello.number("amst.k"), hello.number("amst.j")), (Some(0.1), None));
    }
}
