//! The environment of a command: an allow-list, what the file adds, and what the runner says. Nothing else.

use std::collections::BTreeMap;

use run::{CommandSpec, Value};

/// What every command gets of the runner's own environment.
const PASSED: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SHELL"];

/// A secret shorter than this would be masked in every other word.
const SHORTEST_SECRET: usize = 4;

/// The whole environment of a command, and the values in it that must never be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) secrets: Vec<String>,
}

/// Fills in the values of a command. `outside` reads the runner's own environment.
pub(crate) fn environment(
    spec: &CommandSpec,
    reads: &BTreeMap<String, String>,
    said: &BTreeMap<String, String>,
    outside: impl Fn(&str) -> Option<String>,
) -> Result<Environment, String> {
    let mut environment = Environment::default();
    let passed = PASSED.iter().copied().chain(spec.pass_env.iter().map(String::as_str));
    for name in passed {
        if let Some(value) = outside(name) {
            environment.values.insert(name.to_owned(), value);
        }
    }
    for (name, value) in &spec.env {
        let value = match value {
            Value::Text(text) => text.clone(),
            Value::Output(output) => reads
                .get(output)
                .cloned()
                .ok_or_else(|| format!("{name} reads {output}, which was not given"))?,
            Value::Secret(secret) => {
                let value = outside(secret).ok_or_else(|| {
                    format!("the secret {secret} is not set; set it in the runner's environment")
                })?;
                if value.len() < SHORTEST_SECRET {
                    return Err(format!(
                        "the secret {secret} is shorter than {SHORTEST_SECRET} bytes; it cannot be masked"
                    ));
                }
                environment.secrets.push(value.clone());
                value
            }
        };
        environment.values.insert(name.clone(), value);
    }
    environment.values.extend(said.clone());
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(value: Value) -> CommandSpec {
        CommandSpec { env: BTreeMap::from([("TOKEN".to_owned(), value)]), ..CommandSpec::default() }
    }

    #[test]
    fn nothing_is_inherited_that_is_not_listed() {
        let outside = |name: &str| Some(format!("of {name}"));
        let environment =
            environment(&CommandSpec::default(), &BTreeMap::new(), &BTreeMap::new(), outside).unwrap();
        assert!(!environment.values.contains_key("AWS_SECRET_ACCESS_KEY"));
        assert_eq!(environment.values.len(), PASSED.len());
    }

    #[test]
    fn a_secret_is_read_outside_and_remembered_for_masking() {
        let outside = |name: &str| (name == "DEPLOY_TOKEN").then(|| "hunter22".to_owned());
        let none = BTreeMap::new();
        let found = environment(&spec(Value::Secret("DEPLOY_TOKEN".into())), &none, &none, outside).unwrap();
        assert_eq!(
            (found.values["TOKEN"].as_str(), found.secrets),
            ("hunter22", vec!["hunter22".to_owned()])
        );
        assert!(environment(&spec(Value::Secret("OTHER".into())), &none, &none, outside).is_err());
        assert!(environment(&spec(Value::Output("a.b".into())), &none, &none, outside).is_err());
    }
}
