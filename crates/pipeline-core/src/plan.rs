//! What shall run: jobs in the order of the file, with needs, bodies, budgets. Checked once; cycles are named.

use std::collections::{BTreeMap, BTreeSet};

use machine::{Millis, Name};
use serde::{Deserialize, Serialize};

/// Which end of a job satisfies an edge, besides succeeded and cached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Need {
    /// Index of the job that must end first.
    pub job: u32,
    /// Skipped is good enough.
    pub accept_skipped: bool,
    /// Any end is good enough (`after: finished`).
    pub accept_any: bool,
}

/// Which failures are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// First pause; it doubles with each attempt.
    pub backoff_ms: Millis,
    /// A timeout is tried again too.
    pub on_timeout: bool,
}

impl Retry {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 1, backoff_ms: 1_000, on_timeout: false }
    }
}

/// What a crash in the middle means for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// Lost means: run again.
    Repeatable,
    /// Its visible result exists once. After a crash a probe says whether it does; without one a person.
    Once {
        /// There is a probe to ask.
        probe: bool,
    },
}

/// A command or a service, as far as the schedule is concerned. What is run stands in `spec`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Command {
    /// What a crash means.
    pub effect: EffectClass,
    /// It goes on until the run ends, and its dependants start when it is ready.
    pub service: bool,
}

/// An answer that stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PreAnswer {
    /// Yes or no.
    pub granted: bool,
    /// Where it stands, e.g. `pipeline.yaml:81`.
    pub written_at: String,
}

/// A person decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Approval {
    /// How long the question stands.
    pub within_ms: Millis,
    /// What silence means.
    pub otherwise: bool,
    /// An answer given beforehand.
    pub pre: Option<PreAnswer>,
}

/// What a job is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body<D> {
    /// A command.
    Command(Command),
    /// A question to a person.
    Approval(Approval),
    /// Something that the composition runs.
    Deploy(Box<D>),
}

/// An output of another job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutputRef {
    /// Index of the job.
    pub job: u32,
    /// Name of the output.
    pub output: String,
}

/// The end of a job in an earlier run, taken over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reused {
    /// Which run.
    pub run: String,
    /// What it had given.
    pub outputs: BTreeMap<String, String>,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Job<D> {
    /// Unique.
    pub name: Name,
    /// Index of its stage.
    pub stage: u32,
    /// What must end first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// What it is.
    pub body: Body<D>,
    /// Budget of attempts.
    #[serde(default, skip_serializing_if = "Retry::is_default")]
    pub retry: Retry,
    /// Longest time of one attempt.
    pub timeout_ms: Millis,
    /// A failure does not fail the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tolerated: bool,
    /// It runs whatever happened to its needs, if any of them began, and also after a cancel.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cleanup: bool,
    /// Outputs of others that it reads.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reads: BTreeSet<OutputRef>,
    /// Not run: an earlier run's result is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused: Option<Reused>,
    /// Not part of this run at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
}

/// A checked plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Plan<D> {
    stages: Vec<Name>,
    jobs: Vec<Job<D>>,
    dependants: Vec<Vec<u32>>,
    /// Indexes in the order of their names. Empty until it is asked for: a definition has no need of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by_name: Vec<u32>,
    workers: u32,
}

/// Why jobs do not make a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Over the limit.
    #[error("{0} jobs are too many; the limit is {limit}", limit = Plan::<()>::MAX_JOBS)]
    TooManyJobs(usize),
    /// Twice the same name.
    #[error("the job {0} is there twice")]
    Duplicate(Name),
    /// An index that is none.
    #[error("the job {0} needs a job that is not there")]
    UnknownNeed(Name),
    /// Jobs that wait for each other.
    #[error("jobs wait for each other: {}", .0.iter().map(Name::as_str).collect::<Vec<_>>().join(" -> "))]
    Cycle(Vec<Name>),
    /// It reads an output of a job that need not have ended.
    #[error("the job {job} reads {output} of {of}, which is not among its needs; add needs: [{of}]")]
    NotAnAncestor {
        /// The reader.
        job: Name,
        /// Whose output.
        of: Name,
        /// Its name.
        output: String,
    },
}

impl<D> Plan<D> {
    /// The most jobs of one run.
    pub const MAX_JOBS: usize = 200_000;

    /// Checks jobs into a plan that runs `workers` commands at a time.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn new(stages: Vec<Name>, jobs: Vec<Job<D>>, workers: u32) -> Result<Self, PlanError> {
        if jobs.len() > Self::MAX_JOBS {
            return Err(PlanError::TooManyJobs(jobs.len()));
        }
        let mut names = BTreeSet::new();
        if let Some(job) = jobs.iter().find(|job| !names.insert(&job.name)) {
            return Err(PlanError::Duplicate(job.name.clone()));
        }
        let mut dependants = vec![Vec::new(); jobs.len()];
        for (index, job) in jobs.iter().enumerate() {
            for need in &job.needs {
                let of = dependants.get_mut(need.job as usize);
                of.ok_or_else(|| PlanError::UnknownNeed(job.name.clone()))?.push(index as u32);
            }
        }
        let plan = Self { stages, jobs, dependants, by_name: Vec::new(), workers: workers.max(1) };
        plan.check_order()?;
        plan.check_reads()?;
        Ok(plan)
    }

    /// Makes `index` fast.
    pub(crate) fn sort_names(&mut self) {
        let mut by_name: Vec<u32> = (0..self.jobs.len() as u32).collect();
        by_name.sort_by_key(|index| self.job(*index).map(|job| &job.name));
        self.by_name = by_name;
    }

    /// Stages in their order.
    pub fn stages(&self) -> &[Name] {
        &self.stages
    }

    /// Jobs in the order of the file.
    pub fn jobs(&self) -> &[Job<D>] {
        &self.jobs
    }

    /// The job of that index.
    pub fn job(&self, index: u32) -> Option<&Job<D>> {
        self.jobs.get(index as usize)
    }

    /// The index of that name.
    pub fn index(&self, name: &str) -> Option<u32> {
        if self.by_name.len() != self.jobs.len() {
            return self.jobs.iter().position(|job| job.name.as_str() == name).map(|index| index as u32);
        }
        let of = |index: &u32| self.job(*index).map(|job| job.name.as_str());
        let place = self.by_name.binary_search_by(|index| of(index).cmp(&Some(name))).ok()?;
        self.by_name.get(place).copied()
    }

    /// Jobs that need this one.
    pub fn dependants(&self, index: u32) -> &[u32] {
        self.dependants.get(index as usize).map_or(&[], Vec::as_slice)
    }

    /// Commands at a time.
    pub const fn workers(&self) -> u32 {
        self.workers
    }

    fn check_order(&self) -> Result<(), PlanError> {
        let mut open: Vec<usize> = self.jobs.iter().map(|job| job.needs.len()).collect();
        let mut ready: Vec<u32> =
            (0..self.jobs.len() as u32).filter(|i| open.get(*i as usize) == Some(&0)).collect();
        let mut ordered = 0;
        while let Some(index) = ready.pop() {
            ordered += 1;
            for &dependant in self.dependants(index) {
                if let Some(count) = open.get_mut(dependant as usize) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(dependant);
                    }
                }
            }
        }
        if ordered == self.jobs.len() { Ok(()) } else { Err(PlanError::Cycle(self.shortest_cycle(&open))) }
    }

    /// A shortest cycle among the jobs that never became ready, beginning and ending with the same name.
    fn shortest_cycle(&self, open: &[usize]) -> Vec<Name> {
        let stuck: Vec<u32> = (0..open.len() as u32)
            .filter(|i| open.get(*i as usize).is_some_and(|c| *c > 0))
            .take(256)
            .collect();
        let cycles = stuck.iter().filter_map(|&start| self.cycle_from(start));
        let path = cycles.min_by_key(Vec::len).unwrap_or_default();
        path.iter().filter_map(|i| self.job(*i)).map(|job| job.name.clone()).collect()
    }

    fn cycle_from(&self, start: u32) -> Option<Vec<u32>> {
        let mut came_from: BTreeMap<u32, u32> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for need in &self.job(at)?.needs {
                if need.job == start {
                    let mut path = vec![start];
                    let mut step = at;
                    while step != start {
                        path.push(step);
                        step = *came_from.get(&step)?;
                    }
                    path.push(start);
                    path.reverse();
                    return Some(path);
                }
                if let std::collections::btree_map::Entry::Vacant(free) = came_from.entry(need.job) {
                    free.insert(at);
                    queue.push_back(need.job);
                }
            }
        }
        None
    }

    fn check_reads(&self) -> Result<(), PlanError> {
        for (index, job) in self.jobs.iter().enumerate().filter(|(_, job)| !job.reads.is_empty()) {
            let ancestors = self.ancestors(index as u32);
            if let Some(read) = job.reads.iter().find(|read| !ancestors.contains(&read.job)) {
                let of = self.job(read.job).map_or_else(|| Name::from("?"), |of| of.name.clone());
                return Err(PlanError::NotAnAncestor {
                    job: job.name.clone(),
                    of,
                    output: read.output.clone(),
                });
            }
        }
        Ok(())
    }

    fn ancestors(&self, index: u32) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut open = vec![index];
        while let Some(at) = open.pop() {
            for need in self.job(at).into_iter().flat_map(|job| &job.needs) {
                if found.insert(need.job) {
                    open.push(need.job);
                }
            }
        }
        found
    }
}
