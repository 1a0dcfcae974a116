//! AMST-011, 012, 015: what is planned, and what is refused.

use serde_json::{Value, json};

use super::case;
use crate::bench::Bench;
use crate::fields::Fields;
use crate::protocol::Code;
use crate::requirement::{Case, Level};
use crate::stop::{Stop, ensure, fail, refused};

pub(super) const CASES: &[Case] = &[
    case(
        "AMST-011",
        Level::Must,
        "Mode bounds hold: internet 4-16, datacenter 16-256 (or 32-512 if declared)",
        "dwcp/v3/tests/amst_v3_test.go",
        bounds,
    ),
    case(
        "AMST-012",
        Level::Should,
        "Stream target matches the declared formula (k = 0.1 or 0.2) \u{b1}1 over a 50-point grid",
        "SPEC 3.1",
        formula,
    ),
    case(
        "AMST-015",
        Level::Must,
        "Impossible config (burst < chunk, max < min, initial outside) refused at validate",
        "dwcp/config_test.go",
        impossible,
    ),
];

/// Paths from a slow satellite to a fast rack: Mbit/s, ms.
const BANDWIDTHS: [f64; 10] = [1.0, 5.0, 10.0, 50.0, 100.0, 400.0, 1_000.0, 2_500.0, 10_000.0, 40_000.0];
const LATENCIES: [f64; 5] = [0.5, 5.0, 20.0, 80.0, 300.0];

fn bounds(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let declared =
        bench.hello().limit("amst.datacenter_streams").cloned().unwrap_or_else(|| json!([16, 256]));
    let datacenter = if declared == json!([32, 512]) { (32, 512) } else { (16, 256) };
    for (mode, (min, max)) in [("internet", (4, 16)), ("datacenter", datacenter)] {
        for bandwidth in BANDWIDTHS {
            for latency in LATENCIES {
                let params = json!({"mode": mode, "bandwidth_mbps": bandwidth, "latency_ms": latency});
                let streams = bench.call("amst.target", params)?.whole("streams")?;
                ensure(
                    (min..=max).contains(&streams),
                    "the stream target keeps to the bounds of its mode",
                    || format!("{mode}, {bandwidth} Mbit/s, {latency} ms: {streams} streams"),
                )?;
            }
        }
    }
    Ok(())
}

fn formula(bench: &mut Bench<'_>) -> Result<(), Stop> {
    const BOUNDS: (f64, f64) = (1.0, 256.0);
    let k = bench.hello().number("amst.k").unwrap_or_default();
    let known = [0.1, 0.2].iter().any(|one| (one - k).abs() < 1e-9);
    ensure(known, "limits.amst.k is 0.1 or 0.2", || k.to_string())?;
    for bandwidth in BANDWIDTHS {
        for latency in LATENCIES {
            let params = json!({"min_streams": 1, "max_streams": 256, "bandwidth_mbps": bandwidth, "latency_ms": latency});
            let streams = bench.call("amst.target", params)?.real("streams")?;
            let expected = (bandwidth / (latency * k)).clamp(BOUNDS.0, BOUNDS.1);
            ensure(
                (streams - expected).abs() <= 1.0,
                "the stream target is that of the formula, give or take one",
                || format!("{bandwidth} Mbit/s, {latency} ms: {streams} for {expected:.2}"),
            )?;
        }
    }
    Ok(())
}

fn impossible(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let config = |min: u64, max: u64, initial: u64, chunk: u64, burst: u64| json!({"min_streams": min, "max_streams": max, "initial_streams": initial, "chunk": chunk, "burst": burst});
    let ask = |config: Value| json!({"component": "amst", "config": config});
    for good in [
        config(2, 16, 4, 65_536, 131_072),
        config(4, 4, 4, 65_536, 65_536),
        config(1, 16, 16, 16_384, 262_144),
    ] {
        bench.call("config.validate", ask(good.clone())).map_err(Stop::from).map_err(|stop| match stop {
            Stop::Fail { seen, .. } => fail("a possible config is taken", format!("{good}: {seen}")),
            other => other,
        })?;
    }
    let bad = [
        config(2, 16, 4, 65_536, 65_535),
        config(2, 16, 4, 65_536, 0),
        config(16, 2, 4, 65_536, 131_072),
        config(5, 4, 5, 65_536, 131_072),
        config(2, 16, 1, 65_536, 131_072),
        config(2, 16, 17, 65_536, 131_072),
        config(0, 0, 0, 65_536, 131_072),
    ];
    for config in bad {
        let answer = bench.call("config.validate", ask(config.clone()));
        refused(answer, &[Code::InvalidArgument], "an impossible config is an invalid argument").map_err(
            |stop| match stop {
                Stop::Fail { what, seen } => Stop::Fail { what, seen: format!("{config}: {seen}") },
                other => other,
            },
        )?;
    }
    Ok(())
}
