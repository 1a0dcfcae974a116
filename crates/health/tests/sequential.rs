//! Laws of the sequential tests: fair under the null at every moment, equal after a restore, never NaN, and right about
//! who is to blame.

mod chance;

use health::sequential::table::ln_e;
use health::sequential::{
    Blame, Counters, Counts, Dispersion, Edges, Engine, Explanation, Finding, Metric, Pair, Plan, Reading,
    Recorded, Seen, Sequential, Sight, SloTest, SplitTest, svg,
};
use health::{Arm, Finite, Judge, Latency, Sample, Verdict};
use machine::Timestamp;
use proptest::prelude::*;

use chance::Chance;

impl Chance {
    fn hits(&mut self, tries: u64, rate: f64) -> u64 {
        (0..tries).filter(|_| self.unit() < rate).count() as u64
    }
}

fn at(scrape: u64) -> Timestamp {
    Timestamp::from_millis(15_000 * scrape)
}

fn counts(requests: u64, bad: u64) -> Counts {
    Counts { requests, bad }
}

/// Mean of the final capital and the share of runs in which it ever passed 1/alpha.
fn simulated(runs: u64, alpha: f64, mut run: impl FnMut(&mut Chance) -> Vec<f64>) -> (f64, f64) {
    let (mut mean, mut passed) = (0.0, 0.0);
    for seed in 0..runs {
        let way = run(&mut Chance(seed));
        mean += way.last().copied().unwrap_or(0.0).exp();
        passed += f64::from(u8::from(way.iter().any(|ln| *ln >= -alpha.ln())));
    }
    (mean / runs as f64, passed / runs as f64)
}

#[test]
fn the_split_is_fair_at_the_edge_of_its_null() {
    // The canary is exactly at the tolerance: the worst case that is still allowed.
    let (mean, passed) = simulated(3_000, 0.05, |chance| {
        let mut test = SplitTest::new(1.25, 40, Dispersion::Poisson);
        let mut way = vec![];
        for n in 0..40 {
            let pair = Pair {
                canary: counts(40, chance.hits(40, 0.025)),
                stable: counts(60, chance.hits(60, 0.02)),
            };
            test.observe(at(n), at(n + 1), &pair);
            way.push(test.evidence().ln());
        }
        way
    });
    assert!(mean < 1.15, "{mean}");
    assert!(passed <= 0.05, "{passed}");
}

/// Every way in which the bad events of these scrapes may split, with its chance at a ratio of the rates, and whether the
/// amount of 20 was ever reached: by what decides, and by the evidence alone.
fn every_way(bad: &[u64], ratio: f64, tolerance: f64) -> (f64, f64) {
    let on_canary = ratio * 0.2 / (ratio * 0.2 + 0.8);
    let choose = |n: u64, k: u64| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
    let decides = -0.05_f64.ln();
    let start = SplitTest::new(tolerance, bad.len() as u32, Dispersion::Poisson).enough_at(decides);
    let mut ways = vec![(1.0, start, [false; 2])];
    for (n, bad) in (0..).zip(bad) {
        let mut next = vec![];
        for (chance, test, reached) in &ways {
            for k in 0..=*bad {
                let mut test = test.clone();
                test.observe(
                    at(n),
                    at(n + 1),
                    &Pair { canary: counts(200, k), stable: counts(800, bad - k) },
                );
                let chance = chance
                    * choose(*bad, k)
                    * on_canary.powi(k as i32)
                    * (1.0 - on_canary).powi((bad - k) as i32);
                let now = [test.deciding(), test.evidence()].map(|e| e.ln() >= decides);
                next.push((chance, test, [reached[0] || now[0], reached[1] || now[1]]));
            }
        }
        ways = next;
    }
    let reached = |which: usize| ways.iter().filter(|way| way.2[which]).map(|way| way.0).sum::<f64>();
    (reached(0), reached(1))
}

#[test]
fn what_decides_keeps_the_promise_over_all_ways_and_wastes_less_of_it() {
    for bad in [&[1, 0, 2, 3, 1, 2][..], &[4, 4, 4, 4], &[0, 7, 6, 1], &[12, 9]] {
        let (decided, evident) = every_way(bad, 1.25, 1.25);
        assert!(decided <= 0.05, "{bad:?}: {decided}");
        assert!(evident <= decided, "{bad:?}: {evident} by the evidence alone, {decided} by what decides");
        let better: Vec<f64> = [0.5, 1.0, 1.25].map(|ratio| every_way(bad, ratio, 1.25).0).into();
        assert!(better.is_sorted(), "the edge of the null is its worst case: {better:?}");
    }
    let gained = every_way(&[4, 4, 4, 4], 5.0, 1.25);
    assert!(gained.0 > gained.1 + 0.05, "a bad canary is found as seldom as before: {gained:?}");
}

#[test]
fn the_limit_is_fair_at_its_limit() {
    let (mean, passed) = simulated(3_000, 0.05, |chance| {
        let mut test = SloTest::new(0.05, 40, 1.0);
        let mut way = vec![];
        for n in 0..40 {
            test.observe(at(n), counts(50, chance.hits(50, 0.05)));
            way.push(test.evidence().ln());
        }
        way
    });
    assert!(mean < 1.15, "{mean}");
    assert!(passed <= 0.05, "{passed}");
}

#[test]
fn the_urn_keeps_its_promise_where_the_plain_split_breaks_it() {
    let phi = 6.0;
    let run = |chance: &mut Chance, form| {
        let mut test = SplitTest::new(1.25, 60, form);
        let mut way = vec![];
        for n in 0..60 {
            // A bunch of about six at one of ten instances, one of which is the canary.
            let mut bad = [0, 0];
            for instance in 0..10 {
                if chance.unit() < 0.08 {
                    bad[usize::from(instance > 0)] += 1 + (chance.unit() * 11.0) as u64;
                }
            }
            let pair = Pair { canary: counts(300, bad[0]), stable: counts(2_700, bad[1].min(2_700)) };
            test.observe(Timestamp::from_millis(60_000 * n), Timestamp::from_millis(60_000 * (n + 1)), &pair);
            way.push(test.evidence().ln());
        }
        way
    };
    let finite = |value| Finite::new(value).unwrap();
    let urn = Dispersion::Urn { phi: finite(phi), rate: finite(0.08 * 6.0 / 300.0), block_ms: 60_000 };
    let (_, plain) = simulated(400, 0.05, |chance| run(chance, Dispersion::Poisson));
    let (_, kept) = simulated(400, 0.05, |chance| run(chance, urn));
    assert!(plain > 0.2, "without it, {plain} are falsely found");
    assert!(kept <= 0.05, "with it, {kept}");
}

fn seen(requests: u64, bad: u64) -> Vec<Seen> {
    vec![Seen { instance: 0, counters: Some(Counters { requests, bad, ..Counters::default() }) }]
}

fn plan() -> Plan {
    let mut plan = Plan::new(100);
    let drift = Finite::new(1.5).unwrap();
    plan.recorded = Some(Recorded { counts: counts(1_000_000, 1_000), drift });
    plan.limit = Finite::new(0.01);
    plan
}

/// Plays error counts of both arms, scrape by scrape, at 75 and 1 425 requests.
fn played(engine: &mut Engine, from: u64, bad: &[(u64, u64)]) -> Finding {
    let mut finding = Finding::Undecided;
    let mut sum = (0, 0);
    for (n, (canary, stable)) in bad.iter().enumerate() {
        sum = (sum.0 + canary, sum.1 + stable);
        let n = from + n as u64;
        let reading =
            Reading { taken: at(n + 1), canary: seen(75 * n, sum.0), stable: seen(1_425 * n, sum.1) };
        engine.observe(&reading).unwrap();
        finding = engine.finding(at(n + 1));
    }
    finding
}

#[test]
fn a_bad_canary_goes_back_and_a_shared_incident_does_not() {
    let mut engine = Engine::new(plan());
    engine.weighed(5);
    assert_eq!(played(&mut engine, 1, &[(0, 0), (3, 1), (4, 2), (3, 1)]), Finding::Regressed(Blame::Release));
    assert_eq!(engine.leading(), Some(Metric::Errors));
    let mut engine = Engine::new(plan());
    engine.weighed(5);
    let shared = played(&mut engine, 1, &[(0, 0), (4, 70), (3, 71), (5, 70), (4, 72), (4, 70)]);
    assert_eq!(shared, Finding::Regressed(Blame::Incident));
}

#[test]
fn silence_is_no_data_and_never_healthy() {
    let mut engine = Engine::new(plan());
    engine.weighed(5);
    assert_eq!(played(&mut engine, 1, &[(0, 0), (0, 1), (0, 1)]), Finding::Healthy { cleared: false });
    engine.silent(at(5));
    engine.silent(at(6));
    assert_eq!(engine.finding(at(6)), Finding::NoData(Sight::Hold));
    engine.silent(at(50));
    assert_eq!(engine.finding(at(50)), Finding::NoData(Sight::Blind));
}

#[test]
fn a_canary_that_dies_silently_is_found() {
    let mut engine = Engine::new(plan());
    engine.weighed(5);
    let mut finding = Finding::Undecided;
    for n in 1..60 {
        let alive = |instance, counted: bool| Seen {
            instance,
            counters: counted.then(|| Counters { requests: 70 * n, ..Counters::default() }),
        };
        let stable = (0..19).map(|instance| alive(instance, true)).collect();
        let reading = Reading { taken: at(n), canary: vec![alive(0, n < 10)], stable };
        engine.observe(&reading).unwrap();
        finding = engine.finding(at(n));
        if finding == Finding::Regressed(Blame::Release) {
            assert_eq!(engine.leading(), Some(Metric::Scrapes));
            return;
        }
    }
    panic!("{finding:?}");
}

#[test]
fn what_the_canary_counted_before_its_traffic_is_not_looked_at() {
    let mut engine = Engine::new(plan());
    played(&mut engine, 1, &[(60, 1), (75, 1), (75, 2)]);
    engine.weighed(5);
    let before = engine.evidence();
    assert!(before.ln().abs() < 1e-9, "{before:?}");
    let next = Reading { taken: at(9), canary: seen(600, 500), stable: seen(13_000, 5) };
    engine.observe(&next).unwrap();
    assert!(engine.evidence().ln() < 0.1, "{:?}", engine.evidence());
}

#[test]
fn the_explanation_names_the_metric_and_the_picture_is_one_document() {
    let mut engine = Engine::new(plan());
    engine.weighed(5);
    played(&mut engine, 1, &[(0, 0), (0, 1), (0, 2), (4, 1), (5, 2), (4, 1)]);
    let explanation = Explanation::of(&engine, at(7));
    let errors = explanation.metrics.iter().find(|m| m.metric == Metric::Errors).unwrap();
    assert!(errors.named);
    assert_eq!(errors.counts.canary.bad, 13);
    let (low, high) = errors.ratio.unwrap();
    assert!(low.value() > 1.25 && high > low, "{low:?} {high:?}");
    assert_eq!(errors.since, Some(at(4)), "the first bad stretch began there");
    assert!(
        explanation.lines()[0].starts_with("regressed (Release): evidence "),
        "{:?}",
        explanation.lines()
    );
    let picture = svg(&explanation);
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    assert_eq!(picture.matches("<polyline").count(), 3);
    let text = serde_json::to_string(&explanation).unwrap();
    assert_eq!(serde_json::from_str::<Explanation>(&text).unwrap(), explanation);
}

#[test]
fn the_judge_of_a_release_sees_the_same() {
    let latency = |n: u64| Latency::new(vec![(50_000, n / 2), (100_000, n), (u64::MAX, n)]).unwrap();
    let arm = |requests: u64, failures: u64| Arm {
        requests,
        failures,
        latency: latency(requests),
        ..Arm::default()
    };
    let mut judge = Sequential::new(plan());
    judge.weighed(at(0), 5);
    assert_eq!(judge.judge(at(0), None), Verdict::NoData);
    let mut last = Verdict::NoData;
    for n in 1..8 {
        let new = arm(75 * n, 4 * (n - 1));
        let sample = Sample { taken: at(n), new, stable: Some(arm(1_425 * n, n)) };
        last = judge.judge(at(n), Some(&sample));
        if matches!(last, Verdict::Regressed(_)) {
            break;
        }
        let text = serde_json::to_string(&judge).unwrap();
        assert_eq!(serde_json::from_str::<Sequential>(&text).unwrap(), judge);
    }
    let Verdict::Regressed(breaches) = last else { panic!("{last:?}") };
    assert!(breaches[0].text.contains("(failed: "), "{}", breaches[0].text);
}

/// A reading of three instances of each arm, some of them lost.
fn any_reading() -> impl Strategy<Value = Vec<(u64, u64, bool)>> {
    prop::collection::vec((0_u64..2_000, 0_u64..40, prop::bool::weighted(0.9)), 6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A state that is written down and read again in the middle goes on to the same bits.
    #[test]
    fn a_restore_midway_changes_no_bit(
        readings in prop::collection::vec(any_reading(), 2..40),
        middle in 0_usize..40,
        steps in prop::collection::vec(0_usize..40, 0..3),
        urn in any::<bool>(),
    ) {
        let mut plan = plan();
        if urn {
            let finite = |value| Finite::new(value).unwrap();
            plan.dispersion = Dispersion::Urn { phi: finite(3.0), rate: finite(0.002), block_ms: 60_000 };
        }
        plan.edges = Latency::new(vec![(10, 50), (20, 90), (u64::MAX, 100)]).as_ref().and_then(|stable| Edges::of(stable, 0));
        let mut straight = Engine::new(plan);
        straight.weighed(5);
        let mut restored = straight.clone();
        let mut sums = [(0_u64, 0_u64); 6];
        for (n, reading) in readings.iter().enumerate() {
            let mut arms = [vec![], vec![]];
            for (i, (requests, bad, answered)) in reading.iter().enumerate() {
                sums[i] = (sums[i].0 + requests, sums[i].1 + bad.min(requests));
                let (all, bad) = sums[i];
                let latency = Latency::new(vec![(10, (all - bad) / 2), (20, all - bad), (u64::MAX, all)]).unwrap();
                let counters = answered.then_some(Counters { requests: all, bad, latency, started: None });
                arms[i / 3].push(Seen { instance: i as u32 % 3, counters });
            }
            let [canary, stable] = arms;
            let reading = Reading { taken: at(n as u64), canary, stable };
            if steps.contains(&n) {
                straight.weighed(50);
                restored.weighed(50);
            }
            if n == middle {
                let text = serde_json::to_string(&restored).unwrap();
                restored = serde_json::from_str(&text).unwrap();
            }
            prop_assert_eq!(straight.observe(&reading), restored.observe(&reading));
            prop_assert!(!straight.evidence().ln().is_nan());
            prop_assert_eq!(straight.finding(at(n as u64)), restored.finding(at(n as u64)));
        }
        prop_assert_eq!(straight, restored);
    }

    /// Turning the arms' odds against each other never makes both e-values gain.
    #[test]
    fn a_table_cannot_speak_for_both_sides(
        canary in 1_u64..400, stable in 1_u64..400, a in 0_u64..400, b in 0_u64..400,
    ) {
        let pair = Pair { canary: counts(canary, a.min(canary)), stable: counts(stable, b.min(stable)) };
        let worse = ln_e(1.0, 2.0, &pair);
        let better = ln_e(1.0, 0.5, &pair);
        prop_assert!(worse.is_finite() && better.is_finite());
        prop_assert!(worse <= 1e-9 || better <= 1e-9, "{} and {}", worse, better);
    }
}
