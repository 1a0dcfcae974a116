//! What can be wrong around the file: the file itself, folders, users, ports, disks, flags.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use super::bed::{Bed, Trial, Tried};
use super::files::bytes;
use super::{Case, case};

/// The user that nobody is.
const NOBODY: u32 = 65_534;

/// A pipeline with one job.
pub(super) const SMALL: &str =
    "pipeline: small\nstages: [a]\njobs:\n  x:\n    stage: a\n    run: [{cmd: [\"true\"]}]\n";

pub(super) const CASES: &[Case] = &[
    case("there is no such file", 2, &["nowhere.yaml", "no such file", "init"], |bed| {
        run(bed, "nowhere.yaml")
    }),
    case("the file is a folder", 2, &["is a folder", "give the path"], |bed| {
        make_folder(bed, "folder")?;
        run(bed, "folder")
    }),
    case("the file is a pipe", 2, &["no regular file"], |bed| {
        let made = Command::new("mkfifo").arg(bed.path().join("pipe")).status();
        made.map_err(|error| error.to_string())?;
        run(bed, "pipe")
    }),
    case("the file is a device", 2, &["no regular file"], |bed| run(bed, "/dev/zero")),
    case("the file may not be read", 2, &["ermission denied"], unreadable),
    case("another user owns the file", 2, &["belongs to user 65534", "copy it"], foreign_file),
    case("the file is empty", 2, &["bad.yaml:1:1"], |bed| bytes(bed, "")),
    case("10 MB", 2, &["bad.yaml:1:1", "at most 1048576", "split it"], |bed| {
        bytes(bed, "#".repeat(10 << 20))
    }),
    case("not UTF-8", 2, &["bad.yaml:3:", "not UTF-8"], |bed| {
        bytes(bed, b"pipeline: a\nstages: [a]\nb\xffc: 1\n")
    }),
    case("a NUL", 2, &["bad.yaml:1:"], |bed| bytes(bed, "pipeline: a\0b\nstages: [a]\n")),
    case("an alias bomb", 2, &["bad.yaml:", "anchors and aliases are not taken"], |bed| bytes(bed, bomb())),
    case("10 000 brackets", 2, &["bad.yaml:1:"], |bed| bytes(bed, "[".repeat(10_000))),
    case("10 000 braces", 2, &["bad.yaml:1:"], |bed| {
        bytes(bed, format!("pipeline: {}", "{a: ".repeat(10_000)))
    }),
    case("more jobs than are taken", 2, &["bad.yaml:", "more values than are taken"], |bed| {
        bytes(bed, many(25_000))
    }),
    case("no job", 2, &["bad.yaml:1:1", "no job"], |bed| bytes(bed, "pipeline: a\nstages: [a]\njobs: {}\n")),
    case("the state folder is a file", 2, &["state is not a folder"], |bed| {
        bed.write("state", "")?;
        small(bed, &[])
    }),
    case(
        "another user owns the state folder",
        2,
        &["belongs to user 65534", "choose another"],
        foreign_state,
    ),
    case("the state folder cannot be made", 2, &["ermission denied"], |bed| {
        bed.write("small.yaml", SMALL)?;
        match bed.as_nobody("nova-pipeline")? {
            Some(mut command) => bed.tried(command.args(["run", "small.yaml", "--state-dir", "state"])),
            None => Ok(not_run("setpriv is not possible")),
        }
    }),
    case("a port is in use", 2, &["cannot listen on 127.0.0.1:", "choose another port"], port_in_use),
    case("the disk is full", 2, &["No space left", "free some space"], full_disk),
    case("--set without a value", 2, &["--set version", "NAME=VALUE"], |bed| {
        small(bed, &["--set", "version"])
    }),
    case("--set of no input", 2, &["small.yaml:", "--set color", "no input"], |bed| {
        small(bed, &["--set", "color=red"])
    }),
    case("--set twice", 2, &["--set a", "twice"], |bed| small(bed, &["--set", "a=1", "--set", "a=2"])),
    case("no workers", 2, &["--workers", "1..=256"], |bed| small(bed, &["--workers", "0"])),
    case("workers that are no number", 2, &["--workers"], |bed| small(bed, &["--workers", "two"])),
    case("a flag that is none", 2, &["--fast"], |bed| small(bed, &["--fast"])),
    case("a command that is none", 2, &["rnu"], |bed| bed.tried(bed.command("nova-pipeline").arg("rnu"))),
    case("--only without --from", 2, &["--from"], |bed| small(bed, &["--only", "a"])),
    case("init where a file is", 2, &["is there already"], |bed| {
        bed.write("pipeline.yaml", SMALL)?;
        bed.tried(bed.command("nova-pipeline").arg("init"))
    }),
    case("nova-local: a port that is none", 2, &["--port"], |bed| {
        local(bed, &["start", "--state", "t", "--port", "99999"])
    }),
    case("nova-local: a host that is none", 2, &["--host"], |bed| {
        local(bed, &["start", "--state", "t", "--port", "0", "--host", "example"])
    }),
    case("nova-local: an address that is not here", 2, &["192.0.2.1"], |bed| {
        local(bed, &["start", "--state", "t", "--port", "0", "--host", "192.0.2.1"])
    }),
    case("nova-local: no state folder is named", 2, &["--state"], |bed| local(bed, &["status"])),
    case("nova-local: status of nothing", 2, &["t"], |bed| local(bed, &["status", "--state", "t"])),
    case("nova-local: stop of nothing", 2, &["t"], |bed| local(bed, &["stop", "--state", "t"])),
    case("nova-local: a port in use", 2, &["is in use; choose another"], |bed| {
        let (_held, port) = held()?;
        local(bed, &["start", "--state", "t", "--port", &port])
    }),
    case("nova-local: another user owns its folder", 2, &["another user"], |bed| {
        make_folder(bed, "t")?;
        match chown(bed.path().join("t"), Some(NOBODY), Some(NOBODY)) {
            Ok(()) => local(bed, &["start", "--state", "t", "--port", "0"]),
            Err(_) => Ok(not_run("only root can give a folder away")),
        }
    }),
];

fn not_run(why: &str) -> Tried {
    Tried::NotRun(why.to_owned())
}

fn make_folder(bed: &Bed, name: &str) -> Result<(), String> {
    std::fs::create_dir(bed.path().join(name)).map_err(|error| error.to_string())
}

fn run(bed: &Bed, file: &str) -> Trial {
    bed.tried(bed.command("nova-pipeline").args(["run", file, "--state-dir", "state"]))
}

fn small(bed: &Bed, flags: &[&str]) -> Trial {
    bed.write("small.yaml", SMALL)?;
    bed.tried(bed.command("nova-pipeline").args(["run", "small.yaml", "--state-dir", "state"]).args(flags))
}

fn local(bed: &Bed, args: &[&str]) -> Trial {
    bed.tried(bed.command("nova-local").args(args))
}

fn held() -> Result<(TcpListener, String), String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    Ok((listener, port.to_string()))
}

fn unreadable(bed: &Bed) -> Trial {
    let path = bed.write("bad.yaml", SMALL)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).map_err(|e| e.to_string())?;
    match bed.as_nobody("nova-pipeline")? {
        Some(mut command) => bed.tried(command.args(["run", "bad.yaml", "--state-dir", "state"])),
        None => Ok(not_run("setpriv is not possible")),
    }
}

fn foreign_file(bed: &Bed) -> Trial {
    let path = bed.write("bad.yaml", SMALL)?;
    match chown(&path, Some(NOBODY), Some(NOBODY)) {
        Ok(()) => run(bed, "bad.yaml"),
        Err(_) => Ok(not_run("only root can give a file away")),
    }
}

fn foreign_state(bed: &Bed) -> Trial {
    make_folder(bed, "state")?;
    match chown(bed.path().join("state"), Some(NOBODY), Some(NOBODY)) {
        Ok(()) => small(bed, &[]),
        Err(_) => Ok(not_run("only root can give a folder away")),
    }
}

fn port_in_use(bed: &Bed) -> Trial {
    let (_held, port) = held()?;
    bed.write("deploy.yaml", super::runs::deploy_file(&port))?;
    run(bed, "deploy.yaml")
}

/// A disk of 64 KiB in a mount namespace of its own.
fn full_disk(bed: &Bed) -> Trial {
    bed.write("small.yaml", SMALL)?;
    make_folder(bed, "state")?;
    let mount = "mount -t tmpfs -o size=64k,mode=700 none state 2>/dev/null || exit 77
        head -c 60000 /dev/zero > state/ballast
        \"$0\" run small.yaml --state-dir state; code=$?
        left=$(find state -mindepth 1 ! -name ballast ! -name runs); [ -z \"$left\" ] || { echo \"left: $left\" >&2; exit 99; }
        exit $code";
    let own = bed.command("nova-pipeline");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", mount]).arg(own.get_program()).current_dir(bed.path());
    let said = bed.say(&mut command)?;
    let impossible = said.code == 77 || said.message.contains("unshare");
    Ok(if impossible { not_run("unshare -m is not possible") } else { Tried::Said(said) })
}

/// Nine levels of ten: a thousand million nodes when written out.
fn bomb() -> String {
    let mut text = "pipeline: a\nstages: &a0 [x, x, x, x, x, x, x, x, x, x]\nrequire:\n".to_owned();
    for level in 1..9 {
        let refs = vec![format!("*a{}", level - 1); 10].join(", ");
        text.extend(["  - &a", &level.to_string(), " [", &refs, "]\n"]);
    }
    text
}

fn many(jobs: usize) -> String {
    let head = "pipeline: a\nstages: [a]\njobs:\n".to_owned();
    std::iter::once(head)
        .chain((0..jobs).map(|n| format!("  j{n}: {{stage: a, run: [{{sh: a}}]}}\n")))
        .collect()
}
