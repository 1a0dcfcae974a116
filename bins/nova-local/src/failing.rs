//! Why checks fail now: kept by those who try, and shown with the state. Nothing is decided by it, so the rules do not
//! know of it and it is not kept on disk: after a restart the next try says it again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use supervise::{InstanceId, ProbeKind, Process, TargetView};

type Reasons = BTreeMap<InstanceId, (Process, BTreeMap<ProbeKind, String>)>;

/// What is failing, by instance and check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failing(Arc<Mutex<Reasons>>);

impl Failing {
    fn reasons(&self) -> MutexGuard<'_, Reasons> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the checks of a process for as long as the answer is kept.
    pub(crate) fn follow(&self, id: &InstanceId, process: Process) -> Followed {
        self.reasons().insert(id.clone(), (process, BTreeMap::new()));
        Followed { failing: self.clone(), id: id.clone() }
    }

    /// Adds the reasons to the instances that they are about.
    pub(crate) fn add_to(&self, view: &mut TargetView) {
        for (id, (process, reasons)) in self.reasons().iter() {
            let instances = view.revisions.get_mut(&id.revision).map(|known| &mut known.instances);
            let mut shown = instances.into_iter().flatten();
            if let Some(instance) = shown.find(|i| i.slot == id.slot && i.pid == Some(process.pid)) {
                instance.failing = reasons.clone();
            }
        }
    }
}

/// The checks of one process; they are forgotten with it.
#[derive(Debug)]
pub(crate) struct Followed {
    failing: Failing,
    id: InstanceId,
}

impl Followed {
    /// A try has ended: `None` when it passed.
    pub(crate) fn tried(&self, probe: ProbeKind, why: Option<String>) {
        if let Some((_, reasons)) = self.failing.reasons().get_mut(&self.id) {
            match why {
                Some(why) => reasons.insert(probe, why),
                None => reasons.remove(&probe),
            };
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.failing.reasons().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use supervise::{InstanceState, InstanceView, RevisionId, RevisionView};

    fn view(pid: u32) -> TargetView {
        let instance = InstanceView {
            slot: 1,
            pid: Some(pid),
            port: Some(1),
            state: InstanceState::Starting,
            failed_checks: 0,
            crashes: 0,
            restarts: 0,
            failing: BTreeMap::new(),
        };
        let revision = RevisionView {
            version: "1".into(),
            artifact: String::new(),
            wanted: true,
            instances_wanted: 1,
            memory_limit_bytes: None,
            kept: String::new(),
            instances: vec![instance],
        };
        TargetView {
            revisions: BTreeMap::from([(RevisionId::new("r-a"), revision)]),
            ..TargetView::default()
        }
    }

    fn shown(failing: &Failing, pid: u32) -> BTreeMap<ProbeKind, String> {
        let mut view = view(pid);
        failing.add_to(&mut view);
        view.revisions[&RevisionId::new("r-a")].instances[0].failing.clone()
    }

    #[test]
    fn a_reason_is_shown_at_its_process_until_a_try_passes_or_the_process_is_gone() {
        let failing = Failing::default();
        let id = InstanceId { revision: RevisionId::new("r-a"), slot: 1, incarnation: 7 };
        let followed = failing.follow(&id, Process { pid: 40, start_time: 1, port: 1 });
        followed.tried(ProbeKind::Ready, Some("a".into()));
        followed.tried(ProbeKind::Live, Some("b".into()));
        assert_eq!(shown(&failing, 40).len(), 2);
        assert!(shown(&failing, 41).is_empty(), "another process in the slot");
        followed.tried(ProbeKind::Ready, None);
        assert_eq!(shown(&failing, 40), BTreeMap::from([(ProbeKind::Live, "b".to_owned())]));
        drop(followed);
        assert!(shown(&failing, 40).is_empty());
    }
}
