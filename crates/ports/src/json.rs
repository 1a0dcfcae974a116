//! JSON kept as the text that it is: written once, and read only by who needs its content.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::PortError;

/// A JSON value as text. Equal when the texts are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Writes a value.
    ///
    /// # Errors
    /// It has no JSON form.
    pub fn of(value: &impl Serialize) -> Result<Self, PortError> {
        serde_json::value::to_raw_value(value).map(Self).map_err(|why| PortError::Malformed(why.to_string()))
    }

    /// Reads the value.
    ///
    /// # Errors
    /// It is the JSON of something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, PortError> {
        serde_json::from_str(self.text()).map_err(|why| PortError::Malformed(why.to_string()))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Json {}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        // Keys of a tree are strings and its numbers finite, so that it always has a text.
        Self(serde_json::value::to_raw_value(&value).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}
