//! What a command gives: outputs that it wrote as files, artifacts that are kept by digest.

use std::collections::BTreeMap;
use std::path::Path;

use run::CommandSpec;

use crate::keep;

/// Largest output of a job, in bytes.
const MAX_OUTPUT: usize = 64 << 10;
/// Largest sum of the outputs of a job.
const MAX_OUTPUTS: usize = 1 << 20;

/// Collects what a command has given. Outputs stand in the journal, so none may hold a secret.
pub(crate) fn collect(
    state: &Path,
    spec: &CommandSpec,
    work: &Path,
    outputs: &Path,
    secrets: &[String],
) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for (name, path) in &spec.artifacts {
        let digest = keep(state, &work.join(path)).map_err(|error| format!("artifact {name}: {error}"))?;
        values.insert(name.clone(), digest);
    }
    let mut sum = 0;
    for name in &spec.outputs {
        let text = std::fs::read_to_string(outputs.join(name))
            .map_err(|error| format!("output {name} was not written to NOVA_OUTPUTS: {error}"))?;
        sum += text.len();
        if text.len() > MAX_OUTPUT || sum > MAX_OUTPUTS {
            return Err(format!("output {name} has {} bytes; at most {MAX_OUTPUT} are taken", text.len()));
        }
        if secrets.iter().any(|secret| text.contains(secret)) {
            return Err(format!("output {name} holds a secret, and outputs are recorded"));
        }
        values.insert(name.clone(), text.trim_end_matches('\n').to_owned());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(text: &str, secrets: &[String]) -> Result<BTreeMap<String, String>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("name"), text).unwrap();
        let spec = CommandSpec { outputs: vec!["name".to_owned()], ..CommandSpec::default() };
        collect(folder.path(), &spec, folder.path(), folder.path(), secrets)
    }

    #[test]
    fn an_output_is_taken_without_its_last_line_break() {
        assert_eq!(collected("1.2\n", &[]).unwrap()["name"], "1.2");
    }

    #[test]
    fn an_output_that_holds_a_secret_or_is_too_large_is_refused() {
        let secrets = ["hunter22".to_owned()];
        assert!(collected("token=hunter22", &secrets).unwrap_err().contains("holds a secret"));
        assert!(collected("token=hunter", &secrets).is_ok());
        assert!(collected(&"x".repeat(MAX_OUTPUT + 1), &[]).unwrap_err().contains("at most"));
    }
}
