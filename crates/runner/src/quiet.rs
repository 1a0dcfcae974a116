//! Whose alerts are kept quiet, and until when: those of releases that are at work.
//!
//! What is silenced follows from where a release is, and nothing follows from it: it is neither an effect nor an event,
//! and a replay knows nothing of it. After a crash the resumed release takes its silences up again, or lifts those that
//! it had left; those of runs that nobody drives any more are swept by the next run that names the same Alertmanager.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use machine::Name;
use ports::{Silences, Window};
use release::Stage;
use run::{Definition, ReleaseSpec, Run, SilenceSpec};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Keeper, World};

/// The silences of a run's releases.
pub(crate) struct Quiet<W> {
    world: Arc<W>,
    /// Releases that were seen at work; told when theirs is over. `None` for one without silences.
    known: BTreeMap<Name, Option<watch::Sender<bool>>>,
    tasks: JoinSet<()>,
}

impl<W: World> Quiet<W> {
    pub(crate) fn new(world: Arc<W>) -> Self {
        Self { world, known: BTreeMap::new(), tasks: JoinSet::new() }
    }

    /// Sees where every release is: one that is at work has its alerts kept quiet, one that has ended no longer.
    pub(crate) fn follow(&mut self, run: &Run) {
        for (path, rollout) in run.rollouts() {
            match rollout.release.stage() {
                Stage::Rolling | Stage::Closing(_) if !self.known.contains_key(path) => {
                    self.begin(run, path, false);
                }
                Stage::Ended(_) => {
                    if let Some(Some(over)) = self.known.get(path) {
                        over.send_replace(true);
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes up what an earlier life of this run has left: silences of releases at work stay, others go.
    pub(crate) fn adopt(&mut self, run: &Run) {
        self.follow(run);
        for (path, rollout) in run.rollouts() {
            if matches!(rollout.release.stage(), Stage::Ended(_)) && !self.known.contains_key(path) {
                self.begin(run, path, true);
            }
        }
    }

    /// Lifts what runs that nobody drives any more have left at the Alertmanagers of this one.
    pub(crate) fn sweep(
        &mut self,
        definition: &Definition,
        driven: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) {
        let specs = definition.releases().filter_map(|(_, spec)| spec.silences.as_ref());
        let at: BTreeMap<String, SilenceSpec> =
            specs.map(|spec| (spec.alertmanager.to_string(), spec.clone())).collect();
        let driven = Arc::new(driven);
        for spec in at.into_values() {
            let (silences, driven) = (self.world.silences(&spec), driven.clone());
            self.tasks.spawn(async move {
                // What cannot be swept now has its own end, and the next run.
                let standing = silences.standing().await.unwrap_or_default();
                let windows: BTreeSet<String> = standing.into_iter().map(|it| it.run).collect();
                for window in windows.into_iter().filter(|window| !driven(run_of(window))) {
                    let _ = silences.lift(&window).await;
                }
            });
        }
    }

    /// All is over, in whatever way; gives what is still to be waited for.
    pub(crate) fn end(&mut self) -> &mut JoinSet<()> {
        for over in self.known.values().flatten() {
            over.send_replace(true);
        }
        &mut self.tasks
    }

    fn begin(&mut self, run: &Run, path: &Name, over: bool) {
        let begun = self.window(run, path, over);
        self.known.insert(path.clone(), begun);
    }

    fn window(&mut self, run: &Run, path: &Name, over: bool) -> Option<watch::Sender<bool>> {
        let (definition, job) = (run.definition()?, path.as_str().rsplit_once('#')?.0);
        let release = definition.release(job)?;
        let spec = release.silences.as_ref()?;
        let (tell, over) = watch::channel(over);
        let (world, run) = (self.world.clone(), format!("{}/{path}", definition.run));
        let keeper = Keeper {
            silences: world.silences(spec),
            place: spec.alertmanager.to_string(),
            windows: windows(definition, &run, job, release, spec),
            run,
            over,
            warn: move |line: &str| world.warn(line),
        };
        self.tasks.spawn(keeper.keep());
        Some(tell)
    }
}

/// The run of a window.
fn run_of(window: &str) -> &str {
    window.split_once('/').map_or(window, |(run, _)| run)
}

fn windows(
    definition: &Definition,
    run: &str,
    job: &str,
    release: &ReleaseSpec,
    spec: &SilenceSpec,
) -> Vec<Window> {
    let said = || {
        let (version, target) = (&release.workload.version, &release.target);
        format!("{}: {job} releases {version} on {target}", definition.name)
    };
    let comment = spec.comment.clone().unwrap_or_else(said);
    let window = |alert: &String| Window {
        run: run.to_owned(),
        // The file was read with these; one that another version would not take keeps nothing quiet.
        matchers: promql::matchers(alert).unwrap_or_default().iter().map(Into::into).collect(),
        lasts_ms: spec.lasts_ms,
        comment: comment.clone(),
    };
    spec.alerts.iter().map(window).collect()
}
