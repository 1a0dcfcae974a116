//! `prove alertmanager`: silences at a real Alertmanager: the contract, a crash, what its own tool sees, and runs.

mod runs;

use std::process::Command;
use std::time::Duration;

use adapter_alertmanager::AlertmanagerSilences;
use ports::{SilenceMatcher, Silences, Window};
use promql::GuardingAlert;

use self::runs::Runs;
use super::servers::{Server, now_ms, runtime, start};
use crate::door::Verdict;
use crate::programs;

const LIMIT: Duration = Duration::from_secs(10);

fn alertmanager() -> Result<Server, String> {
    let text = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
    start("prometheus-alertmanager", text, |port, folder| {
        vec![
            format!("--storage.path={}", folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            // Without a peer to look for it needs no second port.
            "--cluster.listen-address=".to_owned(),
        ]
    })
}

fn matcher(value: &str) -> SilenceMatcher {
    SilenceMatcher { label: "alertname".into(), value: value.into(), regex: false, equal: true }
}

fn silences(address: &str) -> AlertmanagerSilences<fn() -> i64> {
    AlertmanagerSilences::new(address, vec![GuardingAlert::named("HighErrorRate")], now_ms)
}

/// What the Alertmanager's own tool lists; `None` without the tool.
fn listed(address: &str) -> Option<String> {
    let mut tool = Command::new("amtool");
    tool.args(["silence", "query", "-o", "extended", &format!("--alertmanager.url=http://{address}")]);
    programs::run(&mut tool, LIMIT).ok().map(|said| String::from_utf8_lossy(&said.stdout).into_owned())
}

/// Walks through the ways out of a window.
///
/// # Errors
/// `not run` when there is no Alertmanager, or it does not start.
pub(super) fn prove() -> Result<Verdict, String> {
    let server = alertmanager()?;
    let runtime = runtime()?;
    let mut rows: Vec<(&str, Result<(), String>)> = Vec::new();
    let first = silences(&server.address);
    let contract = runtime.block_on(ports::contract::silences::silences(&first, matcher("HighErrorRate")));
    rows.push(("the contract of silences", contract.map_err(|error| error.to_string())));

    let window = Window {
        run: "crashed".into(),
        matchers: vec![matcher("DatabaseSlow")],
        lasts_ms: 600_000,
        comment: "the process that placed it is gone".into(),
    };
    let placed = runtime.block_on(first.place(&window)).map_err(|error| error.to_string());
    let seen = listed(&server.address);
    let named =
        seen.as_ref().is_none_or(|text| text.contains("novacron-delivery") && text.contains("run=crashed"));
    let named = if named { Ok(()) } else { Err(format!("{seen:?}")) };
    rows.push(("its own tool shows owner and comment", placed.and(named)));
    drop(first);

    let next = silences(&server.address);
    let swept = runtime.block_on(async {
        let left = next.standing().await?;
        let runs: Vec<String> = left.into_iter().map(|it| it.run).collect();
        Ok::<_, ports::PortError>((runs, next.lift("crashed").await?, next.standing().await?.len()))
    });
    let swept = match swept {
        Ok((runs, 1, 0)) if runs == ["crashed"] => Ok(()),
        other => Err(format!("{other:?}")),
    };
    rows.push(("what a crash has left is found and lifted", swept));

    rows.extend(Runs { address: &server.address, runtime: &runtime }.rows());
    Ok(super::verdict("a real Alertmanager", &rows))
}
