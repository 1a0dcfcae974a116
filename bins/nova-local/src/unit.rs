//! A systemd unit for the target.

use std::path::absolute;

use crate::cli;
use crate::problem::Problem;

/// Prints the unit. Instances survive a restart of the service and are adopted; `stop` ends them.
pub(crate) fn print(options: &cli::Serve) -> Result<(), Problem> {
    let program = std::env::current_exe().map_err(Problem::unexpected)?;
    let state = absolute(&options.state).map_err(Problem::unexpected)?;
    let quoted = |path: &std::path::Path| {
        let text = path.to_string_lossy();
        format!(
            "\"{}\"",
            text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$")
        )
    };
    let (program, state) = (quoted(&program), quoted(&state));
    let (host, port) = (options.host, options.port);
    print!(
        "[Unit]
Description=NovaCron Delivery target on port {port}
After=network.target

[Service]
Type=notify
NotifyAccess=all
ExecStart={program} serve --state {state} --port {port} --host {host}
ExecStop={program} stop --state {state}
KillMode=process
Restart=always
RestartSec=100ms
TimeoutStopSec=10min

[Install]
WantedBy=multi-user.target
"
    );
    Ok(())
}
