//! A live run as its runner draws it.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use nova_pipeline::call::state_folder;
use nova_pipeline::control::picture;
use nova_pipeline::failure::Failure;
use nova_pipeline::history::{Past, run_id, state};
use nova_pipeline::summary::summary;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(250);

/// Shows the run until its runner is gone, then how it stands. Gives the run's code when it has ended.
pub(crate) async fn watch(state_dir: Option<&Path>, run: &str) -> Result<i32, Failure> {
    let state = state(&state_folder(state_dir, None))?;
    let id = run_id(&state, run)?;
    let terminal = std::io::stdout().is_terminal();
    let (mut drawn, mut last) = (0, String::new());
    while let Some(picture) = picture(&state, &id).await {
        if terminal {
            draw(&picture, &mut drawn);
        } else if picture != last {
            println!("{picture}\n");
        }
        last = picture;
        tokio::time::sleep(EVERY).await;
    }
    let past = Past::read(&state, &id)?;
    let Some(summary) = summary(&past.replayed.machine) else {
        return Err(Failure::usage(format!("run {id} was never opened")));
    };
    for release in &summary.releases {
        println!("{} on {}: {}", release.path, release.target, release.outcome);
        for line in &release.lines {
            println!("  {line}");
        }
    }
    if !past.file.closed {
        println!("run {id} is open, and no runner is alive");
        return Ok(0);
    }
    println!("run {id} ended with exit code {}", summary.code);
    Ok(summary.code)
}

/// Over the picture before, without clearing what is not replaced.
fn draw(picture: &str, drawn: &mut usize) {
    let mut text = String::new();
    if *drawn > 0 {
        // Writing to memory does not fail.
        let _ = write!(text, "\x1b[{drawn}F");
    }
    for line in picture.lines() {
        text.push_str(line);
        text.push_str("\x1b[K\n");
    }
    text.push_str("\x1b[J");
    *drawn = picture.lines().count();
    let mut out = std::io::stdout().lock();
    // A terminal that is gone stops nothing.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
