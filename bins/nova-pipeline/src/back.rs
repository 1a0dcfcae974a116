//! The command that goes back after a promotion: a release of the kept artifact of the version before.

use std::path::Path;

use ports::Target;
use release::Outcome;
use run::Run;

use crate::call::{program, quoted};
use crate::world::target;

/// The command, when a release was promoted, the version before is kept, and the file takes a version.
pub async fn way_back(run: &Run, state: &Path, flags: &str) -> Option<String> {
    let definition = run.definition()?;
    let version = definition.inputs.get("version")?;
    let promoted = |rollout: &&run::Rollout<release::Panel>| {
        rollout.release.outcome() == Some(&Outcome::Promoted)
            && definition.release(rollout.job.as_str()).is_some_and(|spec| spec.workload.version == *version)
    };
    let mut kept = None;
    for rollout in run.rollouts().map(|(_, rollout)| rollout).filter(promoted) {
        // A target that was stopped after its checks has nobody to go back for.
        if let Ok(seen) = target(state, rollout.target.as_str()).observe().await {
            let before =
                seen.value.revisions.iter().filter(|(id, _)| Some(*id) != seen.value.stable.as_ref());
            kept = before
                .map(|(_, revision)| revision)
                .find(|r| !r.kept.is_empty() && r.version != *version)
                .cloned();
        }
        if kept.is_some() {
            break;
        }
    }
    let kept = kept?;
    let set = |name: &str, value: &str| format!(" --set {}", quoted(&format!("{name}={value}")));
    let others = definition.inputs.iter().filter(|(name, value)| name.contains("port") && !value.is_empty());
    let others: String = others.map(|(name, value)| set(name, value)).collect();
    let file = quoted(&definition.file);
    Some(format!("{} run {file}{}{others}{flags}", quoted(&program()), set("version", &kept.version)))
}
