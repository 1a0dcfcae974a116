//! The values of bounded metrics: one of each a look, out of a document or by a query. What gives no one number is
//! refused by its name.

use adapter_prometheus::query::{QueryClient, QueryError};
use gate::bounded::Bounded;
use gate::{Observation, Refusal, Why};
use health::Finite;
use serde_json::Value;

use super::server::why;

/// Takes a value, or says why it is none.
fn take(look: &mut Observation, asked: &Bounded, found: Result<f64, (Why, String)>) {
    let refused = |why: Why, text: String| Refusal::new(&asked.name, why, text).of(true);
    match found {
        Ok(value) if value.is_nan() => look.refused.push(refused(Why::NotANumber, "not a number".into())),
        Ok(value) => match Finite::new(value) {
            Some(value) => drop(look.values.insert(asked.name.clone(), value)),
            None => look.refused.push(refused(Why::Infinite, "infinite".into())),
        },
        Err((why, text)) => look.refused.push(refused(why, text)),
    }
}

/// What stands in the document where the pointers say.
pub(super) fn of_document(bounded: &[Bounded], document: &Value, look: &mut Observation) {
    for asked in bounded {
        let found = match document.pointer(&asked.from) {
            None => Err((Why::Missing, format!("nothing at {}", asked.from))),
            Some(value) => value
                .as_f64()
                .ok_or_else(|| (Why::Malformed, format!("{value} at {} is no number", asked.from))),
        };
        take(look, asked, found);
    }
}

/// What a Prometheus answers at a time, in milliseconds since 1970.
pub(super) async fn of_queries(bounded: &[Bounded], client: &QueryClient, at: i64, look: &mut Observation) {
    for asked in bounded {
        let found = value(client, &asked.from, at).await;
        take(look, asked, found);
    }
}

async fn value(client: &QueryClient, query: &str, at: i64) -> Result<f64, (Why, String)> {
    let answer = client.instant(query, Some(at)).await;
    let answer = answer.map_err(|error: QueryError| (why(&error), error.to_string()))?;
    if !answer.warnings.is_empty() {
        return Err((Why::Partial, format!("the answer may be partial: {}", answer.warnings.join("; "))));
    }
    match answer.series.as_slice() {
        [] => Err((Why::Missing, format!("no value of {query}"))),
        [one] => match one.samples.as_slice() {
            [(_, value)] => Ok(*value),
            _ => Err((Why::Malformed, format!("{query} does not give one value: aggregate over its time"))),
        },
        many => Err((Why::Ambiguous, format!("{} series of {query}: aggregate, e.g. avg(...)", many.len()))),
    }
}
