//! The counters of the splitter and the state of instances as Prometheus text, format 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use adapter_proxy::{BUCKETS_US, Counted, Served};
use supervise::{RevisionId, TargetView};

/// Resident bytes by revision and slot, where they could be read.
pub type Resident = BTreeMap<(RevisionId, u32), u64>;

/// The whole page: every family once, with its help and type before all of its series.
pub fn text(counted: &[(RevisionId, Counted)], view: &TargetView, resident: &Resident) -> String {
    let mut out = String::with_capacity(4096 + counted.len() * 2048);
    counters(&mut out, counted);
    durations(&mut out, counted);
    instances(&mut out, view, resident);
    served(&mut out, counted);
    out
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn counters(out: &mut String, counted: &[(RevisionId, Counted)]) {
    type Read = fn(&Counted) -> u64;
    let families: [(&str, &str, Read); 3] = [
        ("nova_requests_total", "Requests that were begun on the revision and have ended.", |c| c.requests),
        ("nova_server_errors_total", "Of these, answered with a status of 500 or above.", |c| {
            c.server_errors
        }),
        ("nova_failures_total", "Of these, without a whole answer: refused, reset, timed out.", |c| {
            c.failures
        }),
    ];
    for (name, help, read) in families {
        family(out, name, "counter", help);
        for (revision, counted) in counted {
            let _ = writeln!(out, "{name}{{revision=\"{revision}\"}} {}", read(counted));
        }
    }
}

fn durations(out: &mut String, counted: &[(RevisionId, Counted)]) {
    const NAME: &str = "nova_request_duration_seconds";
    family(out, NAME, "histogram", "From the request to the end of the answer.");
    for (revision, counted) in counted {
        for (bound, n) in BUCKETS_US.iter().zip(&counted.buckets) {
            let bound = seconds(*bound);
            let _ = writeln!(out, "{NAME}_bucket{{revision=\"{revision}\",le=\"{bound}\"}} {n}");
        }
        let n = counted.requests;
        let _ = writeln!(out, "{NAME}_bucket{{revision=\"{revision}\",le=\"+Inf\"}} {n}");
        let _ = writeln!(out, "{NAME}_sum{{revision=\"{revision}\"}} {}", seconds(counted.duration_us));
        let _ = writeln!(out, "{NAME}_count{{revision=\"{revision}\"}} {n}");
    }
}

/// Microseconds as decimal seconds, exactly, without trailing zeros.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn instances(out: &mut String, view: &TargetView, resident: &Resident) {
    let all = || view.revisions.iter().flat_map(|(id, known)| known.instances.iter().map(move |i| (id, i)));
    let name = "nova_instance_failed_checks";
    family(
        out,
        name,
        "gauge",
        "Consecutive failed health checks; an exit that nobody asked for counts as one.",
    );
    for (id, instance) in all() {
        let (slot, n) = (instance.slot, instance.failed_checks);
        let _ = writeln!(out, "{name}{{revision=\"{id}\",slot=\"{slot}\"}} {n}");
    }
    let name = "nova_instance_resident_bytes";
    family(out, name, "gauge", "Resident memory of the process.");
    for (id, instance) in all() {
        if let Some(bytes) = resident.get(&(id.clone(), instance.slot)) {
            let _ = writeln!(out, "{name}{{revision=\"{id}\",slot=\"{}\"}} {bytes}", instance.slot);
        }
    }
    let name = "nova_instance_restarts_total";
    family(out, name, "counter", "Restarts by order.");
    for (id, instance) in all() {
        let (slot, n) = (instance.slot, instance.restarts);
        let _ = writeln!(out, "{name}{{revision=\"{id}\",slot=\"{slot}\"}} {n}");
    }
}

/// What each slot served, of every revision that is counted.
fn served(out: &mut String, counted: &[(RevisionId, Counted)]) {
    type Read = fn(&Served) -> u64;
    let families: [(&str, &str, Read); 2] = [
        ("nova_instance_requests_total", "Requests that were begun on the instance and have ended.", |s| {
            s.requests
        }),
        (
            "nova_instance_errors_total",
            "Of these, answered with 500 or above, or without a whole answer.",
            |s| s.errors,
        ),
    ];
    for (name, help, read) in families {
        family(out, name, "counter", help);
        for (revision, counted) in counted {
            for (slot, served) in &counted.slots {
                let _ = writeln!(out, "{name}{{revision=\"{revision}\",slot=\"{slot}\"}} {}", read(served));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use supervise::{InstanceState, InstanceView, RevisionView};

    fn page() -> String {
        let id = RevisionId::new("r-1");
        let counted = Counted {
            requests: 3,
            server_errors: 1,
            failures: 0,
            duration_us: 1_500_000,
            buckets: vec![2; BUCKETS_US.len()],
            slots: BTreeMap::from([(0, Served { requests: 3, errors: 1 })]),
        };
        let instance = InstanceView {
            slot: 0,
            pid: Some(1),
            port: Some(2),
            state: InstanceState::Ready,
            failed_checks: 2,
            crashes: 0,
            restarts: 1,
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
        let view =
            TargetView { revisions: BTreeMap::from([(id.clone(), revision)]), ..TargetView::default() };
        text(&[(id.clone(), counted)], &view, &BTreeMap::from([((id, 0), 4096)]))
    }

    #[test]
    fn every_family_has_one_type_and_its_series_follow_it() {
        let page = page();
        let mut types = std::collections::BTreeSet::new();
        let mut current = String::new();
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                current = rest.split(' ').next().unwrap().to_owned();
                assert!(types.insert(current.clone()), "{current} twice");
            } else if !line.starts_with('#') {
                assert!(line.starts_with(&current), "{line} under {current}");
            }
        }
        assert_eq!(types.len(), 9);
    }

    #[test]
    fn numbers_are_written_exactly() {
        let page = page();
        for line in [
            "nova_request_duration_seconds_bucket{revision=\"r-1\",le=\"0.0005\"} 2",
            "nova_request_duration_seconds_bucket{revision=\"r-1\",le=\"10\"} 2",
            "nova_request_duration_seconds_bucket{revision=\"r-1\",le=\"+Inf\"} 3",
            "nova_request_duration_seconds_sum{revision=\"r-1\"} 1.5",
            "nova_instance_failed_checks{revision=\"r-1\",slot=\"0\"} 2",
            "nova_instance_resident_bytes{revision=\"r-1\",slot=\"0\"} 4096",
            "nova_instance_errors_total{revision=\"r-1\",slot=\"0\"} 1",
        ] {
            assert!(page.lines().any(|known| known == line), "{line} in\n{page}");
        }
    }
}
