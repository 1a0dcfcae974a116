//! Bounded metrics in a gate file: where each value comes from, and a limit below its maximum.

use health::Finite;

use super::raw::RawBounded;
use super::{Gate, Reader};
use crate::bounded::{Bounded, MOST, overlap};
use crate::units::span;

impl Reader<'_> {
    /// All that are written; `gate` already knows its source and the time between two looks.
    pub(super) fn bounded(&mut self, gate: &mut Gate, raw: &[RawBounded]) {
        if let Some(first) = raw.get(MOST) {
            let mend = "keep the most important ones: each takes its share of alpha from the others";
            self.problem(&first.name, format!("more than {MOST} bounded metrics"), mend);
            return;
        }
        for one in raw {
            let found = self.one_bounded(gate, one);
            gate.setup.bounded.extend(found);
        }
    }

    fn one_bounded(&mut self, gate: &Gate, raw: &RawBounded) -> Option<Bounded> {
        let name = raw.name.value.trim().to_owned();
        if name.is_empty() || gate.setup.bounded.iter().any(|it| it.name == name) {
            let what =
                if name.is_empty() { "a bounded metric without a name" } else { "a name that is taken" };
            self.problem(&raw.name, what.to_owned(), "give each bounded metric a name of its own");
            return None;
        }
        let from = self.from(gate, raw)?;
        let scale = match &raw.scale {
            Some(scale) if !(scale.value.is_finite() && scale.value > 0.0) => {
                let mend = "write the largest value that the metric can have, above 0";
                self.problem(scale, format!("{} is no maximum", scale.value), mend);
                return None;
            }
            scale => scale.as_ref().map_or(1.0, |scale| scale.value),
        };
        let share = raw.at_most.value / scale;
        if !(share > 0.0 && share < 1.0) {
            let message = format!("{} is not between 0 and the maximum, {scale}", raw.at_most.value);
            let mend = "write at_most: in the metric's own unit, and scale: its maximum when that is not 1";
            self.problem(&raw.at_most, message, mend);
            return None;
        }
        Some(Bounded { name, from, at_most: Finite::new(raw.at_most.value)?, scale: Finite::new(scale)? })
    }

    /// A query where a Prometheus is asked, a pointer where a document is.
    fn from(&mut self, gate: &Gate, raw: &RawBounded) -> Option<String> {
        let (name, key, other, mend) = match (&gate.prometheus, &gate.web) {
            (_, Some(_)) => (
                &raw.name,
                &raw.pointer,
                &raw.query,
                "write pointer: /new/misses, a place in the document of web:",
            ),
            (Some(_), None) => (
                &raw.name,
                &raw.query,
                &raw.pointer,
                "write query: with an expression of PromQL that gives one value of the canary",
            ),
            (None, None) => {
                let message = "a bounded metric comes from a Prometheus or from a JSON document".to_owned();
                self.problem(&raw.name, message, "add prometheus: URL and query:, or web: and pointer:");
                return None;
            }
        };
        if let Some(other) = other {
            self.problem(other, format!("{:?} is of another source than the gate's", other.value), mend);
            return None;
        }
        let Some(from) = key else {
            self.problem(name, format!("nowhere to read {} from", name.value), mend);
            return None;
        };
        let bad_pointer = gate.web.is_some() && !from.value.starts_with('/');
        if bad_pointer || from.value.trim().is_empty() {
            self.problem(from, format!("{:?} is no pointer or query", from.value), mend);
            return None;
        }
        if let Some(window) = overlap(&from.value, gate.every_ms).filter(|_| gate.web.is_none()) {
            let every = span(gate.every_ms);
            let message = format!(
                "its window {window} is longer than the {every} between two looks: what overlaps is no new evidence"
            );
            self.problem(from, message, &format!("write a window of at most {every}, or every: {window}"));
            return None;
        }
        Some(from.value.clone())
    }
}
