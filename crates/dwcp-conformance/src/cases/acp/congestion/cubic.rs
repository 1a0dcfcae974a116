//! CUBIC's curve, its Reno-friendly region and its fast convergence.

use super::script::Script;
use crate::bench::{Bench, Line, Plot};
use crate::cases::entry::{must, should};
use crate::requirement::{Case, Profile};
use crate::sim::MS_NS;
use crate::stop::{Stop, ensure, fail};

const C: f64 = 0.4;
const BETA: f64 = 0.7;
const MSS: u32 = 1_200;

/// Seconds until the summit is reached again.
fn k(summit: f64, from: f64) -> f64 {
    libm::cbrt((summit - from) / C)
}

/// Acknowledges until a segment that was sent after the loss is: there the curve begins.
fn recover(script: &mut Script<'_, '_>) -> Result<u64, Stop> {
    script.send()?;
    let first = script.next_number();
    // In flight are at most as many as before the loss; the window lets none out until they are acknowledged.
    for _ in 0..10_000 {
        let acked = script.ack()?;
        script.send()?;
        if acked >= first {
            return Ok(script.now);
        }
    }
    Err(fail("a recovery ends", "10 000 acknowledgements and no segment after the loss"))
}

pub(super) const CURVE: Case =
    must("ACP-006", Profile::Congestion, "Window follows C(t-K)^3 + Wmax within 5 %; back at Wmax at K")
        .when("cubic")
        .source("RFC 9438 sec. 4.2")
        .check(curve);

fn curve(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("acp", "cubic")?;
    // So large a product that the Reno-friendly region does not come into it.
    let segments = bench.amount(200, 150);
    let mut script = Script::open(bench, "cubic", MSS, 100 * MS_NS)?;
    script.grow(segments)?;
    let summit = script.segments();
    script.lose()?;
    let k = k(summit, BETA * summit);
    let begin = recover(&mut script)?;
    let (mut seen, mut theory, mut at_k) = (Vec::new(), Vec::new(), None);
    loop {
        script.round()?;
        let t = (script.now - begin) as f64 / 1e9;
        let want = C * libm::pow(t - k, 3.0) + summit;
        seen.push((t, script.segments()));
        theory.push((t, want));
        if t >= k && at_k.is_none() {
            at_k = Some(script.segments());
        }
        if t > 2.0 * k {
            break;
        }
    }
    let worst = seen.iter().zip(&theory).map(|((_, a), (_, b))| (a / b - 1.0).abs()).fold(0.0, f64::max);
    let lines = vec![
        Line { name: "implementation".to_owned(), points: seen },
        Line { name: "C(t-K)^3 + Wmax".to_owned(), points: theory },
    ];
    let axes = ("time after the recovery in s".to_owned(), "window in segments".to_owned());
    bench.plot(Plot { title: "CUBIC after a loss".to_owned(), x: axes.0, y: axes.1, lines });
    ensure(worst <= 0.05, "the window follows C(t-K)^3 + Wmax within 5 %", || format!("off by {worst:.3}"))?;
    let back = at_k.unwrap_or(0.0) / summit;
    ensure((0.95..=1.05).contains(&back), "the window is back at Wmax at K", || format!("{back:.3} of Wmax"))
}

pub(super) const FRIENDLY: Case =
    must("ACP-007", Profile::Congestion, "Not below Reno estimate in the Reno-friendly region")
        .when("cubic")
        .source("RFC 9438 sec. 4.3")
        .check(friendly);

fn friendly(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("acp", "cubic")?;
    // A short round trip and a small window: Reno is the faster one.
    let mut script = Script::open(bench, "cubic", MSS, 10 * MS_NS)?;
    script.grow(30)?;
    let prior = script.segments();
    script.lose()?;
    recover(&mut script)?;
    let mut estimate = BETA * prior;
    for round in 1..=60 {
        script.round()?;
        // One RTT acknowledges one window: alpha segments, 1 once Wmax is passed.
        let alpha = if estimate >= prior { 1.0 } else { 3.0 * (1.0 - BETA) / (1.0 + BETA) };
        estimate += alpha;
        // One segment for the one under way, and 5 %: the estimate grows by acknowledged segments, not by rounds.
        let least = 0.95 * estimate - 1.0;
        ensure(script.segments() >= least, "the window is not below what Reno would have", || {
            format!("round {round}: {:.1} segments, Reno {estimate:.1}", script.segments())
        })?;
    }
    Ok(())
}

pub(super) const CONVERGENCE: Case =
    should("ACP-008", Profile::Congestion, "Fast convergence when a flow joins")
        .when("cubic")
        .source("RFC 9438 sec. 4.7")
        .check(convergence);

fn convergence(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("acp", "cubic")?;
    let mut script = Script::open(bench, "cubic", MSS, 100 * MS_NS)?;
    script.grow(bench_segments())?;
    script.lose()?;
    recover(&mut script)?;
    // A second loss below the first summit: another flow has taken its share.
    script.round()?;
    let second = script.segments();
    script.lose()?;
    let begin = recover(&mut script)?;
    // The plateau is lowered to (1 + beta) / 2 of the second summit and reached at its K.
    let plateau = second * (1.0 + BETA) / 2.0;
    let k = k(plateau, BETA * second);
    while ((script.now - begin) as f64) < k * 1e9 {
        script.round()?;
    }
    let seen = script.segments() / second;
    bench.note(format!(
        "at the lowered K the window is {seen:.3} of the second summit; 0.85 with, 0.99 without"
    ));
    ensure(seen <= 0.92, "a second, lower summit lowers the plateau", || {
        format!("{seen:.3} of the second summit after {k:.1} s, 0.85 expected")
    })
}

/// Large enough for the curve, small enough to be quick.
const fn bench_segments() -> u64 {
    150
}
