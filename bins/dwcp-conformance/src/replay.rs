//! `replay`: one case alone, as small as it still fails, with every line that was said.

use dwcp_conformance::bench::{Direction, Settings};
use dwcp_conformance::driver::{self, Verdict};

use crate::cli::Replay;
use crate::say::say;
use crate::{Usage, asked};

/// Runs, minimises, prints. Gives whether it passed.
pub(crate) fn replay(arguments: &Replay) -> Result<bool, Usage> {
    let case = asked::case(&arguments.case)?;
    let mut sut = asked::sut(arguments.connect.as_deref(), &arguments.adapter)?;
    let settings =
        Settings { seed: arguments.seed, quick: arguments.quick, only: None, full_transcript: false };
    let found = driver::minimise(&case, &mut sut, &settings);
    for entry in &found.run.record.transcript {
        say!("{} {}", if entry.who == Direction::Asked { ">" } else { "<" }, entry.line);
    }
    let run = &found.run;
    say!("");
    say!("{} {} {}", case.requirement.id, case.requirement.level.word(), case.requirement.sentence);
    say!("{} {} {}", run.verdict.word(), run.reason, run.seen);
    for note in &run.record.notes {
        say!("note: {note}");
    }
    let of = run.record.rounds;
    match &found.rounds {
        Some(rounds) if rounds.len() == 1 => say!("round {} of {of} fails alone", rounds[0]),
        Some(rounds) => say!("{} rounds of {of} fail together: {rounds:?}", rounds.len()),
        None => say!("the case as a whole"),
    }
    say!("{} runs, seed {}, {} lines above", found.runs, arguments.seed, run.record.transcript.len());
    Ok(matches!(run.verdict, Verdict::Pass | Verdict::Skip))
}
