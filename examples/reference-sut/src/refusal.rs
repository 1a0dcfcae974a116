//! Why a request was refused, in the codes of the protocol; and how parameters are read.

use serde_json::Value;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One of the eight codes.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

/// What comes of a request.
pub type Answer = Result<Value, Refusal>;

/// A refusal with a code.
pub fn refuse(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

/// A refusal of what makes no sense.
pub fn invalid(message: impl Into<String>) -> Refusal {
    refuse("invalid_argument", message)
}

/// A refusal of what is not there.
pub fn unsupported(op: &str) -> Refusal {
    refuse("unsupported", format!("there is no {op}"))
}

/// A number that is at least 0 and whole, as a number or as a string.
pub fn whole(params: &Value, name: &str) -> Result<u64, Refusal> {
    let value = &params[name];
    let parsed = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    parsed.ok_or_else(|| invalid(format!("{name} is no whole number")))
}

/// The same, or something else where the parameter is not there.
pub fn whole_or(params: &Value, name: &str, otherwise: u64) -> Result<u64, Refusal> {
    if params[name].is_null() { Ok(otherwise) } else { whole(params, name) }
}

/// A finite number.
pub fn number(params: &Value, name: &str) -> Result<f64, Refusal> {
    params[name].as_f64().filter(|n| n.is_finite()).ok_or_else(|| invalid(format!("{name} is no number")))
}

/// A text.
pub fn text<'a>(params: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    params[name].as_str().ok_or_else(|| invalid(format!("{name} is no text")))
}
