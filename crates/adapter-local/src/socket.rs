//! Where the control socket of a state folder lies.

use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

/// Longest path of a Unix socket (`sun_path` without its final NUL).
const SUN_PATH_MAX: usize = 107;

/// Path of the control socket: `FOLDER/control.sock`, or a short one in the temporary folder, made from a hash of
/// the folder, where that is too long. `folder` must be absolute, without links, so that both sides agree.
pub fn control_socket(folder: &Path) -> PathBuf {
    let plain = folder.join("control.sock");
    if plain.as_os_str().len() <= SUN_PATH_MAX {
        return plain;
    }
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    std::env::temp_dir().join(format!("nova-{}-{short}", geteuid())).join("control.sock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_too_long_for_a_socket_gets_a_short_one() {
        assert_eq!(control_socket(Path::new("/a/b")), Path::new("/a/b/control.sock"));
        let long = PathBuf::from(format!("/{}", "x".repeat(120)));
        let short = control_socket(&long);
        assert!(short.as_os_str().len() <= SUN_PATH_MAX, "{}", short.display());
        assert_eq!(short, control_socket(&long));
    }
}
