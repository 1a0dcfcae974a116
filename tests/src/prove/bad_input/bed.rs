//! A folder of its own for each case, calls into the real programs, and what they left behind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::programs;

/// Longest time of one call.
const WITHIN: Duration = Duration::from_secs(30);
/// The variable by which processes of a case are known.
const MARK: &str = "NOVA_BAD_INPUT_CASE";

/// The place of one case.
pub(super) struct Bed {
    folder: tempfile::TempDir,
    bin: PathBuf,
    mark: String,
}

/// What one call said.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Its exit code.
    pub(super) code: i32,
    /// Standard error.
    pub(super) message: String,
    /// What it left that was not there before.
    pub(super) left: Vec<String>,
}

/// A case came to its end, was not possible here, or could not be tried.
#[derive(Clone, Debug)]
pub(super) enum Tried {
    /// What the program said.
    Said(Said),
    /// Why it is not possible on this machine. Never counts as passed.
    NotRun(String),
}

/// The result of a case.
pub(super) type Trial = Result<Tried, String>;

impl Bed {
    /// A new folder that everybody may enter.
    ///
    /// # Errors
    /// There is none to be had.
    pub(super) fn new(name: &str) -> Result<Self, String> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::Builder::new().prefix("nova-bad-").tempdir().map_err(|e| e.to_string())?;
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).map_err(|e| e.to_string())?;
        let mark = format!("{}-{name}", std::process::id());
        Ok(Self { folder, bin: programs::folder()?, mark })
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the case.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf, String> {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// A call of one of our programs, in the folder.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(self.path()).env_remove("NOVA_STATE").env(MARK, &self.mark);
        command
    }

    /// The same as another user, with a copy of the program that this user can reach; `None` when that is not
    /// possible here.
    ///
    /// # Errors
    /// The program cannot be copied.
    pub(super) fn as_nobody(&self, program: &str) -> Result<Option<Command>, String> {
        let nobody = || {
            let mut setpriv = Command::new("setpriv");
            setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
            setpriv.current_dir(self.path()).env(MARK, &self.mark);
            setpriv
        };
        let possible = nobody().arg("true").output().is_ok_and(|output| output.status.success());
        if !possible {
            return Ok(None);
        }
        let copy = self.path().join(program);
        if !copy.exists() {
            std::fs::copy(self.bin.join(program), &copy).map_err(|error| error.to_string())?;
        }
        let mut command = nobody();
        command.arg(copy);
        Ok(Some(command))
    }

    /// Calls and gives all that was said.
    ///
    /// # Errors
    /// It does not end in time.
    pub(super) fn output(command: &mut Command) -> Result<Output, String> {
        programs::run(command, WITHIN)
    }

    /// Calls, and looks at what is left.
    ///
    /// # Errors
    /// It does not end in time.
    pub(super) fn say(&self, command: &mut Command) -> Result<Said, String> {
        let before = self.list();
        let output = Self::output(command)?;
        let mut left: Vec<String> = self.list().difference(&before).cloned().collect();
        left.extend(self.processes());
        Ok(Said {
            code: output.status.code().unwrap_or(-1),
            message: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
            left,
        })
    }

    /// The same as the end of a case.
    ///
    /// # Errors
    /// It does not end in time.
    pub(super) fn tried(&self, command: &mut Command) -> Trial {
        self.say(command).map(Tried::Said)
    }

    fn list(&self) -> BTreeSet<String> {
        let (mut found, mut folders) = (BTreeSet::new(), vec![self.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                found.insert(entry.path().display().to_string());
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(entry.path());
                }
            }
        }
        found
    }

    /// Processes of this case that still live. One that is just ending gets a moment.
    fn processes(&self) -> Vec<String> {
        let mut living = self.living();
        programs::until(Duration::from_secs(2), || {
            living = self.living();
            living.is_empty()
        });
        living.into_iter().map(|pid| format!("process {pid}")).collect()
    }

    fn living(&self) -> Vec<String> {
        let wanted = format!("{MARK}={}", self.mark);
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let marked = |pid: &String| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
        };
        numbers.filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit())).filter(marked).collect()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        for pid in self.living() {
            if let Ok(pid) = pid.parse() {
                programs::signal(pid, "KILL", false);
            }
        }
    }
}
