//! What the query API of Prometheus answered, read strictly.

use promql::Labels;
use serde_json::Value;

use crate::native::Native;

/// Series that one answer may have.
pub const SERIES_MAX: usize = 100_000;

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Not JSON, or not the shape that the API has. A page of a proxy ends here.
    #[error("the answer is not that of the query API: {0}")]
    Malformed(String),
    /// `status: error`, also under code 200.
    #[error("Prometheus says {kind}: {message}")]
    Said {
        /// As the API names it: `bad_data`, `timeout`, `execution` ...
        kind: String,
        /// For people.
        message: String,
    },
    /// Two results with the same labels.
    #[error("series {0} stands twice in the answer")]
    DuplicateSeries(String),
    /// More series than the limit.
    #[error("more than {0} series in the answer: aggregate in the query")]
    TooManySeries(usize),
}

/// One sample: when, and its value, which may be NaN or infinite.
pub type Sample = (i64, f64);

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// Times rise. One for an instant query.
    pub samples: Vec<Sample>,
    /// Native histograms, with their times. A series that changed its kind has both.
    pub native: Vec<(i64, Native)>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Series; a number is one without labels.
    pub series: Vec<Series>,
    /// What Prometheus warns of: with any, the answer may be partial.
    pub warnings: Vec<String>,
}

/// Reads an answer.
///
/// # Errors
/// It says that it is an error, or cannot be understood.
pub fn read(body: &[u8]) -> Result<Answer, AnswerError> {
    let malformed = |why: &str| AnswerError::Malformed(why.to_owned());
    let value: Value = serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))?;
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    match value["status"].as_str() {
        Some("success") => {}
        Some("error") => return Err(AnswerError::Said { kind: text("errorType"), message: text("error") }),
        _ => return Err(malformed("it has no status")),
    }
    let warnings = match &value["warnings"] {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().map(|it| it.as_str().unwrap_or("?").to_owned()).collect(),
        _ => return Err(malformed("warnings are no list")),
    };
    let result = &value["data"]["result"];
    let series = match value["data"]["resultType"].as_str() {
        Some("scalar") => {
            vec![Series { labels: Labels::default(), samples: vec![sample(result)?], native: Vec::new() }]
        }
        Some(kind @ ("vector" | "matrix")) => {
            let list = result.as_array().ok_or_else(|| malformed("the result is no list"))?;
            if list.len() > SERIES_MAX {
                return Err(AnswerError::TooManySeries(SERIES_MAX));
            }
            list.iter().map(|it| series(it, kind)).collect::<Result<Vec<_>, _>>()?
        }
        _ => return Err(malformed("its result is neither a number nor series")),
    };
    let mut names: Vec<&Labels> = series.iter().map(|it| &it.labels).collect();
    names.sort_unstable();
    if let Some(twin) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(AnswerError::DuplicateSeries(twin[0].to_string()));
    }
    Ok(Answer { series, warnings })
}

fn series(value: &Value, kind: &str) -> Result<Series, AnswerError> {
    let malformed = |why: &str| AnswerError::Malformed(why.to_owned());
    let metric = value["metric"].as_object().ok_or_else(|| malformed("a series without labels"))?;
    let mut labels = Labels::default();
    for (name, value) in metric {
        labels.set(name, value.as_str().ok_or_else(|| malformed("a label that is no text"))?);
    }
    let (one, many, native) = if kind == "vector" {
        (&value["value"], &Value::Null, &value["histogram"])
    } else {
        (&Value::Null, &value["values"], &value["histograms"])
    };
    if one.is_null() && many.is_null() && native.is_null() {
        return Err(malformed("a series without values"));
    }
    let samples = all(one, many, sample)?;
    let natives = if kind == "vector" { (native, &Value::Null) } else { (&Value::Null, native) };
    let native = all(natives.0, natives.1, histogram)?;
    Ok(Series { labels, samples, native })
}

/// The one thing of a vector, or the many of a matrix, in the order of their times.
fn all<T>(
    one: &Value,
    many: &Value,
    read: impl Fn(&Value) -> Result<(i64, T), AnswerError>,
) -> Result<Vec<(i64, T)>, AnswerError> {
    let malformed = |why: &str| AnswerError::Malformed(why.to_owned());
    let list = match (one, many) {
        (Value::Null, Value::Null) => return Ok(Vec::new()),
        (Value::Null, many) => {
            many.as_array().ok_or_else(|| malformed("a series without values"))?.as_slice()
        }
        (one, _) => std::slice::from_ref(one),
    };
    let found = list.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if found.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(malformed("times of a series do not rise"));
    }
    Ok(found)
}

/// `[seconds, "value"]`
fn sample(value: &Value) -> Result<Sample, AnswerError> {
    let (at, text) = timed(value)?;
    Ok((at, number(text).ok_or_else(|| no_sample(value))?))
}

/// `[seconds, {"count": ...}]`
fn histogram(value: &Value) -> Result<(i64, Native), AnswerError> {
    let (at, histogram) = timed(value)?;
    Ok((at, Native::read(histogram)?))
}

fn no_sample(value: &Value) -> AnswerError {
    AnswerError::Malformed(format!("{value} is no sample"))
}

/// A time in milliseconds, and what stands beside it.
fn timed(value: &Value) -> Result<(i64, &Value), AnswerError> {
    let [seconds, it] = value.as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(no_sample(value));
    };
    let millis = seconds.as_f64().map(|seconds| seconds * 1000.0);
    // Past 2^53 milliseconds are no longer exact.
    let millis = millis.filter(|millis| millis.abs() < 9_007_199_254_740_992.0);
    millis.map(|millis| (millis.round() as i64, it)).ok_or_else(|| no_sample(value))
}

/// A number in quotes.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value.as_str()? {
        "NaN" => Some(f64::NAN),
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        text if text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        read(body.as_bytes()).expect_err(body).to_string()
    }

    fn good(kind: &str, result: &str) -> Answer {
        let body = format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#);
        read(body.as_bytes()).expect(&body)
    }

    #[test]
    fn numbers_vectors_and_matrices_are_read() {
        assert_eq!(good("scalar", "[1.5,\"2\"]").series[0].samples, [(1_500, 2.0)]);
        let vector = good("vector", r#"[{"metric":{"a":"b"},"value":[1,"+Inf"]}]"#);
        assert_eq!(vector.series[0].labels.value("a"), "b");
        assert_eq!(vector.series[0].samples, [(1_000, f64::INFINITY)]);
        let matrix = good("matrix", r#"[{"metric":{},"values":[[1,"1"],[2,"1e3"]]}]"#);
        assert_eq!(matrix.series[0].samples, [(1_000, 1.0), (2_000, 1_000.0)]);
        let empty = r#"{"count":"0","sum":"0"}"#;
        let native = good("vector", &format!(r#"[{{"metric":{{}},"histogram":[1,{empty}]}}]"#));
        assert_eq!((native.series[0].native[0].0, native.series[0].samples.len()), (1_000, 0));
        let both = good(
            "matrix",
            &format!(r#"[{{"metric":{{}},"values":[[1,"1"]],"histograms":[[2,{empty}],[3,{empty}]]}}]"#),
        );
        assert_eq!((both.series[0].samples.len(), both.series[0].native.len()), (1, 2));
        let warned = read(br#"{"status":"success","warnings":["a store is away"],"data":{"resultType":"vector","result":[]}}"#);
        assert_eq!(warned.expect("an answer").warnings, ["a store is away"]);
    }

    #[test]
    fn what_is_no_answer_is_an_error_by_name() {
        let ok = |data: &str| format!(r#"{{"status":"success","data":{data}}}"#);
        for (body, message) in [
            ("<html>sign in</html>".to_owned(), "not that of the query API"),
            (String::new(), "not that of the query API"),
            ("{}".to_owned(), "it has no status"),
            (
                r#"{"status":"error","errorType":"timeout","error":"late"}"#.to_owned(),
                "Prometheus says timeout: late",
            ),
            (ok("{}"), "neither a number nor series"),
            (ok(r#"{"resultType":"string","result":[1,"a"]}"#), "neither a number nor series"),
            (ok(r#"{"resultType":"vector","result":{}}"#), "the result is no list"),
            (ok(r#"{"resultType":"vector","result":[{"value":[1,"1"]}]}"#), "without labels"),
            (ok(r#"{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"1"]}]}"#), "no text"),
            (ok(r#"{"resultType":"vector","result":[{"metric":{},"value":[1,1]}]}"#), "is no sample"),
            (ok(r#"{"resultType":"vector","result":[{"metric":{},"value":[1,"inf"]}]}"#), "is no sample"),
            (ok(r#"{"resultType":"vector","result":[{"metric":{},"value":[1e300,"1"]}]}"#), "is no sample"),
            (
                ok(r#"{"resultType":"matrix","result":[{"metric":{},"values":[[2,"1"],[1,"1"]]}]}"#),
                "do not rise",
            ),
            (ok(r#"{"resultType":"matrix","result":[{"metric":{}}]}"#), "without values"),
            (ok(r#"{"resultType":"vector","result":[{"metric":{},"values":[[1,"1"]]}]}"#), "without values"),
            (
                ok(r#"{"resultType":"vector","result":[{"metric":{},"histogram":[1,"1"]}]}"#),
                "no native histogram",
            ),
            (ok(r#"{"resultType":"matrix","result":[{"metric":{},"histograms":{}}]}"#), "without values"),
            (
                ok(
                    r#"{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]},{"metric":{},"value":[1,"2"]}]}"#,
                ),
                "stands twice",
            ),
        ] {
            assert!(error(&body).contains(message), "{body}: {}", error(&body));
        }
    }
}
