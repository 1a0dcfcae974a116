//! The contract of jobs: an end is told once, with its code; a stop ends all; nothing is inherited; names are used once.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Broken, Kept, promise};
use crate::{Command, Ended, Jobs, PortError};

/// Walks through the life of a few shell commands in `folder`, which must be there.
///
/// # Errors
/// The promise that was broken.
pub async fn jobs(jobs: &impl Jobs, folder: &Path) -> Kept {
    let told = run(jobs, command(folder, "told", "echo one; echo two >&2; exit 3")).await?;
    promise(told.code == Some(3), "the exit code is told", &told)?;
    promise(told.log.tail.len() == 2, "both outputs are in the log", &told)?;

    let secret =
        Command { secrets: vec!["hunter22".to_owned()], ..command(folder, "masked", "echo a-hunter22-b") };
    let masked = run(jobs, secret).await?;
    let shown = masked.log.tail.iter().any(|line| line.contains("hunter22"));
    promise(!shown && masked.log.bytes > 0, "a secret is masked in what is shown", &masked)?;

    let alone =
        run(jobs, command(folder, "alone", "env | grep -c . >count; test \"$(cat count)\" -lt 12")).await?;
    promise(alone.code == Some(0), "nothing is inherited but what is given", &alone)?;

    let (_, ended) =
        jobs.start(command(folder, "stopped", "trap '' TERM; sleep 600 & wait; sleep 600")).await?;
    jobs.stop("stopped").await?;
    let stopped = ended.await.map_err(|_| PortError::Unreachable("the end was not told".to_owned()))?;
    promise(stopped.code != Some(0), "a stop ends a command that does not want to end", &stopped)?;

    jobs.stop("nobody").await?;
    let missing = Command { argv: vec!["/no/such/program".to_owned()], ..command(folder, "missing", "") };
    let missing = match jobs.start(missing).await {
        Err(error) => format!("{error}"),
        Ok((_, ended)) => format!("{:?}", ended.await.ok().and_then(|ended| ended.code)),
    };
    promise(missing != "Some(0)", "a program that is not there is an error", &missing)
}

async fn run(jobs: &impl Jobs, command: Command) -> Result<Ended, Broken> {
    let (_, ended) = jobs.start(command).await?;
    Ok(ended.await.map_err(|_| PortError::Unreachable("the end was not told".to_owned()))?)
}

fn command(folder: &Path, name: &str, script: &str) -> Command {
    Command {
        name: name.to_owned(),
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]),
        dir: folder.to_owned(),
        log: folder.join(format!("{name}.log")),
        secrets: Vec::new(),
        grace_ms: 100,
    }
}
