//! The recorded traces: fifty rollouts of the example service under load, scraped by a real Prometheus, with the truth
//! known from the fault that was switched on. Nothing was tuned on them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use crate::rule::{Decision, Rule};
use crate::sides;
use crate::trace::{Trace, Truth};

/// Where they are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recorded")
}

/// All of them, in the order of their numbers.
///
/// # Errors
/// A file cannot be read, or a line of it is none; the error names the file.
pub fn traces() -> io::Result<Vec<Trace>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder())?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> io::Result<Trace> {
    let named = |why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", path.display()));
    Trace::read(&mut BufReader::new(File::open(path).map_err(named)?)).map_err(named)
}

/// How a rule ended on one trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Went back before anything was wrong.
    Early,
    /// Went back, so many seconds after the change.
    Back(u64),
    /// Held the release, or took an instance out.
    Held,
    /// Neither.
    On,
}

fn play(rule: &mut dyn Rule, trace: &Trace) -> End {
    rule.begin(&trace.header);
    let mut end = End::On;
    for scrape in &trace.scrapes {
        match rule.scrape(scrape) {
            Decision::Rollback if scrape.at_ms < trace.header.change_ms => return End::Early,
            Decision::Rollback => return End::Back((scrape.at_ms - trace.header.change_ms) / 1_000),
            Decision::Hold | Decision::Eject(_) => end = End::Held,
            Decision::Continue | Decision::Promote => {}
        }
    }
    end
}

/// The table: every rule on every kind.
pub fn table(lines: &mut Vec<String>) {
    let traces = match traces() {
        Ok(traces) => traces,
        Err(why) => {
            lines.push(format!("\nrecorded traces: not run: {why}"));
            return;
        }
    };
    let mut kinds: BTreeMap<&str, Vec<&Trace>> = BTreeMap::new();
    for trace in &traces {
        kinds.entry(&trace.header.scenario).or_default().push(trace);
    }
    lines.push(format!(
        "\n{} recorded traces of 90 s, a scrape each 3 s; sent back, of all, after a mean of seconds:",
        traces.len()
    ));
    let heads = kinds.iter().map(|(kind, traces)| format!("{:>16}", format!("{kind} ({})", traces.len())));
    lines.push(format!("{:<20}{}", "rule", heads.collect::<String>()));
    for mut rule in sides::rules() {
        let cells = kinds.values().map(|traces| cell(rule.as_mut(), traces));
        let cells: String = cells.collect();
        lines.push(format!("{:<20}{cells}", rule.name()));
    }
    lines.push(
        "(+N: held, or one instance taken out; !N: sent back before anything was wrong, or without cause)"
            .to_owned(),
    );
}

fn cell(rule: &mut dyn Rule, traces: &[&Trace]) -> String {
    let ends: Vec<(Truth, End)> =
        traces.iter().map(|trace| (trace.header.truth, play(rule, trace))).collect();
    let count = |wanted: fn(&(Truth, End)) -> bool| ends.iter().filter(|end| wanted(end)).count();
    let wrong = count(|(truth, end)| match end {
        End::Early => true,
        End::Back(_) => *truth != Truth::Regressed,
        End::Held | End::On => false,
    });
    let held = count(|(_, end)| *end == End::Held);
    let after = ends.iter().filter_map(|end| match end {
        (Truth::Regressed, End::Back(after)) => Some(*after),
        _ => None,
    });
    let after: Vec<u64> = after.collect();
    let mut text = match after.len() {
        0 => "0".to_owned(),
        n => format!("{n} {:.0}s", after.iter().sum::<u64>() as f64 / n as f64),
    };
    if held > 0 {
        text = format!("{text} +{held}");
    }
    if wrong > 0 {
        text = format!("{text} !{wrong}");
    }
    format!("{text:>16}")
}
