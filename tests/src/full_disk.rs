//! The way back on a full disk: a tmpfs of our own in a mount namespace of our own, which needs root.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::door::Verdict;
use crate::rig::{PATIENCE, Rig, code, signal, until};

/// Set inside the namespace.
const INSIDE: &str = "NOVA_TEST_FULL_DISK";

/// One row of the table: `not run: ...` where this machine does not allow it, which is no pass.
pub fn row() -> String {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return format!("not run: {error}"),
    };
    let may = Command::new("unshare").args(["-m", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        return "not run: no mount namespace here; it needs root".to_owned();
    }
    let own = match crate::rig::binaries() {
        Ok(folder) => folder.join("prove"),
        Err(why) => return format!("not run: {why}"),
    };
    let script = "mount -t tmpfs -o size=256m tmpfs \"$1\" && exec \"$2\" full-disk";
    let inside = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(own)
        .env("TMPDIR", folder.path())
        .env(INSIDE, "1")
        .output();
    match inside {
        Err(error) => format!("not run: {error}"),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            let last = text.lines().last().unwrap_or("it said nothing");
            let last = last.trim_start_matches("full-disk: ").trim_end_matches(" ok").to_owned();
            if output.status.success() { last } else { format!("WRONG: {text}") }
        }
    }
}

/// The topic: inside its namespace the proof, outside the way there.
///
/// # Errors
/// It cannot be run here.
pub fn prove() -> Result<Verdict, String> {
    if std::env::var_os(INSIDE).is_none() {
        let row = row();
        if row.starts_with("not run") {
            return Err(row);
        }
        return Ok(Verdict::new(row.clone(), !row.starts_with("WRONG")));
    }
    let alive = full(false)?;
    let dead = full(true)?;
    println!("with a runner: {alive}; resumed on a full disk: {dead}");
    Ok(Verdict::new(
        format!("all traffic on stable, codes {alive} and {dead} (want 11)"),
        (alive, dead) == (11, 11),
    ))
}

/// Fills the disk at 25 % and gives the code in which the run ends; with `dead`, its runner is killed first and the run
/// resumed on the full disk.
fn full(dead: bool) -> Result<i32, String> {
    let rig =
        Rig::new(|text| text.replace("pause: 40ms", "pause: 30s").replace("[5, 25, 50, 100]", "[25, 100]"))?;
    let mut child = rig.run(&[])?;
    until("a release", PATIENCE, || rig.traffic().contains(&("1.6.0".to_owned(), 25)))?;
    if dead {
        signal(&child, Signal::SIGKILL);
        code(&mut child)?;
    }
    let filler = rig.folder().join("filler");
    fill(&filler)?;
    if dead {
        child = rig.call(&["resume"], &[])?;
    }
    let last = code(&mut child)?;
    let traffic = rig.traffic();
    if traffic != [("1.5.0".to_owned(), 100)] {
        return Err(format!("traffic goes to {traffic:?}\n{}", rig.said()));
    }
    if last != 11 {
        println!("{}", rig.said());
    }
    std::fs::remove_file(&filler).map_err(|error| error.to_string())?;
    if !rig.past()?.file.closed {
        return Err(format!("the reserve did not last to the end of the journal\n{}", rig.said()));
    }
    Ok(last)
}

fn fill(path: &Path) -> Result<(), String> {
    let mut file = std::fs::File::create(path).map_err(|error| error.to_string())?;
    let block = vec![0x55; 1 << 16];
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&block[..size]).is_ok() {}
    }
    Ok(())
}
