//! What both evaluators are asked: series, expressions, alert rules.

use std::fmt::Write;

/// One series: its text, and a value a step (`None`: no sample; NaN of our store: the mark of an end).
pub(super) struct Series {
    pub(super) name: String,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) values: Vec<Option<f64>>,
}

/// Milliseconds between two samples.
pub(super) const STEP_MS: i64 = 30_000;
/// Samples of each series.
const STEPS: usize = 41;

fn series(name: &str, labels: &[(&'static str, &str)], value: impl Fn(usize) -> Option<f64>) -> Series {
    let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Series { name: name.to_owned(), labels, values: (0..STEPS).map(value).collect() }
}

/// Counters that start again, gauges with gaps and ends, buckets, information about instances.
pub(super) fn data() -> Vec<Series> {
    let mut all = Vec::new();
    for (i, instance) in ["a", "b", "c"].into_iter().enumerate() {
        for (s, status) in ["200", "404", "500", "503"].into_iter().enumerate() {
            let labels = [("job", "api"), ("instance", instance), ("status", status)];
            let per_step = 7 * (i + 1) + 3 * s;
            let restart = 11 + 9 * i;
            all.push(series("http_requests_total", &labels, move |n| {
                let since = if n >= restart { n - restart } else { n + 4 };
                // The third instance is not there at first, and the counter of its last status begins later.
                (i < 2 || n > 6 + s).then_some((since * per_step) as f64)
            }));
        }
        let labels = [("instance", instance)];
        all.push(series("db_connections_active", &labels, move |n| Some(((n * 5 + i * 13) % 97) as f64)));
        all.push(series("db_connections_max", &labels, |_| Some(64.0)));
        all.push(series(
            "build_info",
            &[("instance", instance), ("version", if i == 2 { "v2" } else { "v1" })],
            |_| Some(1.0),
        ));
        all.push(series("temperature", &[("instance", instance), ("unit", "c")], move |n| {
            match n % (9 + i) {
                3 | 4 => None,
                5 if i == 1 => Some(promql::STALE),
                k => Some(k as f64 * 0.5 - 1.25),
            }
        }));
        all.push(series("up", &[("job", "api"), ("instance", instance)], move |n| {
            (i != 1 || n < 22).then_some(f64::from(u8::from(n % 13 != i + 4)))
        }));
        for (b, le) in ["0.125", "0.5", "1", "2", "4", "+Inf"].into_iter().enumerate() {
            let labels = [("instance", instance), ("le", le)];
            all.push(series("http_request_duration_seconds_bucket", &labels, move |n| {
                Some((n * (b + 1) * (b + 1 + i)) as f64)
            }));
        }
    }
    for (name, at) in [("late", 25), ("early", 12)] {
        all.push(series(name, &[("x", "1")], move |n| ((n >= at) == (name == "late")).then_some(n as f64)));
    }
    all
}

/// Expressions, each evaluated at every time.
pub(super) const EXPRESSIONS: [&str; 112] = [
    "up == 0",
    "up{job=\"api\"} == 0 or absent(up{job=\"api\"})",
    "rate(http_requests_total{status=~\"5..\"}[5m]) > 0.01",
    "sum(rate(http_requests_total{status=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m]))",
    "sum by (instance) (rate(http_requests_total{status!~\"2..\"}[2m]))",
    "sum without (status) (increase(http_requests_total[3m]))",
    "histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m])) > 2",
    "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    "histogram_quantile(0.99, sum by (le, instance) (increase(http_request_duration_seconds_bucket[1m])))",
    "histogram_quantile(1, http_request_duration_seconds_bucket)",
    "histogram_quantile(0, http_request_duration_seconds_bucket)",
    "histogram_quantile(1.5, http_request_duration_seconds_bucket)",
    "histogram_quantile(-1, http_request_duration_seconds_bucket)",
    "histogram_quantile(0.9, http_request_duration_seconds_bucket{le!=\"+Inf\"})",
    "db_connections_active / db_connections_max > 0.9",
    "db_connections_active / on (instance) group_left (version) build_info",
    "build_info * on (instance) group_right () db_connections_active",
    "count by (version) (build_info)",
    "sum by (version) (db_connections_active * on (instance) group_left (version) build_info)",
    "irate(http_requests_total[2m])",
    "irate(http_requests_total{status=\"200\"}[5m] offset 2m)",
    "increase(http_requests_total{instance=\"a\"}[90s])",
    "delta(temperature[3m])",
    "idelta(temperature[3m])",
    "deriv(db_connections_active[4m])",
    "predict_linear(db_connections_active[4m], 600)",
    "changes(up[10m])",
    "resets(http_requests_total[15m])",
    "avg_over_time(temperature[4m])",
    "sum_over_time(temperature[4m])",
    "min_over_time(temperature[4m])",
    "max_over_time(temperature[4m])",
    "count_over_time(temperature[4m])",
    "last_over_time(temperature[4m])",
    "present_over_time(temperature[1m])",
    "stddev_over_time(db_connections_active[5m])",
    "stdvar_over_time(db_connections_active[5m])",
    "quantile_over_time(0.75, db_connections_active[5m])",
    "absent_over_time(up{instance=\"b\",job=\"api\"}[3m])",
    "absent(nothing{a=\"1\",b!=\"2\",c=\"3\",c=\"3\"})",
    "absent(sum(nothing))",
    "absent(temperature)",
    "avg(db_connections_active)",
    "min(db_connections_active)",
    "max by (instance) (db_connections_active)",
    "count(temperature)",
    "group by (instance) (temperature)",
    "stddev(db_connections_max)",
    "stdvar(db_connections_max)",
    "topk(2, db_connections_active)",
    "bottomk(1, db_connections_active)",
    "topk by (instance) (1, http_requests_total{status=~\"200|404\"} > 0)",
    "topk(0, db_connections_active)",
    "quantile(0.25, db_connections_active)",
    "quantile by (instance) (0.5, http_requests_total)",
    "count_values(\"n\", db_connections_max)",
    "count_values by (instance) (\"n\", up)",
    "abs(temperature)",
    "ceil(temperature)",
    "floor(temperature)",
    "round(temperature)",
    "round(db_connections_active, 10)",
    "clamp(temperature, 0, 1)",
    "clamp(temperature, 1, 0)",
    "clamp_min(temperature, 0)",
    "clamp_max(temperature, 0)",
    "sgn(temperature)",
    "sqrt(db_connections_max)",
    "-temperature",
    "- temperature ^ 2",
    "2 ^ 3 ^ 2 + 0 * time()",
    "time()",
    "timestamp(temperature)",
    "timestamp(temperature + 0)",
    "vector(time()) - 100",
    "scalar(sum(db_connections_active)) + 1",
    "db_connections_active > bool 40",
    "40 < db_connections_active",
    "40 < bool db_connections_active",
    "1 > bool 2",
    "db_connections_active % 7",
    "db_connections_active - 100 - 3",
    "100 / db_connections_max",
    "db_connections_active * 2 == db_connections_active + db_connections_active",
    "db_connections_active and temperature",
    "db_connections_active and on (instance) temperature",
    "temperature or ignoring (unit) db_connections_active",
    "temperature or on (instance) db_connections_active",
    "db_connections_active unless on (instance) (temperature > 0)",
    "db_connections_active == ignoring (unit) temperature",
    "db_connections_max > on (instance) temperature",
    "db_connections_max >= ignoring (unit) temperature",
    "http_requests_total{status=\"500\"} / ignoring (status) http_requests_total{status=\"200\"}",
    "http_requests_total / ignoring (status) group_left () sum without (status) (http_requests_total)",
    "label_replace(up, \"host\", \"$1-x\", \"instance\", \"(a|b)\")",
    "label_replace(up, \"job\", \"\", \"job\", \".*\")",
    "label_replace(up, \"instance\", \"${1}z\", \"instance\", \"(.)\")",
    "label_join(up, \"key\", \"/\", \"job\", \"instance\", \"none\")",
    "temperature offset 1m",
    "temperature offset -1m",
    "late",
    "early",
    "rate(early[10m])",
    "max_over_time(rate(http_requests_total{status=\"500\"}[1m])[5m:1m])",
    "avg_over_time((db_connections_active / db_connections_max)[3m:45s] offset 30s)",
    "sum(up) / count(up)",
    "{__name__=~\"up|build_info\", instance=\"a\"}",
    "http_requests_total{status=~\"4..|50[0-2]\", instance!=\"c\", job=\"api\", absent=\"\"}",
    "sort_desc(db_connections_active)",
    "hour() + minute() / 100",
    "day_of_week(vector(1709214307)) * 10000 + day_of_month(vector(1709214307)) * 100 + month(vector(1709214307))",
    "year(vector(1709214307)) * 100 + days_in_month(vector(1709214307))",
];

/// Times at which expressions are evaluated, in seconds.
pub(super) const TIMES_S: [i64; 3] = [300, 615, 1_140];

/// Rules of all shapes.
pub(super) const RULES: &str = include_str!("rules.yaml");

/// Times at which alerts are compared, in seconds: between two evaluations as well.
pub(super) fn alert_times_s() -> impl Iterator<Item = i64> {
    (0..20).map(|minute| minute * 60 + i64::from(minute % 3 == 1) * 30)
}

/// Series that rules wrote, asked for at the end.
pub(super) const WRITTEN: [&str; 6] = [
    "instance:http_errors:rate2m",
    "sum by (alertname, alertstate) (ALERTS)",
    "ALERTS{alertname=\"PoolHigh\"}",
    "count(ALERTS_FOR_STATE)",
    "job:up:sum{team=\"core\"}",
    "errors:high",
];

/// A value list as the unit tests of promtool write it.
pub(super) fn notation(values: &[Option<f64>]) -> String {
    let mut text = String::new();
    for value in values {
        let _ = match value {
            None => write!(text, "_ "),
            Some(value) if promql::is_stale(*value) => write!(text, "stale "),
            Some(value) => write!(text, "{value} "),
        };
    }
    text.trim_end().to_owned()
}
