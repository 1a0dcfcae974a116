//! HDE-010, 012, 013, 014: how long frames are.

use super::{EVERY, How, case, encode, pair, real};
use crate::bench::{Bench, Better};
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::stop::{Stop, ensure};

pub(super) const CASES: &[Case] = &[
    case(
        "HDE-010",
        Level::Must,
        "Random data: frame \u{2264} len x 1.001 + 256 B",
        "RFC 8878 raw blocks",
        random,
    ),
    case(
        "HDE-012",
        Level::Should,
        "Ratio floors: zeros 100x, JSON/text 5x, half-zero mix 2x; report all, random \u{2265} 0.999",
        "hde_v3_test, dwcp/integration_test.go",
        floors,
    ),
    case(
        "HDE-013",
        Level::Should,
        "One 4 KiB block changed in 1 MiB: delta \u{2264} 2 blocks + 1 KiB",
        "dwcp/hde.go",
        one_block,
    ),
    case(
        "HDE-014",
        Level::Should,
        "Median size: higher tier \u{2264} 1.02 x lower tier",
        "tier meaning, SPEC 3.2",
        tiers,
    ),
];

fn random(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(24, 12) {
        let mut rng = bench.begin_round(round);
        let len = [1, 100, 4_096, 65_537, 500_000, 1 + rng.below(300_000)][round as usize % 6];
        let how = EVERY[rng.index(6)];
        let (sender, receiver) = pair(bench)?;
        let payload = Payload::of(Gen::Random, rng.next_u64(), len);
        let frame = encode(bench, sender, "k", how, &payload)?;
        real(bench, receiver, &frame, &payload)?;
        ensure(
            frame.len as f64 <= len as f64 * 1.001 + 256.0,
            "random data grow by at most 0.1 % and 256 bytes",
            || format!("{how:?}: {} bytes for {len}", frame.len),
        )?;
    }
    Ok(())
}

fn floors(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (sender, receiver) = pair(bench)?;
    let floors = [
        (Gen::Zeros, 100.0),
        (Gen::Json, 5.0),
        (Gen::Text, 5.0),
        (Gen::Mixed, 2.0),
        (Gen::VmPage, 0.0),
        (Gen::Random, 0.999),
    ];
    let mut missed = Vec::new();
    for (content, floor) in floors {
        let payload = Payload::of(content, bench.seed(), 1 << 20);
        let frame = encode(bench, sender, content.name(), How::Tier(3), &payload)?;
        real(bench, receiver, &frame, &payload)?;
        let ratio = (1 << 20) as f64 / frame.len.max(1) as f64;
        bench.measure(&format!("ratio of {}", content.name()), ratio, "x", Better::Higher);
        if ratio < floor {
            missed.push(format!("{} {ratio:.2} under {floor}", content.name()));
        }
    }
    ensure(missed.is_empty(), "1 MiB of each corpus shrinks at least as far as its floor", || {
        missed.join(", ")
    })
}

fn one_block(bench: &mut Bench<'_>) -> Result<(), Stop> {
    const BLOCK: u64 = 4_096;
    for round in bench.rounds(8, 3) {
        let mut rng = bench.begin_round(round);
        let (sender, receiver) = pair(bench)?;
        let seed = rng.next_u64();
        let at = BLOCK * rng.below(256);
        let part = |content, seed, skip, len| Payload::Made { content, seed, skip, len };
        let whole = Payload::of(Gen::VmPage, seed, 1 << 20);
        let first = encode(bench, sender, "vm", How::Default, &whole)?;
        real(bench, receiver, &first, &whole)?;
        let changed = Payload::Parts(vec![
            part(Gen::VmPage, seed, 0, at),
            part(Gen::Random, rng.next_u64(), 0, BLOCK),
            part(Gen::VmPage, seed, at + BLOCK, (1 << 20) - at - BLOCK),
        ]);
        let frame = encode(bench, sender, "vm", How::Default, &changed)?;
        if !first.coded.is_empty() {
            real(bench, receiver, &frame, &changed)?;
        }
        bench.measure("one block of 256 changed", frame.len as f64, "B", Better::Lower);
        ensure(
            frame.len <= 2 * BLOCK + 1_024,
            "one changed block of 1 MiB takes at most two blocks and 1 KiB",
            || format!("{} bytes for the block at {at}", frame.len),
        )?;
    }
    Ok(())
}

fn tiers(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (sender, receiver) = pair(bench)?;
    let mut medians = Vec::new();
    let each = bench.amount(4, 2);
    for tier in 1..=3_u8 {
        let mut sizes = Vec::new();
        for content in [Gen::Text, Gen::Json, Gen::VmPage, Gen::Mixed] {
            for n in 0..each {
                let payload = Payload::of(content, bench.seed() + n, 200_000);
                let key = format!("{tier} {} {n}", content.name());
                let frame = encode(bench, sender, &key, How::Tier(tier), &payload)?;
                real(bench, receiver, &frame, &payload)?;
                sizes.push(frame.len);
            }
        }
        sizes.sort_unstable();
        let median = (sizes[sizes.len() / 2] + sizes[(sizes.len() - 1) / 2]) as f64 / 2.0;
        bench.measure(&format!("median size at tier {tier}"), median, "B", Better::Lower);
        medians.push(median);
    }
    for (lower, pair) in medians.windows(2).enumerate() {
        ensure(
            pair[1] <= 1.02 * pair[0],
            "a higher tier is not larger than a lower one by more than 2 %",
            || format!("tier {}: {}, tier {}: {}", lower + 1, pair[0], lower + 2, pair[1]),
        )?;
    }
    Ok(())
}
