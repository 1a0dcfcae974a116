//! `silences:` of a deploy job: alerts that are kept quiet while a release is at work, and those that never are.

use std::fmt;

use health::checks::url::{self, Url};
use machine::Millis;
use promql::{GuardingAlert, RuleFile};
use release::Plan;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::commands::{Context, at};
use super::raw::{Scalar, Text, present};
use crate::SilenceSpec;

/// Longest time of a silence: a day.
const LASTS_MAX_MS: Millis = 86_400_000;
/// Most silences of one deploy job.
const ALERTS_MAX: usize = 64;

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSilences {
    alertmanager: Scalar,
    alerts: Spanned<Vec<Text>>,
    guards: Spanned<RawGuards>,
    #[serde(default, rename = "for", deserialize_with = "present")]
    lasts: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    comment: Option<Scalar>,
}

/// A rule file, or names of alerts.
#[derive(Clone, Debug)]
enum RawGuards {
    File(String),
    Names(Vec<Spanned<String>>),
}

impl Default for RawGuards {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

impl<'de> Deserialize<'de> for RawGuards {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GuardsVisitor;
        impl<'de> Visitor<'de> for GuardsVisitor {
            type Value = RawGuards;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an alert rule file, or a list of names of alerts")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RawGuards, E> {
                Ok(RawGuards::File(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawGuards, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(RawGuards::Names(names))
            }
        }
        deserializer.deserialize_any(GuardsVisitor)
    }
}

pub(super) fn compile(context: &mut Context<'_>, raw: &RawSilences, plan: &Plan) -> Option<SilenceSpec> {
    let guards = guards(context, &raw.guards);
    let alerts = alerts(context, &raw.alerts, &guards);
    let lasts_ms = lasts(context, raw.lasts.as_ref(), plan);
    let comment = match &raw.comment {
        None => None,
        Some(comment) => Some(said(context, comment)?),
    };
    let alertmanager = alertmanager(context, &raw.alertmanager)?;
    let guards = guards.into_iter().map(|guard| guard.labels).collect();
    Some(SilenceSpec { alertmanager, alerts, guards, lasts_ms, comment })
}

fn alertmanager(context: &mut Context<'_>, given: &Scalar) -> Option<Url> {
    let text = context.text(given)?;
    let read = url::read(&text, "").and_then(|url| {
        let plain = !url.path.contains(['?', '#']);
        if plain { Ok(url) } else { Err(format!("{text:?}: only a path stands behind the address")) }
    });
    match read {
        Ok(url) => Some(Url { path: url.path.trim_end_matches('/').to_owned(), ..url }),
        Err(why) => {
            let mend = "write http://HOST:PORT, with a path where it has one, e.g. http://127.0.0.1:9093";
            context.problem(at(given), why, mend.to_owned());
            None
        }
    }
}

fn alerts(context: &mut Context<'_>, raw: &Spanned<Vec<Text>>, guards: &[GuardingAlert]) -> Vec<String> {
    if raw.value.is_empty() || raw.value.len() > ALERTS_MAX {
        let message = format!("{} alerts to keep quiet", raw.value.len());
        let mend = format!("write 1 to {ALERTS_MAX}, or take silences: away");
        context.problem(at(raw), message, mend);
    }
    for text in &raw.value {
        match promql::matchers(&text.value) {
            Err(error) => {
                let mend = "write labels as in PromQL, e.g. 'alertname=\"PodRestarting\", service=\"api\"'";
                let message = format!("{:?} says of no alert what it is: {}", text.value, error.kind);
                context.problem(at(text), message, mend.to_owned());
            }
            Ok(matchers) => {
                let Some(guard) = guards.iter().find(|guard| guard.could_match(&matchers)) else { continue };
                let name = guard.name();
                let message =
                    format!("{} could keep {name} quiet, which guards the rollout", text.value.trim());
                let mend =
                    format!("name the alert that is meant, or leave that one out: alertname!={name:?}");
                context.problem(at(text), message, mend);
            }
        }
    }
    raw.value.iter().map(|text| text.value.trim().to_owned()).collect()
}

fn guards(context: &mut Context<'_>, raw: &Spanned<RawGuards>) -> Vec<GuardingAlert> {
    let file = match &raw.value {
        RawGuards::Names(names) => {
            for name in names.iter().filter(|name| name.value.trim().is_empty()) {
                let mend = "write the alertname of a rule".to_owned();
                context.problem(at(name), format!("{:?} is no name of an alert", name.value), mend);
            }
            return names.iter().map(|name| GuardingAlert::named(&name.value)).collect();
        }
        RawGuards::File(file) => file,
    };
    let read = (context.beside)(file).and_then(|text| {
        RuleFile::read(&text).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            all.join("; ")
        })
    });
    let mend = "name a rule file of Prometheus, from the folder of this file, or list the names of alerts";
    match read.map(|rules| GuardingAlert::all_of(&rules)) {
        Ok(guards) if guards.is_empty() => {
            context.problem(at(raw), format!("{file} has no alert"), mend.to_owned());
            guards
        }
        Ok(guards) => guards,
        Err(why) => {
            context.problem(at(raw), format!("{file}: {why}"), mend.to_owned());
            Vec::new()
        }
    }
}

/// Where nothing is said: the longest that the plan can take when nobody is asked and nothing holds.
fn lasts(context: &mut Context<'_>, text: Option<&Text>, plan: &Plan) -> Millis {
    let pauses: Millis = plan.steps().iter().map(|step| step.pause_ms).sum();
    let checks = [plan.preview(), plan.verify()].into_iter().filter(|there| *there).count() as Millis;
    let longest = pauses
        .saturating_add(plan.bake_ms())
        // To start the new version, and to stop the old one.
        .saturating_add(plan.progress_deadline_ms().saturating_mul(2))
        .saturating_add(plan.checks_within_ms().saturating_mul(checks));
    let lasts_ms = context.millis(text, longest.clamp(60_000, LASTS_MAX_MS));
    if let (Some(text), false) = (text, (1..=LASTS_MAX_MS).contains(&lasts_ms)) {
        let mend = "write a time above nothing, up to 24h".to_owned();
        context.problem(at(text), format!("a silence does not last {}", text.value), mend);
    }
    lasts_ms
}

fn said(context: &mut Context<'_>, comment: &Scalar) -> Option<String> {
    let text = context.text(comment)?;
    if text.trim().is_empty() {
        let mend = "say why, or take it away; then it names pipeline, job and version".to_owned();
        context.problem(at(comment), "the comment is empty".to_owned(), mend);
    }
    Some(text)
}
