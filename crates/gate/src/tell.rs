//! What a session knows, put into a report.

use health::Finite;
use health::sequential::numerics::clopper_pearson;
use health::sequential::promote::smallest_seen;
use health::sequential::{Blame, Explained, Explanation, LogE, Metric, Sight, engine::Finding};
use machine::Timestamp;

use crate::bounded::Bound;
use crate::session::{By, Ended};
use crate::summed::Summed;
use crate::units::{percent, span};
use crate::{AlertState, ArmReport, Report, Session, Smallest, Verdict};

/// The part of a report that follows from the verdict.
struct Said {
    verdict: Verdict,
    headline: String,
    reasons: Vec<String>,
    alert: Option<String>,
    blame: Option<Blame>,
    metric: Option<Metric>,
    since: Option<Timestamp>,
    other: Option<String>,
}

impl Said {
    fn plain(verdict: Verdict, headline: impl Into<String>) -> Self {
        let (reasons, headline) = (Vec::new(), headline.into());
        Self { verdict, headline, reasons, alert: None, blame: None, metric: None, since: None, other: None }
    }
}

impl Session {
    /// What is to be said now.
    pub fn report(&self) -> Report {
        let now = self.last.unwrap_or_default();
        let explanation = match &self.ended {
            Some(ended) => ended.explanation.clone(),
            None => self.explained(now),
        };
        let said = match &self.ended {
            Some(ended) => self.against(ended),
            None => self.open(now, &explanation),
        };
        let (instance, endpoint) = match said.blame {
            Some(Blame::Instance(id)) => (Some(self.name(true, id)), None),
            Some(Blame::Endpoint(id)) => (None, self.endpoints.names.get(id as usize).cloned()),
            _ => (None, None),
        };
        let bounded = self.ended.as_ref().is_some_and(|ended| matches!(ended.by, By::Bounded(_)));
        let arm = match (said.verdict, said.blame) {
            (_, Some(Blame::Incident)) => Some("both".to_owned()),
            (Verdict::Regressed, _) if said.other.is_none() || bounded => Some("canary".to_owned()),
            (_, Some(_)) => Some("canary".to_owned()),
            _ => None,
        };
        let mut notes = self.notes.clone();
        notes.extend(self.unjudged(&explanation).map(ToOwned::to_owned));
        if self.untold > 0 {
            notes.push(format!("{} further refusals of other kinds are not told one by one", self.untold));
        }
        Report {
            service: self.setup.service.clone(),
            verdict: said.verdict,
            code: said.verdict.code(),
            headline: said.headline,
            reasons: said.reasons,
            alert: said.alert,
            change: self.change(said.verdict, &explanation),
            metric: said.metric.map(|metric| metric.as_str().to_owned()).or(said.other),
            arm,
            instance,
            endpoint,
            since: said.since,
            decided: self.ended.as_ref().map(|ended| ended.at),
            canary: self.arm(true),
            stable: self.arm(false),
            smallest: self.smallest(),
            baseline: self.setup.baseline.clone(),
            decides: self.setup.decides,
            explanation,
            bounded: self.bets.all().collect(),
            planned: self.planned_so_far(),
            literal: self.fired.values().cloned().collect(),
            alerts: self.alerts.clone(),
            refused: self.refused.values().cloned().collect(),
            notes,
            began_ms: self.setup.began_ms,
            over_ms: now.as_millis(),
            looks: self.looks,
            source: self.setup.source.clone(),
        }
    }

    fn arm(&self, canary: bool) -> ArmReport {
        let (sums, names): (&Summed, _) =
            if canary { (&self.canary, &self.names.0) } else { (&self.stable, &self.names.1) };
        let limit = self.setup.rules.memory.and_then(|rule| rule.limit_bytes);
        let leaks = self.leaks.iter().filter(|_| canary);
        let leaks = leaks.filter_map(|(id, leak)| Some((self.name(true, *id), leak.found(limit)?)));
        ArmReport {
            instances: names.values().cloned().collect(),
            requests: sums.counts.requests,
            bad: sums.counts.bad,
            p95_us: sums.arm().latency.quantile(95).map(|quantile| quantile.estimate_us),
            leaks: leaks.collect(),
        }
    }

    /// The verdict that ends a gate.
    fn against(&self, ended: &Ended) -> Said {
        match &ended.by {
            By::Tests(blame) => self.proven(*blame, &ended.explanation),
            By::Literal(breach) => {
                let mut said =
                    Said::plain(Verdict::Regressed, format!("the canary is worse: {}", breach.text));
                said.reasons.push(format!("literal rule {breach}"));
                said.since = Some(breach.since);
                said.other = Some(breach.rule.to_string());
                said
            }
            By::Planned(look) => {
                let [canary, stable] = [look.pair.canary, look.pair.stable];
                let (of_canary, of_stable) = (percent(canary.rate()), percent(stable.rate()));
                let mut said = Said::plain(
                    Verdict::Regressed,
                    format!(
                        "the canary is worse; failed: {} of {} against {} of {} ({of_canary} against {of_stable})",
                        canary.bad, canary.requests, stable.bad, stable.requests
                    ),
                );
                said.reasons.extend(self.planned_so_far().map(|planned| planned.told()));
                said.metric = Some(Metric::Errors);
                said
            }
            By::Bounded(bound) => {
                let mut said =
                    Said::plain(Verdict::Regressed, format!("the canary is over a limit: {}", bound.told()));
                said.reasons.push(bound_evidence(bound));
                said.other = Some(format!("bounded {}", bound.asked.name));
                said
            }
            By::Alert(alert) => {
                let text = if alert.text.is_empty() { &alert.labels } else { &alert.text };
                let held = span(u64::try_from(alert.for_ms).unwrap_or(0));
                let mut said = Said::plain(Verdict::Regressed, format!("alert {} fires: {text}", alert.rule));
                said.reasons.push(format!("alert {}{} holds for {held}", alert.rule, alert.labels));
                said.since =
                    ended.at.as_millis().checked_sub(alert.for_ms.unsigned_abs()).map(Timestamp::from_millis);
                said.other = Some(format!("alert {}", alert.rule));
                said
            }
        }
    }

    fn proven(&self, blame: Blame, explanation: &Explanation) -> Said {
        let of = |metric: Option<Metric>| explanation.metrics.iter().find(|it| Some(it.metric) == metric);
        let leading = match (self.engine.leading(), of(Some(Metric::Errors))) {
            // The limit says only that it is bad; the errors beside it say that it is worse.
            (Some(Metric::Limit), Some(errors)) if errors.named => Some(Metric::Errors),
            (leading, _) => leading,
        };
        let metric = of(leading);
        let brief =
            metric.map(|metric| format!("{} ({})", metric.brief(), rates(metric))).unwrap_or_default();
        let what = match blame {
            Blame::Release => "the canary is worse".to_owned(),
            Blame::Endpoint(id) => {
                let name = self.endpoints.names.get(id as usize).map_or("one endpoint", String::as_str);
                format!("the canary is worse at {name}, as good elsewhere")
            }
            Blame::Instance(id) => {
                format!("instance {} is bad, the others of the canary are not", self.name(true, id))
            }
            Blame::Incident => "both revisions are over the limit: an incident, not this release".to_owned(),
        };
        let mut said = Said::plain(Verdict::Regressed, format!("{what}; {brief}"));
        said.reasons.push(evidence(explanation));
        (said.blame, said.metric) = (Some(blame), leading);
        said.since = metric.and_then(|metric| metric.since);
        said
    }

    /// The verdict while nothing is proven against the release.
    fn open(&self, now: Timestamp, explanation: &Explanation) -> Said {
        if let Some(said) = self.nothing(now) {
            return said;
        }
        if let Some(why) = self.uncompared() {
            return Said::plain(Verdict::Undecided, why);
        }
        let blind: Vec<String> = self
            .names
            .0
            .iter()
            .filter(|(id, _)| !self.canary.was_counted(**id))
            .map(|(_, name)| name.clone())
            .collect();
        let judged = self.setup.decides.sequential();
        let finding = self.engine.finding(now);
        match finding {
            Finding::Regressed(blame @ (Blame::Instance(_) | Blame::Incident)) if judged => {
                let mut said = self.proven(blame, explanation);
                said.verdict = Verdict::Undecided;
                let act = if blame == Blame::Incident {
                    "look for what both share; promote nothing until it is over"
                } else {
                    "restart or eject it; the release itself is not to blame"
                };
                said.alert = Some(format!("{}: {act}", said.headline));
                said
            }
            Finding::Suspected if judged => {
                let (headline, alert) = self.suspected_by_record().unwrap_or_else(|| {
                    let over = "the canary is over the limit, and nothing shows that it is worse than stable";
                    let act = "over the absolute limit: hold, and look at what both revisions share";
                    (over.to_owned(), act.to_owned())
                });
                let mut said = Said::plain(Verdict::Undecided, headline);
                said.reasons.push(evidence(explanation));
                said.alert = Some(alert);
                said
            }
            Finding::NoData(sight) => {
                let held = if sight == Sight::Blind {
                    "for longer than the blind budget"
                } else {
                    "at the last looks"
                };
                Said::plain(Verdict::NoData, format!("nothing was heard of the canary {held}"))
            }
            _ if !blind.is_empty() => Said::plain(
                Verdict::Undecided,
                format!("no look at {} of the canary gave evidence", blind.join(", ")),
            ),
            _ => self.unfinished().unwrap_or_else(|| self.enough(explanation)),
        }
    }

    /// Nothing to judge at all, of one arm or of both.
    fn nothing(&self, now: Timestamp) -> Option<Said> {
        let silent = |canary: bool, sums: &Summed| {
            let arm = crate::refusal::arm_name(canary);
            let of_arm: Vec<_> = self
                .refused
                .values()
                .filter(|it| it.refusal.arm == arm || it.refusal.arm.is_empty())
                .collect();
            let latest =
                of_arm.iter().filter(|it| it.last >= now).max_by_key(|it| it.looks).or(of_arm.first());
            let why = latest.map_or_else(
                || "it has served no request while it was looked at".to_owned(),
                |it| format!("{}: {}", it.refusal.source, it.refusal.text),
            );
            let mut said = Said::plain(Verdict::NoData, format!("no data of the {arm}: {why}"));
            said.reasons = of_arm
                .iter()
                .map(|it| format!("{}: {}", it.refusal.source, it.refusal.text))
                .take(5)
                .collect();
            (sums.counts.requests == 0).then_some(said)
        };
        // A stable that answers and serves nothing is no longer needed where its record is.
        let needed = self.setup.compared && !(self.has_record() && self.stable.heard());
        silent(true, &self.canary).or_else(|| silent(false, &self.stable).filter(|_| needed))
    }

    /// What was asked for and has not been heard to its end.
    fn unfinished(&self) -> Option<Said> {
        if let Some(bound) = self.unheard_bound() {
            return Some(Said::plain(Verdict::Undecided, bound.told()));
        }
        let planned = self.planned_so_far()?;
        planned.next_at?;
        let (done, all) = (self.canary.counts.requests, planned.plan.requests);
        let headline = format!(
            "{done} of the {all} planned requests of the canary: nothing is promised before the last look"
        );
        let mut said = Said::plain(Verdict::Undecided, headline);
        said.reasons.push(planned.told());
        Some(said)
    }

    fn enough(&self, explanation: &Explanation) -> Said {
        let (requests, least) = (self.canary.counts.requests, self.setup.plan.min_requests);
        let cleared = matches!(explanation.finding, Finding::Healthy { cleared: true });
        let mut said = if requests < least {
            Said::plain(
                Verdict::Undecided,
                format!("{requests} requests of the canary are too few; {least} are asked for"),
            )
        } else if self.setup.must_clear && !cleared {
            let times = self.setup.plan.excluded.value();
            Said::plain(Verdict::Undecided, format!("{times} times the errors are not excluded yet"))
        } else {
            let rates = [self.canary.counts, self.stable.counts].map(|counts| percent(counts.rate()));
            let [canary, stable] = rates;
            let against = if self.setup.compared { format!(", stable {stable}") } else { String::new() };
            let record = self.engine.record().map(|record| percent(record.at_rest()));
            let record = record.map_or(String::new(), |most| format!(", the baseline allows {most}"));
            Said::plain(
                Verdict::Healthy,
                format!(
                    "nothing speaks against the canary: {canary} of {requests} requests failed{against}{record}"
                ),
            )
        };
        if let Some(planned) = self.planned_so_far() {
            said.reasons.push(planned.told());
        } else if self.setup.compared || self.has_record() {
            said.reasons.push(evidence(explanation));
        }
        said
    }

    /// The smallest regression that could have been seen.
    fn smallest(&self) -> Option<Smallest> {
        let (canary, stable) = (self.canary.counts, self.stable.counts);
        let plan = self.engine.plan();
        let at_most = stable.bad == 0;
        if stable.requests == 0 {
            return self.smallest_by_record();
        }
        let base = if at_most { clopper_pearson(0, stable.requests, 0.05).1 } else { stable.rate() };
        let times = if self.planned.is_some() {
            self.smallest_by_plan(base)?
        } else {
            smallest_seen(base, canary.requests, plan.alpha.value(), plan.beta.value())?
        };
        Some(Smallest { times: Finite::new(times)?, base: Finite::new(base)?, at_most, recorded: false })
    }

    /// What would change the verdict.
    fn change(&self, verdict: Verdict, explanation: &Explanation) -> Vec<String> {
        let mut lines = Vec::new();
        let least = self.setup.plan.min_requests;
        match verdict {
            Verdict::Regressed => lines.push(
                "nothing in this gate: the verdict is kept; a mended release begins a new one".to_owned(),
            ),
            Verdict::NoData => lines
                .push("an answer of every instance that can be counted, while it serves requests".to_owned()),
            Verdict::Undecided if self.canary.counts.requests < least => {
                lines.push(format!(
                    "{} more requests of the canary without further errors",
                    least - self.canary.counts.requests
                ));
            }
            Verdict::Undecided | Verdict::Healthy => {}
        }
        if matches!(verdict, Verdict::Healthy | Verdict::Undecided)
            && self.setup.decides.sequential()
            && let Some(more) = explanation.short_of
        {
            lines.push(format!("{more} more failed requests of the canary at once would call it worse"));
        }
        let due = self
            .planned_so_far()
            .and_then(|planned| planned.next_at)
            .filter(|_| verdict == Verdict::Undecided);
        lines.extend(due.map(|at| format!("the next planned look, at {at} requests of the canary")));
        let pending = self.alerts.iter().filter(|alert| alert.state == AlertState::Pending);
        lines.extend(
            pending
                .map(|alert| format!("alert {} is pending; firing would call the canary worse", alert.rule)),
        );
        lines
    }
}

/// Both arms' shares of what was bad.
fn rates(metric: &Explained) -> String {
    let [canary, stable] = [metric.counts.canary, metric.counts.stable].map(|counts| percent(counts.rate()));
    format!("{canary} against {stable}")
}

/// The evidence against a bounded metric in one line.
fn bound_evidence(bound: &Bound) -> String {
    let (found, needed) = (bound.evidence, LogE::from_ln(bound.threshold.value()));
    let alpha = percent(bound.alpha.value());
    format!(
        "evidence {found} of {needed} that its mean is above {}; one at the limit gets there with a chance of {alpha} at \
         most, whenever it is looked at",
        bound.asked.at_most.value()
    )
}

/// The evidence in one line.
fn evidence(explanation: &Explanation) -> String {
    let (found, needed) = (explanation.evidence, LogE::from_ln(explanation.threshold.value()));
    let alpha = percent(explanation.alpha.value());
    format!(
        "evidence {found} of {needed} that it is worse; a canary as good as stable gets there with a chance of \
         {alpha} at most, whenever it is looked at"
    )
}
