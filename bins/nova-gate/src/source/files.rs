//! Scrapes in files: of each arm one instance, or a folder with a folder by instance; in the order of their names.

use std::path::{Path, PathBuf};

use gate::{Arm, Gate, Names, Observation, OwnRules, Pod, Refusal, Row, Why, count, rows};
use promql::Labels;

use super::wall_ms;
use crate::failure::Failure;
use crate::files as disk;
use crate::proof::Proof;

/// Scrapes of one instance.
const MOST: usize = 100_000;

/// What a file held: its rows, or why it holds none.
type Held = Result<Vec<Row>, Refusal>;

/// One instance with its scrapes.
struct Instance {
    canary: bool,
    number: u32,
    name: String,
    scrapes: Vec<Held>,
}

/// Scrapes in files.
pub(crate) struct Files {
    instances: Vec<Instance>,
    next: usize,
    looks: usize,
    every_ms: i64,
    pub(crate) began_ms: i64,
    names: Names,
    proof: Proof,
    rules: OwnRules,
    pub(crate) notes: Vec<String>,
}

impl Files {
    pub(super) fn open(gate: &Gate, rules: OwnRules) -> Result<Self, Failure> {
        let mut instances = instances(true, &gate.canary, gate)?;
        if let Some(stable) = &gate.stable {
            instances.extend(self::instances(false, stable, gate)?);
        }
        let looks = instances.iter().map(|it| it.scrapes.len()).max().unwrap_or(0);
        let every_ms = i64::try_from(gate.every_ms).unwrap_or(i64::MAX);
        let own = |it: &Instance| {
            it.scrapes.first().and_then(|held| held.as_ref().ok()).and_then(|rows| own_time(rows))
        };
        let began_ms = instances.iter().filter_map(own).min().unwrap_or_else(wall_ms);
        let mut notes = Vec::new();
        if looks == 1 {
            notes.push("one scrape of each: counts since each process began, not of the same time; two scrapes are better".to_owned());
        } else if instances.iter().all(|it| own(it).is_none()) {
            notes.push(format!(
                "the files have no times: {} s are taken between two of them",
                every_ms as f64 / 1_000.0
            ));
        }
        let of =
            |canary| instances.iter().filter(|it| it.canary == canary).map(|it| it.name.clone()).collect();
        let proof = Proof::new(gate, (of(true), of(false)));
        let names = gate.names.clone();
        // A single scrape is compared with the beginning of its process.
        let next = 0;
        Ok(Self { instances, next, looks, every_ms, began_ms, names, proof, rules, notes })
    }

    /// How often there is something to look at.
    pub(super) fn looks(&self) -> usize {
        self.looks
    }

    pub(super) fn count(&self) -> usize {
        self.instances.iter().map(|it| it.scrapes.len()).sum()
    }

    pub(super) fn look(&mut self) -> Option<Observation> {
        let single = self.looks == 1;
        let at = self.next;
        if at >= self.looks + usize::from(single) {
            return None;
        }
        self.next += 1;
        let file = if single { 0 } else { at };
        let now_ms = self.time_of(file, at);
        let mut look = Observation {
            at_ms: u64::try_from(now_ms - self.began_ms).unwrap_or(0),
            ..Observation::default()
        };
        for instance in &self.instances {
            let Instance { canary, number, name, scrapes } = instance;
            match scrapes.get(file) {
                Some(Ok(rows)) => {
                    let timed = |(labels, at, value): &Row| {
                        (labels.clone(), if *at == NO_TIME { now_ms } else { *at }, *value)
                    };
                    let rows: Vec<Row> = rows.iter().map(timed).collect();
                    let (own, mut refused) = self.proof.own(*canary, name, &rows, now_ms);
                    self.rules.take(&rows, &Labels::new([("instance", name)]));
                    let counted = count(name, &own, &self.names);
                    if refused.is_empty() {
                        refused.extend(counted.refused.iter().cloned().map(|it| it.of(*canary)));
                    }
                    look.refused.extend(refused);
                    let pod = Pod::counted(*canary, *number, name, &counted, self.began_ms);
                    look.pods.push(if single && at == 0 { begun(pod) } else { pod });
                }
                Some(Err(refusal)) => {
                    look.refused.push(refusal.clone());
                    look.pods.push(Pod::lost(*canary, *number, name));
                }
                None => look.pods.push(Pod::lost(*canary, *number, name)),
            }
        }
        let (alerts, failed) = self.rules.hold(now_ms);
        look.alerts = alerts;
        look.refused.extend(failed);
        Some(look)
    }

    /// The time of a look: that of the files where they have one.
    fn time_of(&self, file: usize, at: usize) -> i64 {
        let held = self.instances.iter().filter_map(|it| it.scrapes.get(file));
        let own = held.filter_map(|held| held.as_ref().ok()).filter_map(|rows| own_time(rows)).max();
        let steps = i64::try_from(at).unwrap_or(i64::MAX);
        own.filter(|_| self.looks > 1)
            .unwrap_or_else(|| self.began_ms.saturating_add(self.every_ms.saturating_mul(steps)))
    }
}

/// The same instance when its process began.
fn begun(pod: Pod) -> Pod {
    let zero = |latency: &health::Latency| {
        health::Latency::new(latency.buckets().iter().map(|(le, _)| (*le, 0)).collect()).unwrap_or_default()
    };
    let endpoints = pod.endpoints.keys().map(|name| (name.clone(), health::sequential::Counts::default()));
    Pod { requests: 0, errors: 0, latency: zero(&pod.latency), endpoints: endpoints.collect(), ..pod }
}

/// Mark of a row without a time of its own.
const NO_TIME: i64 = i64::MIN;

/// The latest time that rows bring along.
fn own_time(rows: &[Row]) -> Option<i64> {
    rows.iter().map(|(_, at, _)| *at).filter(|at| *at != NO_TIME).max()
}

fn instances(canary: bool, arm: &Arm, gate: &Gate) -> Result<Vec<Instance>, Failure> {
    let mut series: Vec<(String, Vec<PathBuf>)> = Vec::new();
    let mut plain = Vec::new();
    for from in &arm.from {
        let path = Path::new(from);
        if path.is_dir() {
            let (files, folders) = listed(path)?;
            if !files.is_empty() {
                series.push((from.clone(), files));
            }
            for folder in folders {
                let (files, _) = listed(&folder)?;
                series.push((folder.display().to_string(), files));
            }
        } else if path.is_file() {
            plain.push(path.to_owned());
        } else {
            return Err(Failure::usage(format!("{from}: no such file; a URL begins with http://")));
        }
    }
    if let Some(first) = plain.first() {
        series.push((first.display().to_string(), plain));
    }
    if series.iter().all(|(_, files)| files.is_empty()) {
        return Err(Failure::usage(format!("no scrape in {}", arm.from.join(", "))));
    }
    let read = |(number, (name, files)): (usize, (String, Vec<PathBuf>))| {
        let scrapes = files.iter().take(MOST).map(|file| held(canary, file, &name, gate)).collect();
        Instance { canary, number: u32::try_from(number).unwrap_or(u32::MAX), name: name.clone(), scrapes }
    };
    Ok(series.into_iter().enumerate().map(read).collect())
}

/// Files and folders of a folder, each in the order of their names.
fn listed(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    let wrong = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut all: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        all.push(entry.map_err(wrong)?.path());
    }
    all.sort();
    Ok(all.into_iter().partition(|path| path.is_file()))
}

fn held(canary: bool, file: &Path, instance: &str, gate: &Gate) -> Held {
    let source = file.display().to_string();
    let most = gate.limits.bytes as u64;
    let bytes =
        disk::bytes(file, most).map_err(|error| Refusal::new(&source, Why::Malformed, error).of(canary))?;
    let rows = rows(&bytes, NO_TIME, &gate.limits)
        .map_err(|error| Refusal::new(&source, Why::Malformed, format!("{source}:{error}")).of(canary))?;
    let named = |(mut labels, at, value): Row| {
        if labels.value("instance").is_empty() {
            labels.set("instance", instance);
        }
        (labels, at, value)
    };
    Ok(rows.into_iter().map(named).collect())
}
