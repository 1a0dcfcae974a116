//! `corpus`: the corpus from the command line.
//!
//! - `corpus list` names the scenarios beside the grid;
//! - `corpus write SCENARIO SEED` writes a trace;
//! - `corpus rule` is the sequential engine as a program: scrapes in, decisions out;
//! - `corpus decisions [--quick]` and `corpus false-alarms [--quick]` print what `measure` and `prove` print;
//! - `corpus bars SEEDS` and `corpus nulls SEEDS` print tables without the held-out seeds, for tuning.

use std::io::{stdin, stdout};
use std::process::ExitCode;

use delivery_corpus::generate::Generator;
use delivery_corpus::ours::{Bunches, Looks, Ours};
use delivery_corpus::scenario::{Scenario, count_nulls, latency_nulls, odd_faults};
use delivery_corpus::{bench, decisions, false_alarms, piped, report};

fn scenarios() -> Vec<Scenario> {
    count_nulls().into_iter().chain(latency_nulls()).chain(odd_faults()).collect()
}

fn print(lines: impl IntoIterator<Item = String>) {
    for line in lines {
        println!("{line}");
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let word = |at: usize| arguments.get(at).map_or("", String::as_str);
    let number = |at: usize| word(at).parse::<u64>().map_err(|why| format!("{:?}: {why}", word(at)));
    match word(0) {
        "list" => scenarios().iter().for_each(|scenario| println!("{}", scenario.name)),
        "write" => {
            let all = scenarios();
            let known = all.iter().find(|scenario| scenario.name == word(1));
            let scenario = known.ok_or_else(|| format!("there is no scenario {:?}", word(1)))?;
            Generator::trace(scenario, number(2)?).write(&mut stdout().lock()).map_err(|e| e.to_string())?;
        }
        "rule" => {
            let mut rule = Ours::new(Looks::All, Bunches::Urn);
            piped::serve(&mut rule, &mut stdin().lock(), &mut stdout().lock()).map_err(|e| e.to_string())?;
        }
        "bars" => {
            let seeds = bench::seeds(number(1)?, true);
            println!("{}\n{}", decisions::LEGEND, decisions::head());
            for (rows, _) in decisions::play(&decisions::bars(), &seeds, &seeds) {
                print(rows.iter().map(decisions::line));
            }
        }
        "nulls" => {
            let counts = number(1)?;
            let rows = false_alarms::play(false_alarms::Effort { counts, durations: counts / 5 }, true);
            print(false_alarms::table(&rows).0);
        }
        "decisions" => print(report::decisions(word(1) == "--quick").lines),
        "false-alarms" => {
            let effort =
                if word(1) == "--quick" { false_alarms::Effort::QUICK } else { false_alarms::Effort::WHOLE };
            print(false_alarms::table(&false_alarms::play(effort, false)).0);
        }
        other => {
            return Err(format!(
                "{other:?} is none of list, write, rule, bars, nulls, decisions, false-alarms"
            ));
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("corpus: {why}");
            ExitCode::from(2)
        }
    }
}
