//! A verdict with its explanation as data, and in lines for a person.

use machine::Timestamp;
use serde::{Deserialize, Serialize};

use super::combine::named;
use super::engine::{Engine, Finding};
use super::mixture::finite;
use super::promote::smallest_seen;
use super::trail::Point;
use super::{Durations, LogE, Metric, Pair};
use crate::Finite;

/// One metric of the explanation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Explained {
    /// Which.
    pub metric: Metric,
    /// Its part of the whole.
    pub weight: Finite,
    /// What both arms did: bad requests, slow ones, or failed scrapes.
    pub counts: Pair,
    /// The evidence that the canary is worse, as a logarithm.
    pub evidence: LogE,
    /// The always-valid p-value.
    pub p_value: Finite,
    /// Where the ratio of the rates lies, missed with probability alpha; `None` for an absolute limit.
    pub ratio: Option<(Finite, Finite)>,
    /// Since when the canary seems to be worse.
    pub since: Option<Timestamp>,
    /// The edge in microseconds, for latency.
    pub edge_us: Option<u64>,
    /// It is one of those that did it (e-BH).
    pub named: bool,
}

/// A verdict and why.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Explanation {
    /// When it was asked for.
    pub at: Timestamp,
    /// The verdict.
    pub finding: Finding,
    /// All metrics together, as a logarithm.
    pub evidence: LogE,
    /// The same without what was paid back of wins beyond the threshold; `None` in what was written before there was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain: Option<LogE>,
    /// The logarithm at which the release goes back.
    pub threshold: Finite,
    /// Allowed probability of a false rollback.
    pub alpha: Finite,
    /// Metric by metric.
    pub metrics: Vec<Explained>,
    /// The smallest ratio of error rates that this step could have seen; anything weaker is unproven. `None`: none.
    pub smallest_seen: Option<Finite>,
    /// Further bad requests of the canary alone that would send it back; `None` when no number would.
    pub short_of: Option<u64>,
    /// The way here, for the picture.
    pub trail: Vec<Point>,
    /// The durations of both arms, where whoever asks has counted them. They decide nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durations: Option<Durations>,
}

impl Explanation {
    /// Explains what an engine knows at `now`.
    pub fn of(engine: &Engine, now: Timestamp) -> Self {
        let plan = engine.plan();
        let step = engine.step_totals();
        let base = engine.errors().totals().stable.rate();
        let seen = smallest_seen(base, step.canary.requests, plan.alpha.value(), plan.beta.value());
        let mut metrics: Vec<Explained> =
            Metric::ALL.iter().filter_map(|metric| explained(engine, *metric)).collect();
        let e: Vec<LogE> = metrics.iter().filter_map(|metric| engine.plain_evidence(metric.metric)).collect();
        for (metric, is) in metrics.iter_mut().zip(named(&e, plan.alpha.value())) {
            metric.named = is;
        }
        Self {
            at: now,
            finding: engine.finding(now),
            evidence: engine.evidence(),
            plain: Some(engine.plain()),
            threshold: finite(plan.ln_threshold()),
            alpha: plan.alpha,
            metrics,
            smallest_seen: seen.map(finite),
            short_of: engine.errors().short_of(plan.ln_threshold()),
            trail: engine.trail().points().to_vec(),
            durations: None,
        }
    }

    /// The always-valid p-value of all metrics together. What decides is paid for up to the threshold; beyond it only what
    /// is evidence without what was paid back.
    pub fn p_value(&self) -> f64 {
        let decided = LogE::from_ln(self.evidence.ln().min(self.threshold.value()));
        self.plain.map_or(decided, |plain| decided.larger(plain)).p_value()
    }

    /// In lines for a person.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{}: evidence {} of {:.0} needed (p {:.4}, alpha {})",
            word(&self.finding),
            self.evidence,
            libm::exp(self.threshold.value()),
            self.p_value(),
            self.alpha.value()
        )];
        lines.extend(self.metrics.iter().map(Explained::line));
        lines.push(match self.smallest_seen {
            Some(ratio) => {
                format!("this step could have seen {:.2} times the errors; less is unproven", ratio.value())
            }
            None => "this step could not have seen any rise of the errors".to_owned(),
        });
        lines.extend(self.durations.as_ref().map(Durations::told));
        if !matches!(self.finding, Finding::Regressed(_))
            && let Some(more) = self.short_of
        {
            lines.push(format!("{more} more failed requests of the canary at once would send it back"));
        }
        lines
    }
}

impl Explained {
    /// Both arms in a few words.
    pub fn brief(&self) -> String {
        let (canary, stable) = (self.counts.canary, self.counts.stable);
        let what = match self.metric {
            Metric::Latency => {
                let edge =
                    self.edge_us.map_or(String::new(), |us| format!(" than {} ms", us as f64 / 1_000.0));
                format!("slower{edge}")
            }
            Metric::Errors | Metric::Limit => "failed".to_owned(),
            Metric::Scrapes => "scrapes without an answer".to_owned(),
        };
        format!("{what}: {} of {} against {} of {}", canary.bad, canary.requests, stable.bad, stable.requests)
    }

    fn line(&self) -> String {
        let (canary, stable) = (self.counts.canary, self.counts.stable);
        let edge = self.edge_us.map_or(String::new(), |us| format!(" over {} ms", us as f64 / 1_000.0));
        let ratio = self.ratio.map_or(String::new(), |(low, high)| {
            format!(", ratio {:.2} to {:.2}", low.value(), high.value())
        });
        let since = self.since.filter(|_| self.named).map_or(String::new(), |at| format!(", since {at}"));
        format!(
            "{}{edge}: canary {} of {}, stable {} of {}, evidence {}{ratio}{since}{}",
            self.metric.as_str(),
            canary.bad,
            canary.requests,
            stable.bad,
            stable.requests,
            self.evidence,
            if self.named { " <- this" } else { "" }
        )
    }
}

fn word(finding: &Finding) -> String {
    match finding {
        Finding::Healthy { cleared: true } => "healthy and cleared".to_owned(),
        Finding::Healthy { cleared: false } => "healthy so far".to_owned(),
        Finding::Regressed(blame) => format!("regressed ({blame:?})"),
        Finding::Suspected => "suspected by the record alone".to_owned(),
        Finding::Undecided => "undecided".to_owned(),
        Finding::NoData(sight) => format!("no data ({sight:?})"),
    }
}

fn explained(engine: &Engine, metric: Metric) -> Option<Explained> {
    let alpha = engine.plan().alpha.value();
    let evidence = engine.metric_evidence(metric)?;
    let weights = Metric::ALL.iter().zip(engine.plan().weights);
    let weight = weights.filter(|(one, _)| **one == metric).map(|(_, w)| w).next()?;
    let ends = |(low, high): (f64, f64)| Some((finite(low), finite(high)));
    let (counts, highest, ratio, since, edge_us) = match metric {
        Metric::Errors => {
            let test = engine.errors();
            (*test.totals(), test.highest(), ends(test.interval(alpha)), test.since(), None)
        }
        Metric::Scrapes => {
            let test = engine.scrapes();
            (*test.totals(), test.highest(), ends(test.interval(alpha)), test.since(), None)
        }
        Metric::Latency => {
            let (edge, test) = engine.edge_test()?.leader()?;
            (*test.totals(), test.highest(), ends(test.interval(alpha)), test.since(), Some(edge))
        }
        Metric::Limit => {
            let (canary, stable) = engine.limits()?;
            let counts = Pair { canary: canary.totals(), stable: stable.totals() };
            (counts, LogE::ONE, None, canary.since(), None)
        }
    };
    let plain = engine.plain_evidence(metric)?;
    let p_value = finite(highest.larger(plain).p_value());
    Some(Explained { metric, weight, counts, evidence, p_value, ratio, since, edge_us, named: false })
}
