//! The probes of a deploy job: from the file to what is tried on each instance.

use machine::Millis;
use serde_saphyr::Spanned;

use super::commands::{Context, at};
use super::given::RawTcp;
use super::raw::{RawProbe, RawProbes, Text};
use super::units::millis_of;
use crate::{Probe, ProbeAction, ProbeSet};

/// Kubernetes' numbers where nothing is said.
const EVERY_MS: Millis = 10_000;
const TIMEOUT_MS: Millis = 1_000;
const FAILURES: u32 = 3;
/// A target takes no shorter period.
const EVERY_MIN_MS: Millis = 10;
/// Nor a longer grace.
const GRACE_MAX_MS: Millis = 3_600_000;
/// A row that is longer decides nothing in time.
const ROW_MAX: u32 = 1_000;

const ONE_OF: &str = "write one of http: /PATH, tcp: true, grpc: SERVICE, command: [PROGRAM, ARGUMENT, ...]";

pub(super) fn compile(context: &mut Context<'_>, of: &RawProbes) -> Option<ProbeSet> {
    let ready = probe(context, &of.ready);
    if let Some(grace) = &of.ready.value.grace {
        let message = "ready takes no grace: failures before the first success do not count".to_owned();
        context.problem(at(grace), message, "take it away, or write it at live".to_owned());
    }
    let live = of.live.as_ref().map(|live| probe(context, live));
    if let Some(grace) = of.live.as_ref().and_then(|live| live.value.grace.as_ref())
        && millis_of(&grace.value).is_some_and(|ms| ms > GRACE_MAX_MS)
    {
        context.problem(
            at(grace),
            format!("{} of grace is too long", grace.value),
            "write at most 1h".to_owned(),
        );
    }
    if let Some(successes) = of.live.as_ref().and_then(|live| live.value.successes.as_ref()) {
        let message = "live takes no successes: one shows that the instance lives".to_owned();
        context.problem(at(successes), message, "take it away, or write it at ready".to_owned());
    }
    match live {
        Some(live) => Some(ProbeSet { ready: ready?, live: Some(live?) }),
        None => Some(ProbeSet { ready: ready?, live: None }),
    }
}

fn probe(context: &mut Context<'_>, probe: &Spanned<RawProbe>) -> Option<Probe> {
    let action = action(context, probe);
    let of = &probe.value;
    Some(Probe {
        every_ms: context.millis(of.every.as_ref(), EVERY_MS).max(EVERY_MIN_MS),
        timeout_ms: context.millis(of.timeout.as_ref(), TIMEOUT_MS).max(1),
        failures: context.count(of.failures.as_ref(), FAILURES, ROW_MAX),
        successes: context.count(of.successes.as_ref(), 1, ROW_MAX),
        grace_ms: context.millis(of.grace.as_ref(), 0),
        action: action?,
    })
}

/// Exactly one way to try.
fn action(context: &mut Context<'_>, probe: &Spanned<RawProbe>) -> Option<ProbeAction> {
    let of = &probe.value;
    let places = [
        of.http.as_ref().map(|of| ("http", at(of))),
        of.tcp.as_ref().map(|of| ("tcp", at(of))),
        of.grpc.as_ref().map(|of| ("grpc", at(of))),
        of.command.as_ref().map(|of| ("command", at(of))),
    ];
    let mut given: Vec<_> = places.into_iter().flatten().collect();
    given.sort_by_key(|(_, place)| *place);
    match given.as_slice() {
        [_] => return one(context, of),
        [(first, _), (second, place), ..] => {
            let message = format!("a probe tries one thing, and {first} and {second} are two");
            context.problem(*place, message, format!("{ONE_OF}; a command can try several things"));
        }
        [] => {
            let message = "the probe does not say what it tries".to_owned();
            context.problem(at(probe), message, ONE_OF.to_owned());
        }
    }
    None
}

fn one(context: &mut Context<'_>, of: &RawProbe) -> Option<ProbeAction> {
    match (&of.http, &of.tcp, &of.grpc, &of.command) {
        (Some(path), ..) => Some(http(context, path)),
        (_, Some(tcp), ..) => {
            if let RawTcp::Not(what) = &tcp.value {
                let message = format!("tcp: {what} is not true; the port is that of the instance");
                context.problem(at(tcp), message, "write tcp: true, or another way to try".to_owned());
            }
            Some(ProbeAction::Tcp)
        }
        (_, _, Some(service), _) => Some(grpc(context, service)),
        (.., Some(command)) => Some(of_command(context, command)),
        _ => None,
    }
}

fn http(context: &mut Context<'_>, path: &Text) -> ProbeAction {
    if !path.value.starts_with('/') || !path.value.bytes().all(|byte| byte.is_ascii_graphic()) {
        let mend = "write a path that begins with / and has no blank".to_owned();
        context.problem(at(path), format!("{:?} is no path", path.value), mend);
    }
    ProbeAction::Http(path.value.clone())
}

fn grpc(context: &mut Context<'_>, service: &Text) -> ProbeAction {
    if service.value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let mend = "write its full name as the .proto has it, or \"\" for the whole server".to_owned();
        context.problem(at(service), format!("{:?} is no service", service.value), mend);
    }
    ProbeAction::Grpc(service.value.clone())
}

fn of_command(context: &mut Context<'_>, command: &Spanned<Vec<String>>) -> ProbeAction {
    let argv = &command.value;
    if argv.first().is_none_or(String::is_empty) || argv.iter().any(|argument| argument.contains('\0')) {
        let mend = "write command: [PROGRAM, ARGUMENT, ...]".to_owned();
        context.problem(at(command), "the command names no program".to_owned(), mend);
    }
    ProbeAction::Command(argv.clone())
}
