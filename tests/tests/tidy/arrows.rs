//! Who may import whom: the list of `docs/architecture.md`, read against `cargo metadata`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::purity::PURE;
use super::{none, root};

/// One package of ours imports another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Arrow {
    from: String,
    to: String,
    /// Only its tests and examples do.
    dev: bool,
}

/// The kind of a package, by the folder of its manifest.
fn kind(name: &str, manifest: &str) -> &'static str {
    let home = Path::new(manifest).ancestors().nth(2).and_then(Path::file_name);
    let below = |folder: &str| home.is_some_and(|home| home == folder);
    match name {
        "delivery-tests" | "delivery-corpus" => "tests",
        "runner" | "ports" | "simulation" => "shell",
        _ if name.starts_with("adapter-") => "adapter",
        _ if below("bins") => "bin",
        _ if below("examples") => "example",
        _ => "pure",
    }
}

fn is_pure(name: &str) -> bool {
    PURE.contains(&name)
}

/// The arrows of each pure crate.
const PURE_ARROWS: [(&str, &[&str]); 12] = [
    // Decision record 0007.
    ("run", &["pipeline-core", "release", "health", "promql", "machine"]),
    ("release", &["deploy-strategies", "health", "rollback", "machine"]),
    ("rollback", &["health", "machine"]),
    ("pipeline-core", &["machine"]),
    ("deploy-strategies", &["machine"]),
    ("health", &["machine"]),
    ("supervise", &["machine"]),
    ("machine", &[]),
    ("exposition", &[]),
    ("promql", &[]),
    // Decision record 0006.
    ("gate", &["health", "exposition", "promql", "machine"]),
    ("dwcp-conformance", &["exposition", "machine"]),
];

/// Whether the list has this arrow.
fn listed(arrow: &Arrow, kind: &str) -> bool {
    let to = arrow.to.as_str();
    let by_kind = match (kind, arrow.from.as_str()) {
        ("tests", _) => true,
        ("bin", _) => {
            let shell = ["runner", "simulation", "ports"].contains(&to);
            // Decision record 0002: bins share the library of nova-pipeline.
            is_pure(to) || shell || to.starts_with("adapter-") || to == "nova-pipeline"
        }
        ("adapter", "adapter-local") if ["adapter-process", "adapter-proxy"].contains(&to) => true,
        ("adapter", _) | ("shell", "runner" | "simulation") => is_pure(to) || to == "ports",
        ("shell", _) => is_pure(to),
        ("pure", from) => PURE_ARROWS.iter().any(|(known, targets)| *known == from && targets.contains(&to)),
        _ => false,
    };
    // Tests beside a crate may judge it by a pure crate, or drive it in the simulated world.
    by_kind || (arrow.dev && (is_pure(to) || to == "simulation"))
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]).current_dir(root());
    let output = command.output().expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// Arrows that are not listed, and how many there are in all.
fn judge(metadata: &Value) -> (Vec<String>, usize) {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let (mut unlisted, mut all) = (Vec::new(), 0);
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let (from, manifest) = (text(package, "name"), text(package, "manifest_path"));
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["path"].is_null() {
                continue;
            }
            let dev = dependency["kind"] == "dev";
            let arrow = Arrow { from: from.clone(), to: text(dependency, "name"), dev };
            all += 1;
            let kind = kind(&from, &manifest);
            if !listed(&arrow, kind) {
                let how = if dev { " (in its tests)" } else { "" };
                unlisted.push(format!("{from} ({kind}) -> {}{how}", arrow.to));
            }
        }
    }
    (unlisted, all)
}

#[test]
fn imports_run_one_way() {
    let (unlisted, all) = judge(&metadata());
    assert!(all > 40, "only {all} arrows were found");
    none("arrows that are not listed; a new one needs a decision record", &unlisted);
}

#[test]
fn a_new_arrow_is_seen() {
    for (from, folder, to, kind, good) in [
        ("machine", "crates", "run", Value::Null, false),
        ("health", "crates", "deploy-strategies", Value::Null, false),
        ("runner", "crates", "adapter-store", Value::Null, false),
        ("adapter-store", "crates", "adapter-local", Value::Null, false),
        ("adapter-store", "crates", "adapter-local", "dev".into(), false),
        ("ports", "crates", "runner", Value::Null, false),
        ("load", "examples", "runner", Value::Null, false),
        ("nova-pipeline", "bins", "nova-local", Value::Null, false),
        ("newcomer", "crates", "machine", Value::Null, false),
        ("adapter-local", "crates", "adapter-proxy", Value::Null, true),
        ("nova-replay", "bins", "nova-pipeline", Value::Null, true),
        ("load", "examples", "exposition", "dev".into(), true),
    ] {
        let package = serde_json::json!({"packages": [{
            "name": from,
            "manifest_path": format!("/x/{folder}/{from}/Cargo.toml"),
            "dependencies": [{"name": to, "path": "/x", "kind": kind}, {"name": "serde"}],
        }]});
        assert_eq!(judge(&package).0.is_empty(), good, "{from} -> {to}");
    }
}
