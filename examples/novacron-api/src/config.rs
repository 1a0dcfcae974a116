//! What the environment says, checked before anything starts; all mistakes are told at once.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `PORT` | port on 127.0.0.1; 0 takes a free one and prints it | required |
//! | `NOVACRON_DB` | path of the SQLite database; its folder must exist | required |
//! | `NOVACRON_FAULT` | `none`, `errors`, `crash`, `never-ready`, `probe`, `latency`, `leak` | none |
//! | `NOVACRON_FAULT_STRENGTH` | errors: share of requests, 0 to 1; latency: ms; leak: MiB per second | 0.2; 300; 20 |
//! | `NOVACRON_FAULT_AFTER` | seconds from the start of the process to the start of the fault | 0 |
//! | `NOVA_VERSION`, `NOVA_REVISION`, `NOVA_SLOT` | labels | compiled version; `none`; 0 |
//!
//! An empty value is the default.

use std::path::PathBuf;
use std::time::Duration;

use crate::fault::{Fault, FaultKind};

/// Longest label value.
const MAX_LABEL_BYTES: usize = 128;
/// A day: nothing in an example lasts longer.
const MAX_AFTER_S: f64 = 86_400.0;

/// The checked configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Port on 127.0.0.1; 0 is any free one.
    pub port: u16,
    /// The SQLite database.
    pub database: PathBuf,
    /// What goes wrong, and when.
    pub fault: Fault,
    /// What the answers say about themselves.
    pub labels: Labels,
}

/// What every answer says about who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Version of the service.
    pub version: String,
    /// Revision that the target gave it, `none` without one.
    pub revision: String,
    /// Which instance of the revision.
    pub slot: u32,
}

/// One thing that is wrong with the environment. Mend it and start again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct ConfigError {
    /// The variable.
    pub name: &'static str,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl Config {
    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn read(
        version: &str,
        lookup: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let value = |name| lookup(name).filter(|value| !value.trim().is_empty());
        let port = noted(&mut errors, port(value("PORT")));
        let database = noted(&mut errors, database(value("NOVACRON_DB")));
        let fault = noted(
            &mut errors,
            fault(value("NOVACRON_FAULT"), value("NOVACRON_FAULT_STRENGTH"), value("NOVACRON_FAULT_AFTER")),
        );
        let version = noted(&mut errors, label("NOVA_VERSION", value("NOVA_VERSION"), version));
        let revision = noted(&mut errors, label("NOVA_REVISION", value("NOVA_REVISION"), "none"));
        let slot = noted(&mut errors, slot(value("NOVA_SLOT")));
        match (port, database, fault, version, revision, slot) {
            (Some(port), Some(database), Some(fault), Some(version), Some(revision), Some(slot)) => {
                Ok(Self { port, database, fault, labels: Labels { version, revision, slot } })
            }
            _ => Err(errors),
        }
    }
}

fn noted<T>(errors: &mut Vec<ConfigError>, read: Result<T, ConfigError>) -> Option<T> {
    read.map_err(|error| errors.push(error)).ok()
}

fn wrong<T>(name: &'static str, problem: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError { name, problem: problem.into() })
}

fn port(value: Option<String>) -> Result<u16, ConfigError> {
    match value.as_deref().map(str::parse) {
        None => wrong("PORT", "is not set: the port to listen on, 0 to 65535"),
        Some(Ok(port)) => Ok(port),
        Some(Err(_)) => wrong("PORT", format!("{:?} is not a port, 0 to 65535", value.unwrap_or_default())),
    }
}

fn database(value: Option<String>) -> Result<PathBuf, ConfigError> {
    let Some(path) = value.map(PathBuf::from) else {
        return wrong("NOVACRON_DB", "is not set: the path of the SQLite database");
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            wrong("NOVACRON_DB", format!("folder {} does not exist: create it first", folder.display()))
        }
        _ if path.is_dir() => wrong("NOVACRON_DB", format!("{} is a folder, not a file", path.display())),
        _ => Ok(path),
    }
}

fn fault(
    kind: Option<String>,
    strength: Option<String>,
    after: Option<String>,
) -> Result<Fault, ConfigError> {
    let text = kind.unwrap_or_else(|| FaultKind::None.as_str().to_owned());
    let Some(kind) = FaultKind::spelled(&text) else {
        let known = FaultKind::ALL.map(FaultKind::as_str).join(", ");
        return wrong("NOVACRON_FAULT", format!("{text:?} is not a fault: one of {known}"));
    };
    let after = number("NOVACRON_FAULT_AFTER", after, 0.0, MAX_AFTER_S, 0.0)?;
    let (default, most) = kind.strength();
    let strength = number("NOVACRON_FAULT_STRENGTH", strength, 0.0, most, default)?;
    Ok(Fault { kind, strength, after: Duration::from_secs_f64(after) })
}

fn number(
    name: &'static str,
    value: Option<String>,
    least: f64,
    most: f64,
    default: f64,
) -> Result<f64, ConfigError> {
    let Some(text) = value else { return Ok(default) };
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && (least..=most).contains(&number) => Ok(number),
        _ => wrong(name, format!("{text:?} is not a number from {least} to {most}")),
    }
}

fn label(name: &'static str, value: Option<String>, default: &str) -> Result<String, ConfigError> {
    let text = value.unwrap_or_else(|| default.to_owned());
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if text.len() <= MAX_LABEL_BYTES && text.bytes().all(fits) {
        return Ok(text);
    }
    wrong(
        name,
        format!("{text:?} is not a label: at most {MAX_LABEL_BYTES} visible ASCII characters, no quotes"),
    )
}

fn slot(value: Option<String>) -> Result<u32, ConfigError> {
    match value.as_deref().map(str::parse) {
        None => Ok(0),
        Some(Ok(slot)) => Ok(slot),
        Some(Err(_)) => {
            wrong("NOVA_SLOT", format!("{:?} is not a slot, a number from 0", value.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &str)]) -> Result<Config, Vec<ConfigError>> {
        Config::read("1.6.0", |name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn little_is_needed_and_empty_is_the_default() {
        let config =
            read(&[("PORT", "0"), ("NOVACRON_DB", "vms.db"), ("NOVACRON_FAULT", ""), ("NOVA_SLOT", " ")]);
        let config = config.expect("enough");
        assert_eq!((config.port, config.fault.kind), (0, FaultKind::None));
        assert_eq!(config.labels, Labels { version: "1.6.0".into(), revision: "none".into(), slot: 0 });
    }

    #[test]
    fn a_fault_has_a_strength_and_a_start() {
        let base = [("PORT", "80"), ("NOVACRON_DB", "vms.db")];
        let with =
            |more: &[(&'static str, &str)]| read(&[&base[..], more].concat()).map(|config| config.fault);
        let latency = with(&[("NOVACRON_FAULT", "latency"), ("NOVACRON_FAULT_AFTER", "1.5")]).expect("good");
        assert_eq!(
            latency,
            Fault { kind: FaultKind::Latency, strength: 300.0, after: Duration::from_millis(1500) }
        );
        let errors =
            with(&[("NOVACRON_FAULT", "errors"), ("NOVACRON_FAULT_STRENGTH", "0.05")]).expect("good");
        assert_eq!((errors.kind, errors.strength), (FaultKind::Errors, 0.05));
    }

    #[test]
    fn every_bad_value_is_named_and_all_at_once() {
        let names = |pairs: &[(&'static str, &str)]| -> Vec<&str> {
            read(pairs).expect_err("bad").iter().map(|error| error.name).collect()
        };
        assert_eq!(names(&[]), ["PORT", "NOVACRON_DB"]);
        let all = [
            ("PORT", "65536"),
            ("NOVACRON_DB", "no/such/folder/vms.db"),
            ("NOVACRON_FAULT", "gremlins"),
            ("NOVA_VERSION", "1 6"),
            ("NOVA_REVISION", "a\"b"),
            ("NOVA_SLOT", "-1"),
        ];
        assert_eq!(names(&all), all.map(|(name, _)| name));
        for (name, value) in [
            ("NOVACRON_FAULT_STRENGTH", "much"),
            ("NOVACRON_FAULT_STRENGTH", "1.1"),
            ("NOVACRON_FAULT_STRENGTH", "-0.1"),
            ("NOVACRON_FAULT_STRENGTH", "NaN"),
            ("NOVACRON_FAULT_AFTER", "-1"),
            ("NOVACRON_FAULT_AFTER", "inf"),
            ("NOVACRON_DB", "."),
        ] {
            let mut pairs = vec![("PORT", "1"), ("NOVACRON_FAULT", "errors"), (name, value)];
            pairs.push(("NOVACRON_DB", "vms.db"));
            assert_eq!(names(&pairs), [name], "{value}");
        }
        let told = read(&[("PORT", "1"), ("NOVACRON_DB", "no/such/vms.db")]).expect_err("bad")[0].to_string();
        assert_eq!(told, "NOVACRON_DB: folder no/such does not exist: create it first");
    }
}
