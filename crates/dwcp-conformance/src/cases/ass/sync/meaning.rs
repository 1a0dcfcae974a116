//! What the values mean: concurrency, ties, deletions, answers, modes.

use serde_json::{Value, json};

use super::replicas::Replicas;
use crate::bench::Bench;
use crate::bus::Faults;
use crate::cases::entry::must;
use crate::protocol::Code;
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure, fail, refused};

pub(super) const CONCURRENT: Case =
    must("ASS-106", Profile::StateSync, "concurrent writes be detected by vector clock").check(concurrent);

fn concurrent(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut replicas = Replicas::new(bench, 3, 1, Faults::none())?;
    let write = |value: &str, ts: u64| json!({"type": "lww", "key": "k", "value": value, "ts": ts});
    // Different times, but neither knew of the other.
    replicas.apply(0, &write("one", 10))?;
    replicas.apply(1, &write("other", 500))?;
    replicas.drain()?;
    for node in 0..3 {
        let seen = replicas.read(node, "k")?;
        ensure(seen["concurrent"] == true, "writes that did not know of each other are detected", || {
            format!("node {node}: {seen}")
        })?;
    }
    // A write that knew both is after them: no conflict is left.
    replicas.apply(2, &write("settled", 1_000))?;
    replicas.drain()?;
    for node in 0..3 {
        let seen = replicas.read(node, "k")?;
        let settled = seen["concurrent"] == false && seen["value"] == "settled";
        ensure(settled, "a write that knew the others is not concurrent", || format!("node {node}: {seen}"))?;
    }
    Ok(())
}

pub(super) const TIES: Case =
    must("ASS-107", Profile::StateSync, "LWW ties break by node id, same everywhere").check(ties);

fn ties(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut winners = Vec::new();
    for (first, second) in [(0, 1), (1, 0), (0, 2), (2, 1)] {
        let mut replicas = Replicas::new(bench, 4, 1, Faults::none())?;
        for node in [first, second] {
            let op = json!({"type": "lww", "key": "k", "value": node, "ts": 77});
            replicas.apply(node, &op)?;
        }
        replicas.drain()?;
        let mut seen = Vec::new();
        for node in 0..4 {
            seen.push(replicas.read(node, "k")?["value"].clone());
        }
        ensure(seen.iter().all(|value| *value == seen[0]), "a tie has one winner everywhere", || {
            format!("written by {first} and {second}: {seen:?}")
        })?;
        let higher = seen[0] == json!(first.max(second));
        let lower = seen[0] == json!(first.min(second));
        ensure(higher || lower, "a tie is won by one of the two", || format!("{seen:?}"))?;
        winners.push(higher);
    }
    let one_rule = winners.iter().all(|higher| *higher == winners[0]);
    ensure(one_rule, "a tie breaks by the node's id", || format!("the higher id won: {winners:?}"))
}

pub(super) const DELETES: Case = must("ASS-108", Profile::StateSync, "deletes not resurrect").check(deletes);

fn deletes(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let set = |action: &str| json!({"type": "orset", "key": "set", "action": action, "element": "x"});
    let mut replicas = Replicas::new(bench, 3, 1, Faults::none())?;
    // The messages of the first writes are kept and come again after the deletion.
    replicas.write(0, "k", &json!("old"))?;
    replicas.apply(0, &set("add"))?;
    let old = replicas.outbox(0)?;
    for (to, message) in &old {
        replicas.deliver(0, *to, message)?;
    }
    replicas.write(1, "k", &Value::Null)?;
    replicas.apply(1, &set("remove"))?;
    replicas.drain()?;
    for (to, message) in &old {
        replicas.deliver(0, *to, message)?;
    }
    replicas.until_converged(5_000)?;
    for node in 0..3 {
        let (register, set) = (replicas.read(node, "k")?, replicas.read(node, "set")?);
        ensure(register["value"].is_null(), "a deleted register stays deleted", || {
            format!("node {node}: {register}")
        })?;
        ensure(set["value"] == json!([]), "a removed element stays removed", || {
            format!("node {node}: {set}")
        })?;
    }
    Ok(())
}

pub(super) const CORRELATED: Case =
    must("ASS-109", Profile::StateSync, "answers be correlated to requests").check(correlated);

fn correlated(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut replicas = Replicas::new(bench, 3, 1, Faults::none())?;
    for key in ["red", "green", "blue"] {
        replicas.write(0, key, &json!(key))?;
    }
    replicas.drain()?;
    let mut asked = Vec::new();
    for (peer, key) in [(0, "red"), (2, "green"), (0, "blue")] {
        let request =
            replicas.bench.call("sync.get", json!({"node": 1, "peer": peer, "key": key}))?["request"].clone();
        asked.push((request, key));
    }
    for (to, message) in replicas.outbox(1)? {
        replicas.deliver(1, to, &message)?;
    }
    // The answers come in another order, and one of them twice.
    let mut answers: Vec<(usize, Value)> = Vec::new();
    for node in [2, 0] {
        let sent = replicas.outbox(node)?;
        answers.extend(sent.into_iter().filter(|(to, _)| *to == 1).map(|(_, message)| (node, message)));
    }
    answers.reverse();
    if let Some(first) = answers.first().cloned() {
        answers.push(first);
    }
    for (from, message) in &answers {
        replicas.deliver(*from, 1, message)?;
    }
    let told = replicas.bench.call("sync.answers", json!({"node": 1}))?["answers"].clone();
    let told = told.as_array().cloned().ok_or_else(|| fail("answers are a list", ""))?;
    ensure(told.len() == 3, "each request has one answer", || format!("{told:?}"))?;
    for (request, key) in asked {
        let answer = told.iter().find(|answer| answer["request"] == request);
        ensure(
            answer.is_some_and(|answer| answer["value"] == key),
            "an answer belongs to its request",
            || format!("request for {key}: {answer:?}"),
        )?;
    }
    Ok(())
}

pub(super) const MODES: Case =
    must("ASS-111", Profile::StateSync, "strong mode without a leader error, hybrid fall back and say so")
        .check(modes);

fn modes(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let replicas = Replicas::new(bench, 3, 1, Faults::none())?;
    let bench = replicas.bench;
    let op = json!({"type": "lww", "key": "k", "value": 1, "ts": 5});
    let ask = |mode: &str| json!({"node": 0, "op": op, "mode": mode});
    bench.call("sync.leader", json!({"leader": null}))?;
    let strong = bench.call("sync.apply", ask("strong"));
    let codes = [Code::Closed, Code::Timeout, Code::Overload, Code::InvalidArgument];
    refused(strong, &codes, "strong mode without a leader is an error")?;
    let before = bench.call("sync.read", json!({"node": 0, "key": "k"}))?["value"].clone();
    ensure(before.is_null(), "what was refused changes nothing", || format!("{before}"))?;
    let hybrid = bench.call("sync.apply", ask("hybrid"))?;
    let says = hybrid["fallback"] == true && hybrid["mode"] == "eventual";
    ensure(says, "hybrid without a leader falls back and says so", || format!("{hybrid}"))?;
    bench.call("sync.leader", json!({"leader": 1}))?;
    for mode in ["strong", "hybrid"] {
        let told = bench.call("sync.apply", ask(mode))?;
        ensure(told["fallback"] == false, "with a leader nothing falls back", || format!("{mode}: {told}"))?;
    }
    Ok(())
}
