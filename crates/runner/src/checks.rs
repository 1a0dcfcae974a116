//! Checks of a release: commands against the new revision before its first traffic, or against the service.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use machine::{Key, Name};
use release::{CheckPhase, Event};
use run::ReleaseSpec;

use crate::environment::environment;
use crate::jobs::{Attempt, Workshop};
use crate::pilot::{Course, Pilot};
use crate::{World, failpoint, signals::process_name};

/// Runs the checks of one phase, one after the other, and tells the end.
pub(crate) async fn run_checks<W: World>(
    pilot: Pilot<W>,
    phase: CheckPhase,
    key: Key,
    stopped: Arc<AtomicBool>,
) {
    failpoint("checks.before");
    let url = pilot.url(phase == CheckPhase::Preview).await;
    let Pilot { workshop, course, spec, .. } = pilot;
    let checks = match phase {
        CheckPhase::Preview => &spec.preview,
        CheckPhase::Verify => &spec.verify,
    };
    let mut failed = None;
    for check in checks {
        let attempt = Attempt {
            job: check_job(&course.job, phase, &check.name),
            number: key.n,
            reads: course.reads.clone(),
            stopped: stopped.clone(),
        };
        let mut said = workshop.said(&attempt.job, attempt.number);
        said.insert("NOVA_URL".to_owned(), url.clone());
        let env = environment(&check.command, &course.reads, &said, |name| std::env::var(name).ok());
        let finished = match env {
            Ok(env) => workshop.lines(&check.command, &attempt, &env).await,
            Err(why) => crate::jobs::Finished { code: Some(1), remark: Some(why) },
        };
        if finished.code != Some(0) {
            failed = Some(format!("check {} failed: {}", check.name, finished.remark.unwrap_or_default()));
            break;
        }
    }
    failpoint("checks.ended");
    course.tell(Event::ChecksEnded { key, failed }).await;
}

/// Ends the checks of a phase that still run.
pub(crate) async fn stop_checks<W: World>(
    workshop: Workshop<W>,
    course: Arc<Course>,
    spec: ReleaseSpec,
    n: u32,
) {
    let phases = [(CheckPhase::Preview, &spec.preview), (CheckPhase::Verify, &spec.verify)];
    for (phase, checks) in phases {
        for check in checks {
            let path = Name::new(format!("{}#{n}", check_job(&course.job, phase, &check.name)));
            for line in 0..check.command.run.len() {
                // One that does not run is no error.
                let _ = ports::Jobs::stop(workshop.world.jobs(), &process_name(&path, line)).await;
            }
        }
    }
}

fn check_job(job: &Name, phase: CheckPhase, check: &Name) -> Name {
    let phase = match phase {
        CheckPhase::Preview => "preview",
        CheckPhase::Verify => "verify",
    };
    Name::new(format!("{job}.{phase}.{check}"))
}
