//! What is refused before it becomes desired state: specifications and keys out of their limits.

use crate::{Action, Probe, RevisionSpec};

const SPEC_BYTES_MAX: usize = 8 * 1024;
const KEY_BYTES_MAX: usize = 200;
const INSTANCES_MAX: u32 = 16;
const PROBE_EVERY_MIN_MS: u64 = 10;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// Names that the target itself gives to instances.
const OWN_NAMES: [&str; 5] = ["PORT", "NOVA_REVISION", "NOVA_VERSION", "NOVA_SLOT", "NOVA_INSTANCE"];

/// Why an idempotency key is refused.
pub(crate) fn refusal_of_key(key: &str) -> Option<String> {
    (key.is_empty() || key.len() > KEY_BYTES_MAX)
        .then(|| format!("a key has 1 to {KEY_BYTES_MAX} bytes, not {}", key.len()))
}

/// Why a specification is refused.
pub(crate) fn refusal_of_spec(spec: &RevisionSpec) -> Option<String> {
    let bytes = serde_json::to_vec(spec).map_or(usize::MAX, |bytes| bytes.len());
    if bytes > SPEC_BYTES_MAX {
        return Some(format!("a specification has at most {SPEC_BYTES_MAX} bytes as JSON, not {bytes}"));
    }
    let digest = spec.artifact.strip_prefix("sha256:").unwrap_or_default();
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digest.len() != 64 || !digest.bytes().all(hex) {
        return Some(format!("artifact `{}` is not sha256: and 64 hexadecimal digits", spec.artifact));
    }
    if !spec.source.starts_with('/') {
        return Some(format!("source `{}` is not an absolute path", spec.source));
    }
    if spec.instances == 0 || spec.instances > INSTANCES_MAX {
        return Some(format!("a revision has 1 to {INSTANCES_MAX} instances, not {}", spec.instances));
    }
    if spec.drain_max_ms > HOUR_MS {
        return Some(format!("a drain takes at most {HOUR_MS} ms, not {}", spec.drain_max_ms));
    }
    let probes = refusal_of_probe("ready", &spec.probes.ready);
    let live = spec.probes.live.as_ref().and_then(|live| refusal_of_probe("live", live));
    probes.or(live).or_else(|| refusal_of_environment(spec))
}

fn refusal_of_probe(which: &str, probe: &Probe) -> Option<String> {
    if let Some(why) = refusal_of_action(&probe.action) {
        return Some(format!("{which}: {why}"));
    }
    let times = PROBE_EVERY_MIN_MS..=HOUR_MS;
    if !times.contains(&probe.every_ms) || probe.timeout_ms == 0 || probe.timeout_ms > HOUR_MS {
        return Some(format!("{which}: every is {PROBE_EVERY_MIN_MS} ms to 1 h and the timeout 1 ms to 1 h"));
    }
    if probe.grace_ms > HOUR_MS {
        return Some(format!("{which}: the grace is at most 1 h"));
    }
    if which == "live" && probe.successes != 1 {
        return Some(format!("{which}: one success shows that it lives"));
    }
    (probe.failures == 0 || probe.successes == 0)
        .then(|| format!("{which}: at least one failure and one success must be needed"))
}

fn refusal_of_action(action: &Action) -> Option<String> {
    match action {
        Action::Http(path) => {
            let visible = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
            (!visible).then(|| format!("path `{}` must begin with / and hold no blank", path.escape_debug()))
        }
        Action::Tcp => None,
        Action::Grpc(service) => {
            let held = service.chars().any(char::is_control);
            held.then(|| format!("service `{}` holds a control character", service.escape_debug()))
        }
        Action::Command(argv) => {
            let good = argv.first().is_some_and(|program| !program.is_empty());
            (!good || argv.iter().any(|arg| arg.contains('\0')))
                .then(|| "a command names a program, and holds no NUL byte".to_owned())
        }
    }
}

fn refusal_of_environment(spec: &RevisionSpec) -> Option<String> {
    for (name, value) in &spec.env {
        if OWN_NAMES.contains(&name.as_str()) {
            return Some(format!("env: {name} is given by the target"));
        }
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Some(format!("env: `{}` is not a variable", name.escape_debug()));
        }
    }
    spec.args.iter().any(|arg| arg.contains('\0')).then(|| "args: an argument holds a NUL byte".to_owned())
}
