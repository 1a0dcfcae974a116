//! A value as the file gives it: a scalar, or a reference to an input, an output or a secret; and lists of needs.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A scalar or a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Text(String),
    Input(String),
    Output(String),
    Secret(String),
}

impl Default for Given {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Input(name) => write!(f, "{{input: {name}}}"),
            Self::Output(name) => write!(f, "{{output: {name}}}"),
            Self::Secret(name) => write!(f, "{{secret: {name}}}"),
        }
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or one of {input: NAME}, {output: JOB.NAME}, {secret: VARIABLE}")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Given, E> {
        Ok(Given::Text(text.to_owned()))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Given, E> {
        Ok(Given::Text(value.to_string()))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Given, E> {
        Ok(Given::Text(value.to_string()))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Given, E> {
        Ok(Given::Text(value.to_string()))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Given, E> {
        Ok(Given::Text(value.to_string()))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
        let Some((kind, name)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::custom("an empty mapping is no value"));
        };
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom("one reference a value"));
        }
        match kind.as_str() {
            "input" => Ok(Given::Input(name)),
            "output" => Ok(Given::Output(name)),
            "secret" => Ok(Given::Secret(name)),
            _ => Err(A::Error::unknown_field(&kind, &["input", "output", "secret"])),
        }
    }
}

/// `true` or an empty mapping, and nothing else: there is nothing to say of a connection.
#[derive(Clone, Debug)]
pub(super) enum RawTcp {
    Tried,
    Not(String),
}

impl<'de> Deserialize<'de> for RawTcp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TcpVisitor;
        impl<'de> Visitor<'de> for TcpVisitor {
            type Value = RawTcp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or {}")
            }
            fn visit_bool<E: Error>(self, tried: bool) -> Result<RawTcp, E> {
                Ok(if tried { RawTcp::Tried } else { RawTcp::Not("false".to_owned()) })
            }
            fn visit_u64<E: Error>(self, port: u64) -> Result<RawTcp, E> {
                Ok(RawTcp::Not(port.to_string()))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<RawTcp, E> {
                Ok(RawTcp::Not(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawTcp, A::Error> {
                let mut tried = RawTcp::Tried;
                while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                    tried = RawTcp::Not(format!("{{{key}: ...}}"));
                }
                Ok(tried)
            }
        }
        deserializer.deserialize_any(TcpVisitor)
    }
}

/// What an edge takes besides success.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNeed {
    #[serde(default)]
    pub(super) accept: Vec<Spanned<String>>,
    #[serde(default, deserialize_with = "super::raw::present")]
    pub(super) after: Option<Spanned<String>>,
}

/// `[a, b]` or `{a: {}, b: {accept: [skipped]}}`.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs(pub(super) Vec<(Spanned<String>, RawNeed)>);

impl<'de> Deserialize<'de> for Needs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NeedsVisitor;
        impl<'de> Visitor<'de> for NeedsVisitor {
            type Value = Needs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of jobs, or a mapping of jobs to what is accepted of them")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Needs, A::Error> {
                let mut needs = Vec::new();
                while let Some(name) = seq.next_element::<Spanned<String>>()? {
                    needs.push((name, RawNeed::default()));
                }
                Ok(Needs(needs))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Needs, A::Error> {
                let mut needs = Vec::new();
                while let Some(name) = map.next_key::<Spanned<String>>()? {
                    needs.push((name, map.next_value()?));
                }
                Ok(Needs(needs))
            }
        }
        deserializer.deserialize_any(NeedsVisitor)
    }
}
