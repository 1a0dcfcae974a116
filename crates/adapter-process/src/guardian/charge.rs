//! One guardian of a run at a time: who follows one whose runner was killed waits until its jobs are gone, so that
//! no attempt begins while the one before still writes, listens or finishes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The one before needs its last grace, and a little.
const WAIT: Duration = Duration::from_secs(8);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Takes charge of the run that this file belongs to, for as long as the file is held.
///
/// # Errors
/// The one before does not end, or the file cannot be opened.
pub fn take_charge(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(why)) => return Err(why),
            Err(TryLockError::WouldBlock) if begun.elapsed() > WAIT => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "jobs of the runner before do not end"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_EVERY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_waits_until_the_first_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guardian.lock");
        let first = take_charge(&path).unwrap();
        let second = std::thread::spawn({
            let path = path.clone();
            move || take_charge(&path).map(|_| Instant::now())
        });
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(50) {
            assert!(!second.is_finished());
            std::thread::yield_now();
        }
        let released = Instant::now();
        drop(first);
        assert!(second.join().unwrap().unwrap() >= released);
    }
}
