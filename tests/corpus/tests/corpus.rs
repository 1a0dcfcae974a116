//! Laws of the corpus: the same seed gives the same trace, a program decides as the rule does, the written form is whole.

use std::io::BufReader;

use delivery_corpus::bench::{OWN, faults, held_out, nulls, seeds};
use delivery_corpus::generate::Generator;
use delivery_corpus::ours::{Bunches, Looks, Ours};
use delivery_corpus::piped;
use delivery_corpus::rule::{Decision, Rule};
use delivery_corpus::scenario::{Scenario, count_nulls, latency_nulls, odd_faults};
use delivery_corpus::trace::Trace;

fn all() -> Vec<Scenario> {
    count_nulls().into_iter().chain(latency_nulls()).chain(odd_faults()).collect()
}

fn ours() -> Vec<Box<dyn Rule>> {
    vec![Box::new(Ours::new(Looks::All, Bunches::Urn))]
}

#[test]
fn a_seed_gives_one_trace_and_the_written_form_keeps_it() {
    for scenario in all() {
        let trace = Generator::trace(&scenario, 11);
        assert_eq!(trace.scrapes.len(), 121, "{}", scenario.name);
        assert_eq!(trace, Generator::trace(&scenario, 11), "{}", scenario.name);
        assert_ne!(trace.scrapes, Generator::trace(&scenario, 12).scrapes, "{}", scenario.name);
        let mut text = Vec::new();
        trace.write(&mut text).unwrap();
        assert_eq!(Trace::read(&mut BufReader::new(&text[..])).unwrap(), trace, "{}", scenario.name);
    }
}

#[test]
fn a_torn_line_is_named() {
    let trace = Generator::trace(&Scenario::healthy(10.0, 0.01), 1);
    let mut text = Vec::new();
    trace.write(&mut text).unwrap();
    text.truncate(text.len() - 20);
    let why = Trace::read(&mut BufReader::new(&text[..])).unwrap_err().to_string();
    assert!(why.starts_with("line 122: "), "{why}");
}

#[test]
fn a_program_decides_as_the_rule_in_process_does() {
    let program = [env!("CARGO_BIN_EXE_corpus").to_owned(), "rule".to_owned()];
    for scenario in all() {
        let trace = Generator::trace(&scenario, 100);
        let mut rule = Ours::new(Looks::All, Bunches::Urn);
        rule.begin(&trace.header);
        let here: Vec<Decision> = trace.scrapes.iter().map(|scrape| rule.scrape(scrape)).collect();
        assert_eq!(piped::decisions(&program, &trace).unwrap(), here, "{}", scenario.name);
    }
}

#[test]
fn a_program_that_says_nothing_is_an_error() {
    let trace = Generator::trace(&Scenario::healthy(10.0, 0.01), 1);
    assert!(piped::decisions(&["true".to_owned()], &trace).is_err());
    assert!(piped::decisions(&["no such program".to_owned()], &trace).is_err());
    assert!(piped::decisions(&[], &trace).is_err());
}

#[test]
fn a_healthy_rollout_stays_and_a_bad_one_goes_back() {
    let found = nulls(&Scenario::healthy(100.0, 0.001), &seeds(100, true), &ours);
    assert_eq!((found[0].runs, found[0].rolled_back), (80, 0));
    let bad = Scenario::healthy(100.0, 0.001).worse(50.0, 0);
    let found = faults(&bad, &seeds(100, true), &ours, &[OWN]);
    assert_eq!((found[0].own.delays.len(), found[0].own.early), (80, 0));
    assert!(found[0].own.mean()[0] < 60.0, "{:?}", found[0].own.mean());
}

#[test]
fn every_fifth_seed_is_held_out_while_tuning() {
    assert_eq!(seeds(1_000, true).len(), 800);
    assert!(seeds(1_000, true).into_iter().all(|seed| !held_out(seed)));
    assert_eq!(seeds(1_000, false).len(), 1_000);
}
