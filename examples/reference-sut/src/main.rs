//! `reference-sut`: an implementation of DWCP v3 to hold the conformance harness against, and to read.
//!
//! ```text
//! reference-sut                  speaks the line protocol on standard input and output
//! reference-sut --mutant NAME    the same with one fault
//! reference-sut --mutants        lists the faults as JSON: name, requirement, sentence
//! ```
//!
//! It shares no code with the harness: what both must agree on (payload recipes, frames) is written twice.

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;

use reference_sut::{dispatch, mutants};

/// Longest line, in bytes.
const MAX_LINE: u64 = 1 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mutant = match words.as_slice() {
        [] => None,
        ["--mutants"] => {
            println!("{}", mutants::list());
            return ExitCode::SUCCESS;
        }
        ["--mutant", name] => match mutants::named(name) {
            Some(mutant) => Some(mutant.name),
            None => {
                eprintln!("there is no mutant {name}; --mutants lists them");
                return ExitCode::from(2);
            }
        },
        _ => {
            eprintln!("usage: reference-sut [--mutant NAME | --mutants]");
            return ExitCode::from(2);
        }
    };
    serve(mutant)
}

/// Answers each line until standard input ends or `shutdown` is asked.
fn serve(mutant: Option<&'static str>) -> ExitCode {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut sut = dispatch::Sut::new(mutant);
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line) {
            Ok(0) => return ExitCode::SUCCESS,
            Ok(_) if line.ends_with(b"\n") => {}
            _ => {
                eprintln!("a line of more than {MAX_LINE} bytes, or an input that broke");
                return ExitCode::from(2);
            }
        }
        let (mut answer, go_on) = sut.line(&line);
        answer.push('\n');
        if output.write_all(answer.as_bytes()).and_then(|()| output.flush()).is_err() || !go_on {
            return ExitCode::SUCCESS;
        }
    }
}
