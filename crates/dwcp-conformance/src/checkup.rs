//! Whether an adapter itself is sane: envelope, codes, greeting, recipes, its end.

use serde_json::{Value, json};

use crate::bench::{Bench, Settings};
use crate::payload::{Gen, Payload};
use crate::protocol::{Code, MAX_LINE};
use crate::requirement::{Level, Profile, Requirement};
use crate::stop::CallError;
use crate::world::World;

/// One point, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What should hold.
    pub what: &'static str,
    /// What was seen, or why it does not hold.
    pub found: Result<String, String>,
}

type Ask = fn(&mut Bench<'_>) -> Result<String, String>;

const POINTS: [(&str, Ask); 10] = [
    ("it greets, and is reset", greets),
    ("its greeting names at least one component that there is", components),
    ("an unknown operation is unsupported", unknown_operation),
    ("it lives on after an unknown operation and after odd parameters", odd_parameters),
    ("unknown fields of a request are no matter", unknown_fields),
    ("several requests at once have one answer each", several),
    ("a request as long as a line may be is answered", longest),
    ("a big id comes back exactly", greets_again),
    ("payload.digest makes the documented payloads", digests),
    ("it ends at shutdown", ends),
];

const NONE: Requirement = Requirement {
    id: "ADAPTER",
    level: Level::Must,
    when: "",
    profile: Profile::Amst,
    sentence: "the adapter keeps to the line protocol",
    source: "section 1",
    error_probability: 0.0,
    attempts: 1,
};

/// Asks all points, each at a fresh adapter.
pub fn check(world: &mut dyn World) -> Vec<Point> {
    let settings = Settings { seed: 1, quick: true, only: None, full_transcript: false };
    let mut points = Vec::new();
    for (what, ask) in POINTS {
        let mut bench = Bench::new(world, NONE, settings.clone());
        let found = bench.fresh().map_err(|error| error.to_string()).and_then(|()| ask(&mut bench));
        bench.abandon();
        points.push(Point { what, found });
    }
    points
}

fn greets(bench: &mut Bench<'_>) -> Result<String, String> {
    let (name, version) = (&bench.hello().name, &bench.hello().version);
    if name.is_empty() || version.is_empty() {
        return Err("its name or its version is empty".to_owned());
    }
    Ok(format!("{name} {version}"))
}

fn components(bench: &mut Bench<'_>) -> Result<String, String> {
    let offered: Vec<&str> = Profile::ALL
        .into_iter()
        .filter(|profile| bench.hello().offers(*profile))
        .map(Profile::name)
        .collect();
    if offered.is_empty() {
        Err("components names none of the profiles".to_owned())
    } else {
        Ok(offered.join(" "))
    }
}

fn is_unsupported(answer: &Result<Value, CallError>) -> Result<(), String> {
    match answer {
        Err(CallError::Refused { code: Code::Unsupported, .. }) => Ok(()),
        Ok(_) => Err("it was answered with a result".to_owned()),
        Err(other) => Err(other.to_string()),
    }
}

fn unknown_operation(bench: &mut Bench<'_>) -> Result<String, String> {
    for op in ["no.such", "nosuch", ""] {
        is_unsupported(&bench.call(op, json!({})))?;
    }
    Ok(String::new())
}

fn odd_parameters(bench: &mut Bench<'_>) -> Result<String, String> {
    for params in [Value::Null, json!([]), json!("x"), json!({"payload": 7}), json!({"\u{0}": {"": [[[]]]}})]
    {
        for op in ["no.such", "config.validate", "payload.digest"] {
            if let Err(broken @ CallError::Broken { .. }) = bench.call(op, params.clone()) {
                return Err(format!("{op} {params}: {broken}"));
            }
        }
    }
    bench.call("status", json!({})).map(|_| String::new()).map_err(|error| error.to_string())
}

fn unknown_fields(bench: &mut Bench<'_>) -> Result<String, String> {
    let hello = bench.call("hello", json!({"unknown": true}));
    hello.map(|_| String::new()).map_err(|error| error.to_string())
}

fn several(bench: &mut Bench<'_>) -> Result<String, String> {
    let requests = (0..50).map(|_| ("status", json!({}))).collect();
    let answers = bench.call_all(requests).map_err(|error| error.to_string())?;
    Ok(format!("{} answers", answers.len()))
}

fn longest(bench: &mut Bench<'_>) -> Result<String, String> {
    // The envelope takes less than 100 bytes.
    let params = json!({"filler": "x".repeat(MAX_LINE - 100)});
    bench.call("no.such", params).map_or_else(
        |error| is_unsupported(&Err(error)).map(|()| String::new()),
        |_| Err("an operation that is not there was answered".to_owned()),
    )
}

fn greets_again(bench: &mut Bench<'_>) -> Result<String, String> {
    bench.skip_ids((1 << 53) - 10);
    bench.call("status", json!({})).map(|_| String::new()).map_err(|error| error.to_string())
}

/// The operation is optional; without it the recipes show only in the cases.
fn digests(bench: &mut Bench<'_>) -> Result<String, String> {
    let part = |content| Payload::Made { content, seed: 99, skip: 5_000, len: 9_000 };
    let mut payloads: Vec<Payload> = Gen::ALL.map(part).to_vec();
    payloads.push(Payload::Bytes(b"foobar".to_vec()));
    payloads.push(Payload::Parts(vec![part(Gen::Text), part(Gen::Random)]));
    for payload in payloads {
        match bench.call("payload.digest", json!({"payload": payload.recipe()})) {
            Ok(answer) if answer["sha256"] == payload.sha256() && answer["len"] == payload.len() => {}
            Ok(answer) => {
                return Err(format!("{} gives {answer}, not {}", payload.recipe(), payload.sha256()));
            }
            Err(CallError::Refused { code: Code::Unsupported, .. }) => return Ok("not offered".to_owned()),
            Err(other) => return Err(other.to_string()),
        }
    }
    Ok("all six kinds, base64 and parts".to_owned())
}

fn ends(bench: &mut Bench<'_>) -> Result<String, String> {
    bench.call("shutdown", json!({})).map_err(|error| error.to_string())?;
    // What has ended takes no more questions.
    match bench.call_within("status", json!({}), 1_000) {
        Err(CallError::Broken { broken: crate::world::Broken::Died(_), .. }) => Ok(String::new()),
        Err(other) => Err(other.to_string()),
        Ok(_) => Err("it answers after shutdown".to_owned()),
    }
}
