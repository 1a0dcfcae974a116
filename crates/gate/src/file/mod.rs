//! The gate file: small YAML. Every key has a default but the service and where the two revisions are.

mod bounded;
mod literal;
mod planned;
mod problem;
mod raw;

use exposition::Limits;
use health::Finite;
use health::sequential::Dispersion;
use promql::Matcher;
use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

use crate::{Decides, Names, Setup, units};
pub use planned::{LOOKS, MEND as PLAN_MEND};
pub use problem::{Problem, Problems};
use raw::{RawArm, RawGate, RawPointers, RawWeb, Text};

/// Bytes of a gate file.
const LENGTH_MAX: usize = 256 * 1024;

/// Where one revision is, and what proves that a sample is its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arm {
    /// URLs, files or folders; empty when a Prometheus is asked.
    pub from: Vec<String>,
    /// Its series, as a selector without a name.
    pub choose: Vec<Matcher>,
    /// The selector as it was written, without braces.
    pub written: String,
    /// The value of the label that carries the revision.
    pub revision: Option<String>,
    /// When its first process started, in milliseconds since 1970.
    pub started_ms: Option<i64>,
    /// When it first had traffic, in milliseconds since 1970.
    pub traffic_ms: Option<i64>,
}

/// Counts of one revision in a JSON document, by pointers (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointers {
    /// Requests that ended.
    pub requests: String,
    /// Of these, answered with 500 or above.
    pub server_errors: String,
    /// Of these, without an answer.
    pub failures: Option<String>,
}

/// A JSON document with the counts of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where it is.
    pub url: String,
    /// The canary's counts.
    pub canary: Pointers,
    /// Stable's counts.
    pub stable: Option<Pointers>,
}

/// A gate, ready to look.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// What is asked of the evidence.
    pub setup: Setup,
    /// Names of families and labels.
    pub names: Names,
    /// A Prometheus.
    pub prometheus: Option<String>,
    /// The revision under evaluation.
    pub canary: Arm,
    /// The trusted one.
    pub stable: Option<Arm>,
    /// A JSON document instead of both.
    pub web: Option<Web>,
    /// A file of baselines, by service and hour of the week.
    pub baselines: Option<String>,
    /// Alert rule files.
    pub alerts: Vec<String>,
    /// A Prometheus configuration whose relabelling is used, and which of its jobs.
    pub scrape_config: Option<(String, Option<String>)>,
    /// Between two looks.
    pub every_ms: u64,
    /// How far back a Prometheus is asked.
    pub look_back_ms: u64,
    /// Older samples are no evidence.
    pub fresh_ms: u64,
    /// When `check` ends with what it has.
    pub deadline_ms: u64,
    /// Limits of one exposition.
    pub limits: Limits,
}

impl Gate {
    /// A gate of that name with all defaults, and nothing to look at yet.
    pub fn new(service: &str) -> Self {
        Self {
            setup: Setup::new(service, 40),
            names: Names::default(),
            prometheus: None,
            canary: Arm::default(),
            stable: None,
            web: None,
            baselines: None,
            alerts: Vec::new(),
            scrape_config: None,
            every_ms: 5_000,
            look_back_ms: 600_000,
            fresh_ms: 60_000,
            deadline_ms: 120_000,
            limits: Limits::default(),
        }
    }
}

/// A selector such as `revision="v2",pod=~"api-.*"`, with or without braces.
///
/// # Errors
/// What is wrong with it.
pub fn selector(text: &str) -> Result<(Vec<Matcher>, String), String> {
    let inner =
        text.trim().trim_start_matches('{').trim_end_matches('}').trim().trim_end_matches(',').to_owned();
    if inner.is_empty() {
        return Ok((Vec::new(), inner));
    }
    match promql::matchers(&inner) {
        Ok(matchers) => Ok((matchers, inner)),
        Err(error) => Err(format!("{text:?} is no selector of labels: {}", error.kind)),
    }
}

/// Reads a gate file. Paths in it are as they are written.
///
/// # Errors
/// All that is wrong with it, each with its place and mend.
pub fn read(file: &str, bytes: &[u8]) -> Result<Gate, Problems> {
    let raw: RawGate = yaml(file, bytes)?;
    let mut reader = Reader { file, problems: Vec::new() };
    let gate = reader.gate(raw);
    if reader.problems.is_empty() { Ok(gate) } else { Err(Problems(reader.problems)) }
}

/// Reads the shape of a small YAML file.
pub(crate) fn yaml<T: DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, Problems> {
    let whole = |message: String, mend: &str| {
        Problems(vec![Problem { file: file.into(), line: 1, column: 1, message, mend: mend.into() }])
    };
    if bytes.len() > LENGTH_MAX {
        return Err(whole(
            format!("{} bytes; at most {LENGTH_MAX} are read", bytes.len()),
            "a file of this kind is small; is this one?",
        ));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| whole("not UTF-8 text".into(), "save the file as UTF-8"))?;
    let budget = serde_saphyr::budget! { max_aliases: 0, max_anchors: 0, max_nodes: 10_000, max_depth: 32 };
    let options = serde_saphyr::options! {
        budget: budget,
        with_snippet: false,
        strict_booleans: true,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| Problems(vec![problem::from_yaml(file, text, &error)]))
}

/// Gives meaning, and notes what has none.
struct Reader<'f> {
    file: &'f str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem<T>(&mut self, at: &Spanned<T>, message: String, mend: &str) {
        let (line, column) = (at.referenced.line() as usize, at.referenced.column() as usize);
        let (file, mend) = (self.file.to_owned(), mend.to_owned());
        self.problems.push(Problem { file, line, column, message, mend });
    }

    fn read<T>(&mut self, text: Option<&Text>, mend: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = text?;
        let found = read(&text.value);
        if found.is_none() {
            self.problem(text, format!("{:?} cannot be read", text.value), mend);
        }
        found
    }

    fn millis(&mut self, text: Option<&Text>, default: u64) -> u64 {
        let whole = |text: &str| units::millis_of(text).filter(|ms| *ms > 0);
        self.read(text, "write a time above 0 such as 15s or 10m", whole).unwrap_or(default)
    }

    fn gate(&mut self, raw: RawGate) -> Gate {
        let mut gate = Gate::new(&raw.service.value);
        self.arms(&mut gate, &raw);
        gate.prometheus = raw.prometheus.as_ref().map(|text| text.value.clone());
        gate.web = raw.web.as_ref().map(web);
        self.asked(&mut gate, &raw);
        gate.every_ms =
            self.millis(raw.every.as_ref(), if gate.prometheus.is_some() { 15_000 } else { gate.every_ms });
        gate.look_back_ms = self.millis(raw.look_back.as_ref(), gate.look_back_ms);
        gate.fresh_ms = self.millis(raw.fresh.as_ref(), gate.fresh_ms.max(2 * gate.every_ms));
        gate.deadline_ms = self.millis(raw.deadline.as_ref(), gate.deadline_ms);
        self.bounded(&mut gate, &raw.bounded);
        gate.baselines = raw.baselines.as_ref().map(|text| text.value.clone());
        gate.alerts = raw.alerts.iter().map(|text| text.value.clone()).collect();
        let job = raw.job.as_ref().map(|text| text.value.clone());
        gate.scrape_config = raw.scrape_config.as_ref().map(|text| (text.value.clone(), job));
        if let Some(limits) = &raw.limits {
            let bytes = self.read(limits.bytes.as_ref(), "write a size such as 16MiB", units::bytes_of);
            gate.limits.bytes = bytes.and_then(|b| usize::try_from(b).ok()).unwrap_or(gate.limits.bytes);
            gate.limits.series = limits.series.unwrap_or(gate.limits.series);
        }
        names(&mut gate.names, &raw);
        gate
    }

    fn arms(&mut self, gate: &mut Gate, raw: &RawGate) {
        let asked = raw.prometheus.is_some();
        match (&raw.canary, &raw.web) {
            (Some(canary), None) => gate.canary = self.arm(canary, asked),
            (None, Some(_)) => {}
            (None, None) => {
                self.problem(
                    &raw.service,
                    "no canary".into(),
                    "say where it is: canary: {from: [http://HOST:PORT/metrics]}",
                );
            }
            (Some(canary), Some(_)) => {
                self.problem(canary, "both a canary and web".into(), "keep one of the two");
            }
        }
        gate.stable = raw.stable.as_ref().map(|stable| self.arm(stable, asked));
        let web_stable = raw.web.as_ref().is_some_and(|web| web.stable.is_some());
        gate.setup.compared = gate.stable.is_some() || web_stable;
    }

    fn arm(&mut self, raw: &Spanned<RawArm>, asked: bool) -> Arm {
        let arm = &raw.value;
        if !asked && arm.from.is_empty() {
            self.problem(
                raw,
                "nowhere to look".into(),
                "add from: [http://HOST:PORT/metrics], or prometheus: URL",
            );
        }
        if asked && arm.choose.is_none() {
            self.problem(
                raw,
                "nothing chooses its series".into(),
                "add where: 'revision=\"v2\"' or another selector of labels",
            );
        }
        let mut chosen = (Vec::new(), String::new());
        if let Some(choose) = &arm.choose {
            match selector(&choose.value) {
                Ok(found) => chosen = found,
                Err(why) => {
                    self.problem(choose, why, "write labels as in PromQL: revision=\"v2\",job=\"api\"");
                }
            }
        }
        let mend = "write a time such as 2026-11-29T21:34:23Z";
        Arm {
            from: arm.from.iter().map(|text| text.value.clone()).collect(),
            choose: chosen.0,
            written: chosen.1,
            revision: arm.revision.as_ref().map(|text| text.value.clone()),
            started_ms: self.read(arm.started.as_ref(), mend, units::wall_of),
            traffic_ms: self.read(arm.traffic_since.as_ref(), mend, units::wall_of),
        }
    }

    fn asked(&mut self, gate: &mut Gate, raw: &RawGate) {
        let setup = &mut gate.setup;
        setup.must_clear = raw.must_clear;
        setup.decides = self
            .read(raw.decides.as_ref(), "write sequential, literal, both or planned", decides)
            .unwrap_or_default();
        setup.planned = self.planned(setup.decides, raw);
        let alpha =
            |text: &str| units::share_of(text).filter(|a| *a > 0.0 && *a <= 0.5).and_then(Finite::new);
        let alpha =
            self.read(raw.alpha.as_ref(), "write a percentage above 0% and up to 50%, e.g. 1%", alpha);
        setup.plan.alpha = alpha.unwrap_or(setup.plan.alpha);
        let limit = |text: &str| match text {
            "off" => Some(None),
            text => units::share_of(text).filter(|l| *l > 0.0 && *l < 1.0).and_then(Finite::new).map(Some),
        };
        let limit = self.read(raw.limit.as_ref(), "write a percentage such as 1%, or off", limit);
        setup.plan.limit = limit.unwrap_or(setup.plan.limit);
        setup.plan.min_requests = raw.min_requests.unwrap_or(setup.plan.min_requests).max(1);
        if let Some(phi) = &raw.phi {
            match Finite::new(phi.value).filter(|phi| (1.0..=1_000.0).contains(&phi.value())) {
                Some(phi) => setup.plan.dispersion = Dispersion::Tempered(phi),
                None => self.problem(
                    phi,
                    format!("{} is no bunching", phi.value),
                    "write the phi that nova-gate audit prints, 1 or above",
                ),
            }
        }
        let memory = self.read(raw.memory_limit.as_ref(), "write a size such as 256MiB", units::bytes_of);
        setup.rules = self.literal(raw.literal.as_ref(), memory);
        let alone = !setup.compared && raw.baselines.is_none();
        if setup.decides.sequential() && alone && raw.stable.is_none() && raw.canary.is_some() {
            self.problem(
                &raw.service,
                "no stable revision to compare with".into(),
                "add stable: {...}, or baselines: FILE, or decides: literal",
            );
        }
    }
}

/// Which rules decide, as it is written.
pub fn decides(text: &str) -> Option<Decides> {
    [Decides::Sequential, Decides::Literal, Decides::Both, Decides::Planned]
        .into_iter()
        .find(|it| it.as_str() == text)
}

fn web(raw: &RawWeb) -> Web {
    let pointers = |raw: &RawPointers| Pointers {
        requests: raw.requests.clone(),
        server_errors: raw.server_errors.clone(),
        failures: raw.failures.clone(),
    };
    Web {
        url: raw.url.value.clone(),
        canary: pointers(&raw.canary),
        stable: raw.stable.as_ref().map(pointers),
    }
}

fn names(names: &mut Names, raw: &RawGate) {
    let given = &raw.metrics;
    let first = |list: &mut Vec<String>, name: &Option<String>| {
        if let Some(name) = name {
            *list = vec![name.clone()];
        }
    };
    first(&mut names.requests, &given.requests);
    first(&mut names.duration, &given.duration);
    first(&mut names.status, &given.status);
    first(&mut names.endpoint, &given.endpoint);
    if !given.errors.is_empty() {
        names.errors.clone_from(&given.errors);
    }
    let one = |name: &mut String, given: &Option<String>| {
        if let Some(given) = given {
            name.clone_from(given);
        }
    };
    one(&mut names.memory, &given.memory);
    one(&mut names.started, &given.started);
    one(&mut names.revision, &given.revision);
    one(&mut names.instance, &given.instance);
}
