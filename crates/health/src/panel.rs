//! Both families of rules as one judge: sequential tests while there is something to compare with, literal rules always.
//!
//! While both revisions serve, the tests stand for the literal rules on requests: these are still looked at, and told
//! of, but alone they send nothing back. Where nothing serves at the same time (after the cut-over, or in a first
//! release) a test has nothing to compare with, and the literal rules act. Rules about instances always act.

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use crate::sequential::{Metric, Plan, Sequential};
use crate::{Breach, Finite, Judge, Literal, RuleName, Rules, Sample, Shown, Tests, Verdict};

/// From this share on, in percent, stable serves nobody.
const CUT_OVER: u8 = 100;

/// A judge of both families.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Panel {
    literal: Literal,
    tests: Option<(Tests, Sequential)>,
    /// Stable serves at the same time.
    compared: bool,
    percent: u8,
}

impl Panel {
    /// A judge under these rules.
    pub fn new(rules: Rules) -> Self {
        let tests = rules.tests.map(|tests| (tests, Sequential::new(plan(&tests, &rules))));
        Self { literal: Literal::new(rules), tests, compared: false, percent: 0 }
    }

    /// The sequential tests, when they judge.
    pub fn tests(&self) -> Option<&Sequential> {
        self.tests.as_ref().map(|(_, tests)| tests)
    }

    /// Whether the tests stand for that rule now.
    fn replaced(&self, rule: RuleName) -> bool {
        self.compared && self.tests.as_ref().is_some_and(|(tests, _)| tests.replace(rule))
    }

    /// What both families know, put together.
    fn together(&self, now: Timestamp, literal: Verdict, tests: Verdict) -> Verdict {
        let (acting, seen): (Vec<Breach>, Vec<Breach>) = match literal {
            Verdict::Regressed(breaches) => breaches.into_iter().partition(|b| !self.replaced(b.rule)),
            _ => (Vec::new(), Vec::new()),
        };
        let proven = match tests {
            Verdict::Regressed(breaches) => breaches,
            // What holds the release back whatever the cause does so in an incident as well.
            silent @ (Verdict::NoData | Verdict::Shared(_)) => {
                return if acting.is_empty() { silent } else { Verdict::Regressed(acting) };
            }
            Verdict::Undecided if acting.is_empty() => return Verdict::Undecided,
            Verdict::Healthy | Verdict::Undecided => Vec::new(),
        };
        if acting.is_empty() && proven.is_empty() {
            return Verdict::Healthy;
        }
        let literally = acting.iter().chain(&seen).map(|b| b.text.as_str()).next();
        let literally = literally.unwrap_or("nothing yet").to_owned();
        let tested = self.tests().map(|tests| tests.summary(now)).unwrap_or_default();
        let told = |mut breach: Breach, of_tests: bool| {
            let other =
                if of_tests { format!("literal rules: {literally}") } else { format!("tests: {tested}") };
            breach.text = format!("{}; {other}", breach.text);
            breach
        };
        let proven = proven.into_iter().map(|breach| told(breach, true));
        Verdict::Regressed(acting.into_iter().map(|breach| told(breach, false)).chain(proven).collect())
    }
}

/// What a rollout asks of the tests.
fn plan(tests: &Tests, rules: &Rules) -> Plan {
    let plan = Plan::new(tests.scrapes);
    let mut weights = plan.weights;
    // A rule that is switched off is no concern of the rollout, by whatever means.
    for (metric, weight) in Metric::ALL.into_iter().zip(&mut weights) {
        let off = match metric {
            Metric::Errors => rules.error_rate.is_none() && rules.server_errors.is_none(),
            Metric::Latency => rules.response_time.is_none(),
            Metric::Limit | Metric::Scrapes => false,
        };
        if off {
            *weight = Finite::default();
        }
    }
    Plan {
        alpha: Finite::ratio(tests.alpha_ppm.into(), 1_000_000),
        min_requests: rules.min_requests,
        floor_us: rules.response_time.map_or(0, |rule| rule.min_diff_us),
        limit: rules.error_rate.map(|rule| Finite::ratio(rule.over_ppm, 1_000_000)),
        weights,
        ..plan
    }
}

impl From<Rules> for Panel {
    fn from(rules: Rules) -> Self {
        Self::new(rules)
    }
}

impl Judge for Panel {
    fn weighed(&mut self, at: Timestamp, percent: u8) {
        self.percent = percent;
        self.literal.weighed(at, percent);
        if let Some((_, tests)) = &mut self.tests {
            tests.weighed(at, percent);
        }
    }

    fn judge(&mut self, now: Timestamp, sample: Option<&Sample>) -> Verdict {
        let literal = self.literal.judge(now, sample);
        if let Some(sample) = sample {
            self.compared = sample.stable.is_some() && self.percent < CUT_OVER;
        }
        let compared = self.compared;
        let Some((_, tests)) = &mut self.tests else { return literal };
        let tested = tests.judge(now, sample);
        match literal {
            Verdict::NoData | Verdict::Undecided => match tested {
                // Too little for one family may be enough for the other.
                Verdict::Regressed(_) | Verdict::Shared(_) if compared => {
                    self.together(now, Verdict::Healthy, tested)
                }
                _ => literal,
            },
            _ if !compared => literal,
            _ => self.together(now, literal, tested),
        }
    }

    fn shown(&self) -> Shown {
        self.literal.shown()
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        self.literal.visit(v);
        if let Some((_, tests)) = &mut self.tests {
            tests.visit(v);
        }
    }
}
