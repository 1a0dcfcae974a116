//! One arm as a whole: what its instances added since they were first seen, as counters that never fall.

use std::collections::BTreeMap;

use health::sequential::{Counters, Counts, Pair};
use health::{Instance, Latency};

use crate::{Answer, Pod};

/// Instances of one arm that are followed.
const MOST: usize = 512;
/// Endpoints of both arms that are told apart.
const MOST_ENDPOINTS: usize = 64;

/// Sums over one arm.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summed {
    last: BTreeMap<u32, Last>,
    pub(crate) counts: Counts,
    latency: BTreeMap<u64, u64>,
    /// Durations at the bounds that all instances have, without the first of a process; `None` before there are any.
    pub(crate) durations: Option<Latency>,
}

#[derive(Clone, Debug, Default)]
struct Last {
    counters: Counters,
    endpoints: BTreeMap<String, Counts>,
    failed: u32,
    memory_bytes: Option<u64>,
    counted: bool,
}

impl Summed {
    /// Takes one instance; returns what it added by endpoint. `warm`: its process was not new at the look before.
    pub(crate) fn add(&mut self, pod: &Pod, warm: bool) -> Vec<(String, Counts)> {
        if self.last.len() >= MOST && !self.last.contains_key(&pod.pod) {
            return Vec::new();
        }
        let last = self.last.entry(pod.pod).or_default();
        match pod.answer {
            Answer::Refused => return Vec::new(),
            Answer::Lost => {
                last.failed = last.failed.saturating_add(1);
                return Vec::new();
            }
            Answer::Ok => last.failed = 0,
        }
        last.memory_bytes = pod.memory_bytes;
        let now = pod.counters();
        let same = last.counted && last.counters.started == now.started;
        let grown = same.then(|| added(&last.counters, &now)).flatten();
        let mut by_endpoint = Vec::new();
        if let Some((counts, latency)) = grown {
            self.counts = self.counts.plus(counts);
            let mut below = 0;
            for (le, count) in latency.buckets() {
                *self.latency.entry(*le).or_default() += count - below;
                below = *count;
            }
            if warm && latency.total() > 0 {
                // Bounds that not all have are left out: what is counted at the others stays exact.
                self.durations = match &self.durations {
                    None => Some(latency),
                    Some(sum) => sum.plus(&latency),
                };
            }
            for (name, now) in &pod.endpoints {
                let before = last.endpoints.get(name).copied().unwrap_or_default();
                if now.requests >= before.requests && now.bad >= before.bad {
                    by_endpoint.push((name.clone(), now.minus(before)));
                }
            }
        }
        (last.counters, last.endpoints, last.counted) = (now, pod.endpoints.clone(), true);
        by_endpoint
    }

    /// The arm as the literal rules hear it.
    pub(crate) fn arm(&self) -> health::Arm {
        let mut sum = 0;
        let cumulative = self.latency.iter().map(|(le, count)| {
            sum += count;
            (*le, sum)
        });
        let instances = self.last.iter().map(|(slot, last)| Instance {
            slot: *slot,
            failed_checks: last.failed,
            resident_bytes: last.memory_bytes,
            restarts: 0,
            served: None,
        });
        health::Arm {
            requests: self.counts.requests,
            server_errors: self.counts.bad,
            failures: 0,
            latency: Latency::new(cumulative.collect()).unwrap_or_default(),
            instances: instances.collect(),
        }
    }

    /// Whether any instance was ever counted.
    pub(crate) fn heard(&self) -> bool {
        self.last.values().any(|last| last.counted)
    }

    /// Whether that instance was ever counted.
    pub(crate) fn was_counted(&self, pod: u32) -> bool {
        self.last.get(&pod).is_some_and(|last| last.counted)
    }
}

fn added(last: &Counters, now: &Counters) -> Option<(Counts, Latency)> {
    let requests = now.requests.checked_sub(last.requests)?;
    let bad = now.bad.checked_sub(last.bad)?;
    let latency = if last.latency.buckets().is_empty() { None } else { now.latency.since(&last.latency) };
    Some((Counts::new(requests, bad)?, latency.unwrap_or_default()))
}

/// Endpoints by number, and what both arms added there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) names: Vec<String>,
}

impl Endpoints {
    /// The number of an endpoint; `None` when there are too many.
    fn number(&mut self, name: &str) -> Option<u32> {
        let known = self.names.iter().position(|known| known == name);
        let at = known.or_else(|| {
            (self.names.len() < MOST_ENDPOINTS).then(|| {
                self.names.push(name.to_owned());
                self.names.len() - 1
            })
        })?;
        u32::try_from(at).ok()
    }

    /// Both arms' additions as pairs by number.
    pub(crate) fn pairs(
        &mut self,
        canary: Vec<(String, Counts)>,
        stable: Vec<(String, Counts)>,
    ) -> Vec<(u32, Pair)> {
        let mut pairs: BTreeMap<u32, Pair> = BTreeMap::new();
        for (name, counts) in canary {
            if let Some(id) = self.number(&name) {
                let pair = pairs.entry(id).or_default();
                pair.canary = pair.canary.plus(counts);
            }
        }
        for (name, counts) in stable {
            if let Some(id) = self.number(&name) {
                let pair = pairs.entry(id).or_default();
                pair.stable = pair.stable.plus(counts);
            }
        }
        pairs.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(requests: u64, errors: u64, started: i64) -> Pod {
        Pod { requests, errors, started_ms: Some(started), name: "a".into(), ..Pod::default() }
    }

    #[test]
    fn sums_never_fall_and_a_restart_or_a_lost_scrape_adds_nothing() {
        let mut arm = Summed::default();
        arm.add(&pod(100, 1, 0), true);
        assert_eq!(arm.counts, Counts::default(), "where it began is not known");
        arm.add(&pod(150, 3, 0), true);
        arm.add(&Pod::lost(true, 0, "a"), true);
        assert_eq!(arm.arm().instances[0].failed_checks, 1);
        arm.add(&pod(10, 9, 7), true);
        arm.add(&pod(30, 9, 7), true);
        assert_eq!((arm.counts, arm.arm().instances[0].failed_checks), (Counts { requests: 70, bad: 2 }, 0));
        assert!(arm.was_counted(0) && !arm.was_counted(1));
    }
    #[test]
    fn durations_are_summed_at_the_bounds_that_all_instances_have_and_not_while_a_process_is_new() {
        let timed = |id: u32, buckets: &[(u64, u64)]| Pod {
            pod: id,
            requests: buckets.last().map_or(0, |(_, count)| *count),
            latency: Latency::new(buckets.to_vec()).unwrap(),
            ..Pod::default()
        };
        let mut arm = Summed::default();
        for n in [1, 2] {
            arm.add(&timed(0, &[(10, n), (20, 5 * n), (u64::MAX, 9 * n)]), true);
            arm.add(&timed(1, &[(20, 2 * n), (40, 3 * n), (u64::MAX, 4 * n)]), true);
            arm.add(&timed(2, &[(20, 0), (u64::MAX, 100 * n)]), false);
        }
        assert_eq!(arm.durations.unwrap().buckets(), [(20, 7), (u64::MAX, 13)]);
    }
}
