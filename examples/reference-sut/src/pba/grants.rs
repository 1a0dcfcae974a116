//! `pba.allocate`: weighted max-min shares between a least and a most.
//!
//! Source: Bertsekas and Gallager, *Data Networks*, section 6.5.2. The level of the water passes the points at which a
//! demand begins or ends to take part; between two of them it is found by one division.

use serde_json::{Value, json};

use super::forecaster::amount;
use crate::dispatch::Setup;
use crate::refusal::{Answer, Refusal, invalid, refuse};

/// Demands of one request.
const MOST: usize = 10_000;

struct Demand {
    id: Value,
    weight: f64,
    least: f64,
    most: f64,
}

fn demand(value: &Value) -> Result<Demand, Refusal> {
    let (least, most) = (amount(value, "min", 0.0)?, amount(value, "max", 1e12)?);
    if least > most {
        return Err(invalid(format!("min {least} is over max {most}")));
    }
    let weight = amount(value, "weight", 1.0)?;
    if weight <= 0.0 {
        return Err(invalid("weight: above 0"));
    }
    // What is foretold bounds what is asked for.
    let most = amount(value, "predicted", most)?.clamp(least, most);
    Ok(Demand { id: value["id"].clone(), weight, least, most })
}

fn grants(capacity: f64, demands: &[Demand]) -> Vec<f64> {
    let at = |level: f64| demands.iter().map(move |it| (level * it.weight).clamp(it.least, it.most));
    let mut points: Vec<f64> =
        demands.iter().flat_map(|it| [it.least / it.weight, it.most / it.weight]).collect();
    points.sort_by(f64::total_cmp);
    let mut below = 0.0;
    for point in points {
        if at(point).sum::<f64>() > capacity {
            // Those that rise between the two points share what is left.
            let rising = |it: &&Demand| it.least / it.weight <= below && it.most / it.weight > below;
            let weights: f64 = demands.iter().filter(rising).map(|it| it.weight).sum();
            let left = capacity - at(below).sum::<f64>();
            return at(below + left / weights).collect();
        }
        below = point;
    }
    at(below).collect()
}

/// By what each asks for above its least, as if there were no level.
fn proportional(capacity: f64, demands: &[Demand]) -> Vec<f64> {
    let least: f64 = demands.iter().map(|it| it.least).sum();
    let asked: f64 = demands.iter().map(|it| it.most - it.least).sum();
    let share = if asked > 0.0 { ((capacity - least) / asked).min(1.0) } else { 0.0 };
    demands.iter().map(|it| it.least + share * (it.most - it.least)).collect()
}

pub(super) fn allocate(setup: Setup, params: &Value) -> Answer {
    let mut capacity = amount(params, "capacity", f64::NAN)?;
    let listed = params["demands"].as_array().ok_or_else(|| invalid("demands is no list"))?;
    if listed.len() > MOST {
        return Err(refuse("overload", format!("more than {MOST} demands")));
    }
    let demands = listed.iter().map(demand).collect::<Result<Vec<_>, _>>()?;
    let least: f64 = demands.iter().map(|it| it.least).sum();
    if least > capacity {
        return Err(refuse("overload", format!("the least amounts are {least}, the capacity is {capacity}")));
    }
    if setup.is("pba-headroom") {
        capacity = (0.9 * capacity).max(least);
    }
    let mut given = if setup.is("pba-proportional") {
        proportional(capacity, &demands)
    } else {
        grants(capacity, &demands)
    };
    if setup.is("pba-rounds-up") {
        given.iter_mut().zip(&demands).for_each(|(grant, it)| *grant = grant.ceil().min(it.most));
    }
    let rows: Vec<Value> =
        given.iter().zip(&demands).map(|(grant, it)| json!({"id": it.id, "grant": grant})).collect();
    Ok(json!({"grants": rows}))
}
