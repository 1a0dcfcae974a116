//! The pipeline file: a good one is read, and each bad one is told with its line, column and mend.
//!
//! One change is made to a good file; `@` marks the place that must be named.

use std::collections::BTreeMap;

use proptest::prelude::*;
use run::{Definition, MAX_FILE_BYTES, Only, Pick, Problems, Source, read};

const GOOD: &str = r#"pipeline: shop
inputs:
  version: {default: "1", one_of: ["1", "2"]}
  port: {default: "18999"}
stages: [make, ship]
targets:
  here: {class: local, port: {input: port}}
checks:
  look:
    run: [{cmd: ["true"]}]
jobs:
  build:
    stage: make
    env: {A: b}
    run: [{sh: "true"}]
    outputs: [size]
    artifacts: {api: out/api}
  test:
    stage: make
    needs: [build]
    run: [{cmd: ["true"]}]
  allow:
    stage: ship
    needs: [test]
    approval: {for: deploy, within: 1h, otherwise: reject, answer: approve}
  deploy:
    stage: ship
    needs: [build, allow]
    deploy:
      target: here
      version: {input: version}
      artifact: {from: build, output: api}
      probes: {ready: {http: /ready}}
      memory_limit: 64MiB
      preview: [look]
      strategy: {blue_green: {steps: [5, 100]}}
"#;

/// What lies beside the file: alerts that guard.
const ALERTS: &str = "groups:
- name: g
  rules:
  - alert: HighErrorRate
    expr: up == 0
    labels: {severity: page}
";

fn read_text(text: &[u8], set: &[(&str, &str)], only: Option<Only<'_>>) -> Result<Definition, Problems> {
    let set: BTreeMap<String, String> =
        set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let beside = &|name: &str| match name {
        "alerts.yml" => Ok(ALERTS.to_owned()),
        "recorded.yml" => Ok("groups: [{name: g, rules: [{record: a, expr: up}]}]".to_owned()),
        _ => Err("there is no such file".to_owned()),
    };
    read(&Source {
        file: "p.yaml",
        folder: "/x",
        text,
        set: &set,
        run: "r",
        by: "me",
        workers: 2,
        only,
        beside,
    })
}

/// Makes one change and asserts on place and message.
fn refused(from: &str, to: &str, says: &str) {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    let marked = GOOD.replacen(from, to, 1);
    let at = marked.find('@');
    let problems = read_text(marked.replacen('@', "", 1).as_bytes(), &[], None).expect_err(to);
    let all = problems.to_string();
    assert!(all.contains(says), "{to}: {all}");
    assert!(problems.0.iter().all(|problem| !problem.mend.is_empty()), "{all}");
    if let Some(at) = at {
        let line = marked[..at].matches('\n').count() as u64 + 1;
        let column = (at - marked[..at].rfind('\n').map_or(0, |found| found + 1)) as u64 + 1;
        let named = problems.0.iter().any(|problem| (problem.line, problem.column) == (line, column));
        assert!(named, "{to} is at {line}:{column}: {all}");
    }
}

#[test]
fn a_good_file_is_read_and_filled_in() {
    let definition = read_text(GOOD.as_bytes(), &[("version", "2")], None).expect("it is good");
    assert_eq!((definition.name.as_str(), definition.plan.jobs().len()), ("shop", 4));
    assert_eq!(definition.release("deploy").map(|spec| spec.workload.version.as_str()), Some("2"));
    assert_eq!(definition.targets.values().map(|target| target.port).collect::<Vec<_>>(), [18_999]);
}

#[test]
fn what_a_file_leaves_out_has_the_defaults_of_the_design() {
    let definition = read_text(GOOD.as_bytes(), &[], None).expect("it is good");
    let spec = definition.release("deploy").expect("there");
    // The bake keeps five percent on stable, as the tests judge.
    let steps = |text: &str| {
        let definition = read_text(text.as_bytes(), &[], None).expect("it is good");
        let plan = definition.release("deploy").expect("there").setup.plan.clone();
        (plan.steps().iter().map(|step| (step.percent, step.pause_ms)).collect::<Vec<_>>(), plan.bake_ms())
    };
    assert_eq!(spec.lease_ms, 120_000);
    assert_eq!(steps(GOOD), (vec![(5, 300_000), (95, 900_000), (100, 0)], 0));
    let whole = (vec![(5, 300_000), (100, 300_000)], 900_000);
    assert_eq!(steps(&GOOD.replace("[5, 100]", "[5, 100], hold_back: 0%")), whole);
    assert_eq!(steps(&GOOD.replace("strategy: {", "judge: literal\n      strategy: {")), whole);
}

#[test]
fn what_cannot_be_held_back_is_told_where_it_stands() {
    refused("[5, 100]", "[5, 60, 100], hold_back: @50%", "leaves less than 50 percent");
    refused("[5, 100]", "[5, 100], hold_back: @2.5%", "2.5% cannot be held back");
    refused("[5, 100]", "[5, 100], hold_back: @much", "no share");
}

#[test]
fn a_reference_to_nothing_is_told_where_it_stands() {
    refused("needs: [build]\n    run", "needs: [@biuld]\n    run", "did you mean build");
    refused("output: api", "output: @ipa", "build gives no \"ipa\"");
    refused("from: build", "from: @biuld", "no job biuld");
    refused("env: {A: b}", "env: {A: @{output: test.x}}", "test gives no");
    refused("env: {A: b}", "env: {A: @{input: x}}", "there is no input x");
    refused("target: here", "target: @there", "there is no target there");
    refused("preview: [look]", "preview: [@lok]", "there is no check lok");
    refused("pipeline: shop", "require: [@x]\npipeline: shop", "there is no job x");
}

#[test]
fn a_cycle_is_told_the_shortest_way() {
    refused("  build:\n", "  @build:\n    needs: [allow, test]\n", "build -> test -> build");
    refused("    needs: [test]", "    needs: [@allow, test]", "needs itself");
}

#[test]
fn a_key_without_a_value_is_a_slip() {
    refused("    outputs: [size]", "    timeout: @~", "a value is expected");
    refused("    outputs: [size]", "    retry: {attempts: @two}", "whole number");
    refused("    outputs: [size]", "    tolerated: @perhaps", "true or false");
}

#[test]
fn names_that_could_lead_elsewhere_are_refused() {
    for name in ["'..'", "a/b", "\"a\\u202eb\"", "\u{430}", "'-a'", "''", "'a b'"] {
        refused("  test:\n", &format!("  @{name}:\n"), "is no name for a job");
    }
    refused("[make, ship]", "[make, ship, @'../x']", "is no name for a stage");
    refused("outputs: [size]", "outputs: [@'../x']", "is no name for an output");
    refused("api: out/api", "api: @../api", "leads out");
    refused("pipeline: shop", "pipeline: @''", "is no name for a pipeline");
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let bad = GOOD.replace("class: local", "class: cloud").replace("64MiB", "64MB").replace("look]", "lok]");
    let problems = read_text(bad.as_bytes(), &[], None).expect_err("four are wrong");
    assert_eq!(problems.0.iter().map(|p| p.line).collect::<Vec<_>>(), [7, 25, 34, 35], "{problems}");
}

#[test]
fn an_answer_in_the_file_is_for_a_local_target_only() {
    refused("class: local", "class: @cloud", "an answer in the file is for a target of class local only");
}

#[test]
fn inputs_are_checked() {
    for (set, says) in
        [(("version", "3"), "one of: 1, 2"), (("color", "red"), "no input"), (("port", "0"), "no port")]
    {
        let problems = read_text(GOOD.as_bytes(), &[set], None).expect_err(says);
        assert!(problems.to_string().contains(says), "{problems}");
    }
}

#[test]
fn one_stage_alone_needs_what_came_before() {
    let none = BTreeMap::new();
    let only = |stage, finished| Only { pick: Pick::Stage(stage), from: "r-0", finished };
    let problems = read_text(GOOD.as_bytes(), &[], Some(only("ship", &none))).expect_err("nothing is built");
    assert!(problems.to_string().contains("needs build, test, which run r-0 did not finish"), "{problems}");
    let outputs = BTreeMap::from([("api".to_owned(), format!("sha256:{}", "0".repeat(64)))]);
    let finished = BTreeMap::from([("build".to_owned(), outputs), ("test".to_owned(), BTreeMap::new())]);
    let definition = read_text(GOOD.as_bytes(), &[], Some(only("ship", &finished))).expect("all is there");
    assert_eq!(definition.plan.jobs().iter().filter(|job| job.reused.is_some()).count(), 2);
}

#[test]
fn yaml_that_would_grow_or_hide_is_refused() {
    refused("env: {A: b}", "env: &a @{A: b}", "anchors and aliases are not taken");
    refused("env: {A: b}", "env: {<<: {A: b}}", "");
    let deep = "[".repeat(10_000);
    let large = vec![b'#'; MAX_FILE_BYTES + 1];
    for bad in [b"a\0b".as_slice(), b"pipeline: \xff", b"", b"- a", deep.as_bytes(), &large] {
        assert!(read_text(bad, &[], None).is_err());
    }
}

proptest! {
    #[test]
    fn a_good_file_with_bytes_changed_is_read_or_refused_with_a_place(
        changes in prop::collection::vec((0..GOOD.len(), any::<u8>()), 1..4)
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        if let Err(problems) = read_text(&bytes, &[], None) {
            prop_assert!(!problems.0.is_empty());
            prop_assert!(problems.0.iter().all(|p| p.line >= 1 && p.column >= 1 && !p.mend.is_empty()));
        }
    }
}

#[test]
fn who_judges_is_said_or_the_tests_do() {
    let tests = |text: &str| {
        let read = read_text(text.as_bytes(), &[], None).unwrap();
        read.release("deploy").unwrap().rules.tests
    };
    let default = tests(GOOD).unwrap();
    assert_eq!(default.alpha_ppm, 10_000);
    assert!(default.error_rate && default.response_time && default.server_errors);
    let with = |lines: &str| {
        GOOD.replace("      memory_limit: 64MiB\n", &format!("      memory_limit: 64MiB\n{lines}"))
    };
    assert_eq!(tests(&with("      judge: literal\n")), None);
    assert_eq!(tests(&with("      alpha: 0.5%\n")).unwrap().alpha_ppm, 5_000);
    let written =
        tests(&with("      triggers: {error_rate: {over: 2%}, response_time: {then: abort}}\n")).unwrap();
    assert!(
        !written.error_rate && written.response_time,
        "limits that are written are meant, an action is no limit"
    );

    refused(
        "memory_limit: 64MiB",
        "memory_limit: 64MiB\n      judge: @magic",
        "the judge magic is not known",
    );
    refused("memory_limit: 64MiB", "memory_limit: 64MiB\n      alpha: @0%", "promises nothing");
    refused(
        "memory_limit: 64MiB",
        "memory_limit: 64MiB\n      judge: literal\n      alpha: @1%",
        "alpha is the promise of the sequential tests",
    );
}

/// The good file with `silences:` of these keys.
fn silenced(keys: &str) -> String {
    format!("memory_limit: 64MiB\n      silences: {{{keys}}}")
}

#[test]
fn alerts_are_kept_quiet_with_an_end_and_never_those_that_guard() {
    let spec = |keys: &str| {
        let text = GOOD.replace("memory_limit: 64MiB", &silenced(keys));
        let read = read_text(text.as_bytes(), &[], None).unwrap_or_else(|problems| panic!("{problems}"));
        read.release("deploy").expect("there").silences.clone().expect("written")
    };
    let whole = spec(
        r#"alertmanager: "http://am:9093/a/", alerts: ['alertname="Slow", severity="info"'], guards: alerts.yml,
           for: 90m, comment: {input: version}"#,
    );
    assert_eq!(whole.alertmanager.to_string(), "http://am:9093/a");
    assert_eq!(whole.alerts, [r#"alertname="Slow", severity="info""#]);
    assert_eq!(whole.guards.len(), 1);
    assert_eq!(whole.guards[0].get("severity").map(String::as_str), Some("page"));
    assert_eq!((whole.lasts_ms, whole.comment.as_deref()), (5_400_000, Some("1")));
    // A pause, the bake on the last step but one, twice the progress deadline, one phase of checks.
    let least = spec(r#"alertmanager: "http://am", alerts: ['alertname="Slow"'], guards: [Down]"#);
    assert_eq!((least.alertmanager.address.as_str(), least.alertmanager.path.as_str()), ("am:80", ""));
    assert_eq!(least.lasts_ms, 300_000 + 900_000 + 2 * 600_000 + 300_000);
    assert!(
        read_text(GOOD.as_bytes(), &[], None).expect("good").release("deploy").unwrap().silences.is_none()
    );
}

#[test]
fn a_silence_that_cannot_be_meant_is_told_where_it_stands() {
    let refused = |keys: &str, says: &str| refused("memory_limit: 64MiB", &silenced(keys), says);
    let at = r#"alertmanager: "http://am:9093""#;
    let slow = r#"alerts: ['alertname="Slow"']"#;
    for (alert, says) in [
        (r#"@'alertname="HighErrorRate"'"#, "could keep HighErrorRate quiet, which guards the rollout"),
        (r#"@'alertname=~"High.*"'"#, "could keep HighErrorRate quiet"),
        (r#"@'service="api"'"#, "could keep HighErrorRate quiet"),
        (r#"'alertname="Slow"', @'severity="page"'"#, "could keep HighErrorRate quiet"),
        (r"@'alertname=Slow'", "says of no alert what it is"),
        (r#"@'alertname=~"("'"#, "says of no alert what it is"),
        (r#"@'alertname!="Slow"'"#, "a matcher that does not match the empty text"),
        (r#"@'up{a="b"}'"#, "says of no alert what it is"),
    ] {
        refused(&format!("{at}, alerts: [{alert}], guards: alerts.yml"), says);
    }
    refused(&format!("{at}, alerts: @[], guards: alerts.yml"), "0 alerts to keep quiet");
    refused(&format!("{at}, {slow}, guards: [@' ']"), "is no name of an alert");
    refused(&format!("{at}, {slow}, guards: [Down, @Slow]").replace('@', ""), "could keep Slow quiet");
    refused(&format!("{at}, {slow}, guards: @gone.yml"), "gone.yml: there is no such file");
    refused(&format!("{at}, {slow}, guards: @recorded.yml"), "recorded.yml has no alert");
    refused(&format!("{at}, {slow}, guards: alerts.yml, for: @25h"), "does not last 25h");
    refused(&format!("{at}, {slow}, guards: alerts.yml, for: @0s"), "does not last 0s");
    refused(&format!("{at}, {slow}, guards: alerts.yml, comment: @' '"), "the comment is empty");
    refused(&format!("{at}, {slow}"), "missing field `guards`");
    for url in ["https://am", "am:9093", "http://am:99999", "http://am/?a=b"] {
        refused(&format!("alertmanager: @{url:?}, {slow}, guards: alerts.yml"), "am");
    }
}
