//! Any program as a rule: the header and the scrapes go to its standard input as JSON lines, and after each scrape one
//! line with a decision comes back.
//!
//! The program ends when its input ends. One that does not answer in time is ended, and the rollout counts as refused.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::rule::{Decision, Rule};
use crate::trace::{Scrape, Trace, line, next_line};

/// How long one decision may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays a trace to a program and gives its decisions, one a scrape.
pub fn decisions(program: &[String], trace: &Trace) -> io::Result<Vec<Decision>> {
    let (name, arguments) = program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut child =
        Command::new(name).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let played = play(&mut child, trace);
    if played.is_err() {
        // It may be gone already.
        let _ = child.kill();
    }
    child.wait()?;
    played
}

fn play(child: &mut Child, trace: &Trace) -> io::Result<Vec<Decision>> {
    let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (send, answers) = channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        // Ends with the program's output, or when nobody listens any more.
        while let Some(answer) = next_line(&mut output).transpose() {
            if send.send(answer).is_err() {
                break;
            }
        }
    });
    line(&mut input, &trace.header)?;
    let mut all = Vec::with_capacity(trace.scrapes.len());
    for scrape in &trace.scrapes {
        line(&mut input, scrape)?;
        all.push(answer(&answers)?);
    }
    Ok(all)
}

fn answer(answers: &Receiver<io::Result<String>>) -> io::Result<Decision> {
    let text = answers.recv_timeout(PATIENCE).map_err(|why| match why {
        RecvTimeoutError::Timeout => io::Error::new(io::ErrorKind::TimedOut, "no decision in 10 s"),
        RecvTimeoutError::Disconnected => io::Error::new(io::ErrorKind::UnexpectedEof, "no decision"),
    })??;
    serde_json::from_str(&text).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
}

/// The other side: a rule that speaks JSON lines.
pub fn serve(rule: &mut dyn Rule, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    let Some(header) = next_line(from)? else { return Ok(()) };
    rule.begin(&serde_json::from_str(&header)?);
    while let Some(text) = next_line(from)? {
        let scrape: Scrape = serde_json::from_str(&text)?;
        line(to, &rule.scrape(&scrape))?;
    }
    Ok(())
}
