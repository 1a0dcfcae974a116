//! Tells systemd that the target is ready and which process is it (sd_notify(3)); nothing happens elsewhere.

use std::os::unix::net::UnixDatagram;

/// Sends one state. Whoever started us without a notification socket does not want to know.
pub(crate) fn notify(state: &str) {
    if let Some(path) = std::env::var_os("NOTIFY_SOCKET")
        && let Ok(socket) = UnixDatagram::unbound()
    {
        // It is a notice: when it is lost systemd's own timeout says so.
        let _ = socket.send_to(state.as_bytes(), path);
    }
}

/// The target serves, as this process.
pub(crate) fn ready() {
    notify(&format!("READY=1\nMAINPID={}", std::process::id()));
}
