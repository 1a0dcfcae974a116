//! The probes of a deploy job: each kind is read, and each that cannot be tried is told with its place and mend.

use std::collections::BTreeMap;

use run::{Probe, ProbeAction, ProbeSet, Problem, Source, read};

/// `PROBES` is replaced.
const FILE: &str = "pipeline: shop
stages: [ship]
targets:
  here: {class: local, port: 18999}
jobs:
  deploy:
    stage: ship
    deploy:
      target: here
      version: 1
      artifact: {digest: sha256:0000000000000000000000000000000000000000000000000000000000000000}
      probes:
        PROBES
      strategy: {blue_green: {steps: [100]}}
";

fn probes(text: &str) -> Result<ProbeSet, Vec<Problem>> {
    let text = FILE.replace("PROBES", text);
    let source = Source {
        file: "p.yaml",
        folder: "/x",
        text: text.as_bytes(),
        set: &BTreeMap::new(),
        run: "r",
        by: "me",
        workers: 2,
        only: None,
        beside: &|_| Err("there is no such file".to_owned()),
    };
    let definition = read(&source).map_err(|problems| problems.0)?;
    Ok(definition.release("deploy").unwrap().workload.probes.clone())
}

#[test]
fn each_kind_is_read_with_the_numbers_of_kubernetes_where_nothing_is_said() {
    let plain = |action| Probe {
        action,
        every_ms: 10_000,
        timeout_ms: 1_000,
        failures: 3,
        successes: 1,
        grace_ms: 0,
    };
    for (written, action) in [
        ("http: /health/ready?deep=1", ProbeAction::Http("/health/ready?deep=1".into())),
        ("tcp: true", ProbeAction::Tcp),
        ("tcp: {}", ProbeAction::Tcp),
        ("grpc: ''", ProbeAction::Grpc(String::new())),
        ("grpc: novacron.v1.Api", ProbeAction::Grpc("novacron.v1.Api".into())),
        ("command: [pg_isready, -q]", ProbeAction::Command(vec!["pg_isready".into(), "-q".into()])),
    ] {
        let read = probes(&format!("ready: {{{written}}}\n        live: {{{written}}}")).unwrap();
        assert_eq!(read, ProbeSet { ready: plain(action.clone()), live: Some(plain(action)) }, "{written}");
    }
}

#[test]
fn every_number_is_read() {
    let text = "ready: {tcp: true, every: 250ms, timeout: 2s, failures: 5, successes: 2}
        live: {grpc: api, every: 1m, grace: 1h}";
    let read = probes(text).unwrap();
    let ready = Probe {
        action: ProbeAction::Tcp,
        every_ms: 250,
        timeout_ms: 2_000,
        failures: 5,
        successes: 2,
        grace_ms: 0,
    };
    assert_eq!(read.ready, ready);
    let live = read.live.unwrap();
    assert_eq!((live.every_ms, live.grace_ms, live.failures), (60_000, 3_600_000, 3));
}

/// `@` marks the place that must be named.
#[test]
fn what_cannot_be_tried_is_told_where_it_stands_with_a_mend() {
    for (text, says, mend) in [
        ("ready: @{every: 1s}", "does not say what it tries", "one of http: /PATH, tcp: true"),
        ("ready: {http: /a, tcp: @true}", "http and tcp are two", "a command can try several"),
        ("ready: {grpc: '', every: 1s, http: @/a}", "grpc and http are two", "one of"),
        ("ready: {command: [a], grpc: @'', tcp: {}}", "command and grpc are two", "one of"),
        ("ready: {http: @ready}", "is no path", "begins with /"),
        ("ready: {http: @'/a b'}", "is no path", "no blank"),
        ("ready: {tcp: @false}", "tcp: false is not true", "tcp: true"),
        ("ready: {tcp: @8080}", "tcp: 8080 is not true", "tcp: true"),
        ("ready: {tcp: @'127.0.0.1:80'}", "the port is that of the instance", ""),
        ("ready: {tcp: @{port: 8080}}", "tcp: {port: ...} is not true", "tcp: true"),
        ("ready: {grpc: @'a b'}", "is no service", ".proto"),
        ("ready: {grpc: @[a]}", "text is expected", ""),
        ("ready: {command: @[]}", "names no program", "[PROGRAM, ARGUMENT, ...]"),
        ("ready: {command: @['']}", "names no program", ""),
        ("ready: {command: @true}", "list is expected", ""),
        ("ready: {tcp: true, successes: @0}", "out of range", "1 to 1000"),
        ("ready: {tcp: true, grace: @5s}", "ready takes no grace", "at live"),
        (
            "ready: {tcp: true}\n        live: {tcp: true, successes: @1}",
            "live takes no successes",
            "at ready",
        ),
        ("ready: {tcp: true}\n        live: {tcp: true, grace: @2h}", "too long", "at most 1h"),
        ("ready: {tcp: true}\n        live: {tcp: true, grace: @soon}", "is no time", ""),
        ("ready: {tcp: true}\n        live: @{failures: 3}", "does not say what it tries", ""),
        ("ready: {@exec: [a]}", "unknown field `exec`", "names that are listed"),
    ] {
        let marked = FILE.replace("PROBES", text);
        let before = marked.split('@').next().unwrap();
        let line = before.matches('\n').count() as u64 + 1;
        let column = before.rsplit('\n').next().unwrap().chars().count() as u64 + 1;
        let problems = probes(&text.replacen('@', "", 1)).expect_err(text);
        let [problem] = problems.as_slice() else { panic!("{text}: {problems:?}") };
        assert!(problem.message.contains(says) && problem.mend.contains(mend), "{text}: {problem:?}");
        assert_eq!((problem.line, problem.column), (line, column), "{text}: {problem:?}");
        assert!(!problem.mend.is_empty());
    }
}
