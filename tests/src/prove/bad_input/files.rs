//! What can be wrong with a pipeline file. `@` marks the place that the message must name, and is not written.

use super::bed::{Bed, Said, Trial, Tried};

/// A good file, from which bad ones are made by one change each.
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
services:
  users:
    run: [{sh: "exec sleep 5"}]
jobs:
  build:
    stage: make
    env: {A: b}
    dir: sub
    timeout: 90s
    run:
      - {sh: "true"}
    outputs: [size]
    artifacts: {api: out/api}
  test:
    stage: make
    needs: [build]
    retry: {attempts: 2}
    outputs: [x]
    run: [{cmd: ["true"]}]
  allow:
    stage: ship
    needs: [test]
    approval: {for: deploy, within: 1h, otherwise: reject}
  deploy:
    stage: ship
    needs: [build, allow]
    deploy:
      target: here
      version: {input: version}
      artifact: {from: build, output: api}
      env: {SIZE: big}
      instances: 2
      memory_limit: 64MiB
      probes: {ready: {http: /ready}}
      preview: [look]
      strategy: {blue_green: {steps: [5, 50, 100], pause: 1s, bake: 1s}}
      triggers:
        error_rate: {over: 1%, window: 10s, then: abort}
"#;

/// One change to the good file.
pub(super) struct Change {
    /// What is wrong.
    pub(super) name: &'static str,
    /// What is taken out of the good file.
    pub(super) from: &'static str,
    /// What is put there; `@` is the place that must be named.
    pub(super) to: &'static str,
    /// What the message must say.
    pub(super) says: &'static str,
}

const fn change(name: &'static str, from: &'static str, to: &'static str, says: &'static str) -> Change {
    Change { name, from, to, says }
}

/// All changes.
pub(super) const CHANGES: &[Change] = &[
    change("a key is missing", "stages: [make, ship]\n", "", "missing field `stages`"),
    change("a key of a job is missing", "    stage: make\n    env", "    env", "missing field `stage`"),
    change("an unknown key", "    timeout: 90s", "    @timeuot: 90s", "unknown field `timeuot`"),
    change("an unknown key at the top", "stages:", "@stage: x\nstages:", "unknown field `stage`"),
    change("a key is there twice", "    dir: sub", "    dir: sub\n    @dir: other", "duplicate"),
    change("a job is there twice", "  test:\n", "  @build:\n", "duplicate"),
    change("a list where a text belongs", "pipeline: shop", "pipeline: @[a]", "expected"),
    change("a text where a list belongs", "stages: [make, ship]", "stages: @make", "expected"),
    change("a text where a number belongs", "attempts: 2", "attempts: @two", "number"),
    change("a number below zero", "attempts: 2", "attempts: @-2", "whole number"),
    change(
        "a number too large for any machine",
        "attempts: 2",
        "attempts: @99999999999999999999999",
        "number",
    ),
    change("a number out of range", "attempts: 2", "attempts: @4000000", "out of range"),
    change("a boolean that is a word", "    dir: sub", "    tolerated: @maybe", "true or false is expected"),
    change("null where a text belongs", "    dir: sub", "    dir: @~", "a value is expected"),
    change("a cycle", "  build:\n", "  @build:\n    needs: [test]\n", "build -> test -> build"),
    change("a job needs itself", "    needs: [build]", "    needs: [@test]", "needs itself"),
    change("a job is needed twice", "    needs: [build]", "    needs: [build, @build]", "twice"),
    change("an unknown job", "    needs: [build]", "    needs: [@biuld]", "did you mean build"),
    change(
        "an unknown stage",
        "    stage: make\n    env",
        "    stage: @mkae\n    env",
        "there is no stage mkae",
    ),
    change("a stage is there twice", "[make, ship]", "[make, ship, @make]", "twice"),
    change("an unknown target", "target: here", "target: @there", "there is no target there"),
    change("an unknown class of target", "class: local", "class: @cloud", "cloud"),
    change("an unknown check", "preview: [look]", "preview: [@lok]", "there is no check lok"),
    change("an unknown input", "port: {input: port}}", "port: @{input: prot}}", "there is no input prot"),
    change("an unknown output", "outputs: [x]", "env: {S: @{output: build.weight}}", "build gives no"),
    change("an output of an unknown job", "outputs: [x]", "env: {S: @{output: biuld.size}}", "no job biuld"),
    change(
        "an output as a name of a revision",
        "{SIZE: big}",
        "{SIZE: @{output: build.size}}",
        "must be known",
    ),
    change("a secret as a name of a revision", "{SIZE: big}", "{SIZE: @{secret: KEY}}", "must be known"),
    change("an unknown artifact", "output: api}", "output: @ipa}", "ipa"),
    change("an output of a job that comes later", "env: {A: b}", "env: {A: {output: test.x}}", "test"),
    change(
        "a default that is not allowed",
        "default: \"1\", one_of",
        "default: \"3\", one_of",
        "one of: 1, 2",
    ),
    change("no time", "timeout: 90s", "timeout: @90", "is no time"),
    change("a time below zero", "timeout: 90s", "timeout: @-1s", "is no time"),
    change("a time of an age", "timeout: 90s", "timeout: @99999999d", "is no time"),
    change("no size", "memory_limit: 64MiB", "memory_limit: @64MB", "is no size"),
    change("no percentage", "over: 1%", "over: @1", "is no share"),
    change("more than all", "over: 1%", "over: @250%", "250%"),
    change("an empty window", "window: 10s", "window: @0s", "is no window"),
    change("a key that says nothing to its rule", "window: 10s", "failures: @3", "takes no failures"),
    change("an unknown action", "then: abort", "then: @explode", "explode"),
    change("a step over all", "[5, 50, 100]", "@[5, 50, 101]", "100"),
    change("steps that fall", "[5, 50, 100]", "@[50, 5, 100]", "steps"),
    change("steps that end before all", "[5, 50, 100]", "@[5, 50]", "100"),
    change("no steps", "[5, 50, 100]", "@[]", "step"),
    change("a digest that is none", "{from: build, output: api}", "{digest: @sha256:12}", "is no digest"),
    change("an artifact named twice", "{from: build, output: api}", "@{from: build}", "in one way"),
    change("an environment name of the runner", "env: {A: b}", "env: {@NOVA_RUN: b}", "reserved"),
    change("an environment name that is none", "env: {A: b}", "env: {@A-B: b}", "no name of a variable"),
    change("a folder outside", "dir: sub", "dir: @../..", "leads out"),
    change("an artifact outside", "api: out/api", "api: @../../key", "leads out"),
    change("an absolute artifact", "api: out/api", "api: @/etc/passwd", "leads out"),
    change("an output outside", "outputs: [size]", "outputs: [@../size]", "no name for an output"),
    change("a job named ..", "  test:\n", "  @'..':\n", "is no name for a job"),
    change("a job named by a path", "  test:\n", "  @a/b:\n", "is no name for a job"),
    change("a job with a turned name", "  test:\n", "  @\"te\u{202e}ts\":\n", "is no name for a job"),
    change("a job with a foreign letter", "  test:\n", "  @t\u{435}st:\n", "is no name for a job"),
    change("a target named by a path", "  here: {", "  @../here: {", "is no name for a target"),
    change("a stage named by a path", "[make, ship]", "[make, ship, @../x]", "is no name for a stage"),
    change("a pipeline without a name", "pipeline: shop", "pipeline: @''", "is no name for a pipeline"),
    change(
        "a job that is two things",
        "    retry: {attempts: 2}",
        "    approval: {for: deploy, within: 1h, otherwise: reject}",
        "exactly one of",
    ),
    change("a job that does nothing", "    run: [{cmd: [\"true\"]}]\n  allow", "  allow", "exactly one of"),
    change("a line that is two commands", "- {sh: \"true\"}", "- @{sh: a, cmd: [b]}", "one command"),
    change("a command of nothing", "- {sh: \"true\"}", "- @{cmd: []}", "one command"),
    change("an approval for no release", "{for: deploy,", "{for: @test,", "is no deploy job"),
    change("an answer that is none", "otherwise: reject}", "otherwise: @maybe}", "maybe"),
    change("a port that is none", "default: \"18999\"", "default: \"99999\"", "is no port"),
    change("a path of a probe that is none", "http: /ready", "http: @ready", "is no path"),
    change("a path of a probe with a blank", "http: /ready", "http: @'/re ady'", "is no path"),
    change("a probe of nothing", "{http: /ready}", "@{every: 1s}", "does not say what it tries"),
    change("a probe of two things", "http: /ready", "http: /ready, tcp: @true", "http and tcp are two"),
    change("a probe over TCP of a port", "http: /ready", "tcp: @8080", "tcp: 8080 is not true"),
    change("a service of a probe that is none", "http: /ready", "grpc: @'a b'", "is no service"),
    change("a command of a probe that is none", "http: /ready", "command: @[]", "names no program"),
    change("a probe of an unknown kind", "http: /ready", "@exec: [a]", "unknown field `exec`"),
    change("a grace of readiness", "http: /ready", "http: /ready, grace: @5s", "ready takes no grace"),
    change(
        "successes of liveness",
        "{ready: {http: /ready}}",
        "{ready: {tcp: true}, live: {tcp: true, successes: @2}}",
        "live takes no successes",
    ),
    change(
        "a grace that is too long",
        "{ready: {http: /ready}}",
        "{ready: {tcp: true}, live: {tcp: true, grace: @2h}}",
        "is too long",
    ),
    change("a tab", "    stage: make\n    env", "\t@stage: make\n    env", "tab"),
    change("an open bracket", "stages: [make, ship]", "stages: [make, ship", ""),
    change("an open quote", "pipeline: shop", "pipeline: \"shop", ""),
    change("an anchor and an alias", "env: {A: b}", "env: &a @{A: b}", "anchors and aliases are not taken"),
    change("two documents", "then: abort}\n", "then: abort}\n---\n@pipeline: shop\n", ""),
    change("a merge key", "env: {A: b}", "env: {@<<: {A: b}}", ""),
];

/// The changed file and the place that must be named.
fn made(change: &Change) -> Result<(String, Option<(usize, usize)>), String> {
    if GOOD.matches(change.from).count() != 1 {
        return Err(format!("{:?} must be in the good file once", change.from));
    }
    let marked = GOOD.replacen(change.from, change.to, 1);
    let place = marked.find('@').map(|at| {
        let before = &marked[..at];
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    });
    Ok((marked.replacen('@', "", 1), place))
}

/// Runs the changed file, and plans it: both must say the same and leave nothing.
///
/// # Errors
/// The programs do not end.
pub(super) fn try_change(bed: &Bed, change: &Change) -> Result<(Said, String), String> {
    let (text, place) = made(change)?;
    bed.write("bad.yaml", text)?;
    let planned = bed.say(bed.command("nova-pipeline").args(["plan", "bad.yaml"]))?;
    let mut said = bed.say(bed.command("nova-pipeline").args(["run", "bad.yaml", "--state-dir", "state"]))?;
    if planned.message != said.message || planned.code != said.code {
        said.left.push(format!("plan says something else: {}", planned.message));
    }
    let place =
        place.map_or_else(|| "bad.yaml:".to_owned(), |(line, column)| format!("bad.yaml:{line}:{column}: "));
    Ok((said, place))
}

/// The good file is good; otherwise no change would prove anything.
///
/// # Errors
/// It is not.
pub(super) fn good_file_is_good(bed: &Bed) -> Result<(), String> {
    bed.write("good.yaml", GOOD)?;
    let said = bed.say(bed.command("nova-pipeline").args(["plan", "good.yaml"]))?;
    if said.code == 0 { Ok(()) } else { Err(said.message) }
}

/// Runs a file of these bytes.
pub(super) fn bytes(bed: &Bed, bytes: impl AsRef<[u8]>) -> Trial {
    bed.write("bad.yaml", bytes)?;
    bed.say(bed.command("nova-pipeline").args(["run", "bad.yaml", "--state-dir", "state"])).map(Tried::Said)
}
