//! A JSON document with the counts of both revisions, each named by a pointer.

use adapter_prometheus::Source;
use adapter_prometheus::web::{Pointers, WebMetrics};
use gate::bounded::Bounded;
use gate::{Counted, Observation, Pod};
use health::sequential::Counts;
use supervise::RevisionId;

use super::direct::refusal;
use super::{Clock, values};
use crate::failure::Failure;
use health::checks::url;

const CANARY: &str = "canary";
const STABLE: &str = "stable";

/// A JSON document.
pub(crate) struct Web {
    metrics: WebMetrics,
    pub(crate) url: String,
    pub(crate) clock: Clock,
    compared: bool,
    bounded: Vec<Bounded>,
}

impl Web {
    pub(super) fn new(web: &gate::file::Web, bounded: Vec<Bounded>, clock: Clock) -> Result<Self, Failure> {
        let url = url::read(&web.url, "/").map_err(Failure::usage)?;
        let pointers = |name: &str, it: &gate::file::Pointers| Pointers {
            revision: RevisionId::new(name),
            requests: it.requests.clone(),
            server_errors: it.server_errors.clone(),
            failures: it.failures.clone(),
        };
        let mut arms = vec![pointers(CANARY, &web.canary)];
        arms.extend(web.stable.as_ref().map(|stable| pointers(STABLE, stable)));
        let compared = web.stable.is_some();
        let metrics = WebMetrics::new(Source::Tcp(url.address), url.path, arms);
        Ok(Self { metrics, url: web.url.clone(), clock, compared, bounded })
    }

    pub(super) async fn look(&self) -> Observation {
        let document = self.metrics.document().await;
        let mut look = Observation { at_ms: self.clock.at_ms(), ..Observation::default() };
        if let Ok(document) = &document {
            values::of_document(&self.bounded, document, &mut look);
        }
        match document.and_then(|document| self.metrics.arms(&document)) {
            Ok(arms) => {
                for arm in arms {
                    let bad = arm.server_errors.saturating_add(arm.failures);
                    let counted = Counted { counts: Counts::new(arm.requests, bad), ..Counted::default() };
                    let canary = arm.revision.as_str() == CANARY;
                    look.pods.push(Pod::counted(canary, 0, &self.url, &counted, self.clock.began_ms));
                }
            }
            Err(error) => {
                look.refused.push(refusal(&self.url, &error));
                look.pods.push(Pod::lost(true, 0, &self.url));
                if self.compared {
                    look.pods.push(Pod::lost(false, 0, &self.url));
                }
            }
        }
        look
    }
}
