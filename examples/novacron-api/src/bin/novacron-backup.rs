//! `novacron-backup DATABASE COPY`: a consistent copy of a database that is in use. The copy appears whole or not at
//! all, and is not made again when it is there.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rusqlite::{Connection, OpenFlags};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [database, copy] = arguments.as_slice() else {
        eprintln!("usage: novacron-backup DATABASE COPY");
        return ExitCode::from(2);
    };
    match backup(database, copy) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{}: {why}", database.display());
            ExitCode::from(10)
        }
    }
}

fn backup(database: &Path, copy: &Path) -> Result<String, Box<dyn std::error::Error>> {
    if copy.exists() {
        return Ok(format!("{} is there already", copy.display()));
    }
    let temporary = copy.with_extension("tmp");
    if temporary.exists() {
        std::fs::remove_file(&temporary)?;
    }
    let source = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.busy_timeout(std::time::Duration::from_secs(5))?;
    source.execute("VACUUM INTO ?1", [temporary.to_string_lossy()])?;
    std::fs::File::open(&temporary)?.sync_all()?;
    std::fs::rename(&temporary, copy)?;
    Ok(format!("{} written", copy.display()))
}
