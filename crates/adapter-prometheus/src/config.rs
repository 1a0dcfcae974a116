//! The part of a Prometheus configuration that says what is scraped: jobs, targets, relabelling.
//!
//! Discovery itself belongs to whoever knows the cluster; it hands over what it found as labels.

use promql::Labels;
use serde::Deserialize;

use crate::relabel::{Relabel, RelabelConfig, relabel};

/// Bytes of a configuration.
const LENGTH_MAX: usize = 1024 * 1024;

/// Why a configuration cannot be used. All mistakes are told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// What is scraped.
#[derive(Clone, Debug)]
pub struct Config {
    /// In the order of the file.
    pub jobs: Vec<Job>,
    /// `HOST:PORT` of the Alertmanagers.
    pub alertmanagers: Vec<String>,
}

/// One job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name, the label `job`.
    pub name: String,
    /// Targets that the file names.
    pub targets: Vec<Labels>,
    /// Whether it also has targets that are discovered.
    pub discovers: bool,
    metrics_path: String,
    honor_labels: bool,
    relabel: Vec<Relabel>,
    metric_relabel: Vec<Relabel>,
}

/// Something to scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `HOST:PORT`
    pub address: String,
    /// Begins with `/`.
    pub path: String,
    /// Labels of all its series; `job` and `instance` among them.
    pub labels: Labels,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    #[serde(default, rename = "global")]
    _global: Option<serde_json::Value>,
    #[serde(default, rename = "rule_files")]
    _rule_files: Vec<String>,
    #[serde(default)]
    scrape_configs: Vec<RawJob>,
    #[serde(default)]
    alerting: RawAlerting,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAlerting {
    #[serde(default)]
    alertmanagers: Vec<RawAlertmanager>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAlertmanager {
    #[serde(default)]
    static_configs: Vec<RawStatic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStatic {
    targets: Vec<String>,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawJob {
    job_name: String,
    metrics_path: Option<String>,
    scheme: Option<String>,
    #[serde(default)]
    honor_labels: bool,
    #[serde(rename = "scrape_interval")]
    _scrape_interval: Option<String>,
    #[serde(rename = "scrape_timeout")]
    _scrape_timeout: Option<String>,
    #[serde(default)]
    static_configs: Vec<RawStatic>,
    kubernetes_sd_configs: Option<serde_json::Value>,
    #[serde(default)]
    relabel_configs: Vec<RelabelConfig>,
    #[serde(default)]
    metric_relabel_configs: Vec<RelabelConfig>,
}

impl Config {
    /// Reads the jobs of a configuration.
    ///
    /// # Errors
    /// Not YAML, a field outside this part, or a step of relabelling that cannot work.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        if text.len() > LENGTH_MAX {
            return Err(ConfigError(format!("a configuration of more than {LENGTH_MAX} bytes")));
        }
        let raw: RawConfig = serde_saphyr::from_str(text).map_err(|error| ConfigError(error.to_string()))?;
        let jobs: Result<Vec<Job>, ConfigError> = raw.scrape_configs.into_iter().map(Job::from_raw).collect();
        let managers = raw.alerting.alertmanagers.into_iter().flat_map(|it| it.static_configs);
        Ok(Self { jobs: jobs?, alertmanagers: managers.flat_map(|it| it.targets).collect() })
    }
}

impl Job {
    fn from_raw(raw: RawJob) -> Result<Self, ConfigError> {
        let name = raw.job_name;
        let wrong = |why: &dyn std::fmt::Display| ConfigError(format!("job {name}: {why}"));
        if raw.scheme.as_deref().is_some_and(|scheme| scheme != "http") {
            return Err(wrong(&"only http is spoken here"));
        }
        let steps = |configs: Vec<RelabelConfig>| -> Result<Vec<Relabel>, ConfigError> {
            configs.into_iter().map(|config| Relabel::new(config).map_err(|error| wrong(&error))).collect()
        };
        let (relabel, metric_relabel) = (steps(raw.relabel_configs)?, steps(raw.metric_relabel_configs)?);
        let targets = raw.static_configs.into_iter().flat_map(|group| {
            let labels = group.labels;
            group.targets.into_iter().map(move |address| {
                let mut target = Labels::new(labels.clone());
                target.set("__address__", address);
                target
            })
        });
        Ok(Self {
            targets: targets.collect(),
            discovers: raw.kubernetes_sd_configs.is_some(),
            metrics_path: raw.metrics_path.unwrap_or_else(|| "/metrics".to_owned()),
            honor_labels: raw.honor_labels,
            relabel,
            metric_relabel,
            name,
        })
    }

    /// The target that a discovered set of labels becomes, `None` when relabelling drops it or leaves no address.
    pub fn target(&self, discovered: &Labels) -> Option<Target> {
        let mut labels = discovered.clone();
        for (name, value) in [("job", &self.name), ("__metrics_path__", &self.metrics_path)] {
            if labels.value(name).is_empty() {
                labels.set(name, value);
            }
        }
        let mut labels = relabel(&self.relabel, labels)?;
        let (address, path) =
            (labels.value("__address__").to_owned(), labels.value("__metrics_path__").to_owned());
        if address.is_empty() {
            return None;
        }
        if labels.value("instance").is_empty() {
            labels.set("instance", &address);
        }
        let hidden: Vec<String> =
            labels.iter().map(|(name, _)| name.to_owned()).filter(|name| name.starts_with("__")).collect();
        for name in &hidden {
            labels.remove(name);
        }
        Some(Target { address, path, labels })
    }

    /// The labels of a scraped series: those of the target win, unless the job honours what the exporter says; a label
    /// that loses stays as `exported_`. `None` when relabelling drops it.
    pub fn series(&self, target: &Target, scraped: &Labels) -> Option<Labels> {
        let mut labels = scraped.clone();
        for (name, value) in target.labels.iter() {
            let theirs = scraped.value(name);
            if theirs.is_empty() {
                labels.set(name, value);
            } else if !self.honor_labels {
                labels.set(format!("exported_{name}"), theirs);
                labels.set(name, value);
            }
        }
        relabel(&self.metric_relabel, labels).filter(|labels| !labels.value("__name__").is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESIGN: &str = include_str!("../tests/design.yaml");

    fn pod(app: &str, port: &str) -> Labels {
        Labels::new([
            ("__address__", "10.0.0.7:9090"),
            ("__meta_kubernetes_pod_label_app", app),
            ("__meta_kubernetes_pod_container_port_name", port),
        ])
    }

    #[test]
    fn the_configuration_of_the_design_chooses_its_pods() {
        let config = Config::read(DESIGN).expect("legal");
        assert_eq!(config.alertmanagers, ["alertmanager:9093"]);
        let [api, dwcp] = &config.jobs[..] else { panic!("{:?}", config.jobs) };
        assert!(api.discovers && !dwcp.discovers);
        let target = api.target(&pod("novacron", "metrics")).expect("kept");
        assert_eq!(target.address, "10.0.0.7:9090");
        assert_eq!(target.labels, Labels::new([("job", "novacron-api"), ("instance", "10.0.0.7:9090")]));
        assert_eq!(api.target(&pod("other", "metrics")), None);
        assert_eq!(api.target(&pod("novacron", "http")), None);
        let target = dwcp.targets.iter().find_map(|labels| dwcp.target(labels)).expect("static");
        assert_eq!((target.address.as_str(), target.path.as_str()), ("novacron-api:9090", "/metrics"));
    }

    #[test]
    fn labels_of_the_target_win_and_the_others_are_kept_aside() {
        let config = Config::read(DESIGN).expect("legal");
        let target = config.jobs[0].target(&pod("novacron", "metrics")).expect("kept");
        let scraped = Labels::new([("__name__", "a"), ("job", "mine"), ("x", "1")]);
        let series = config.jobs[0].series(&target, &scraped).expect("kept");
        assert_eq!(
            series.to_string(),
            "a{exported_job=\"mine\", instance=\"10.0.0.7:9090\", job=\"novacron-api\", x=\"1\"}"
        );
    }

    #[test]
    fn what_is_outside_is_an_error_by_name() {
        for (text, message) in [
            ("scrape_configs: [{job_name: a, basic_auth: {}}]", "basic_auth"),
            ("scrape_configs: [{job_name: a, scheme: https}]", "job a: only http"),
            ("scrape_configs: [{job_name: a, relabel_configs: [{regex: '['}]}]", "job a: relabelling"),
            ("scrape_configs: [{job_name: a, relabel_configs: [{action: guess}]}]", "guess"),
        ] {
            let error = Config::read(text).expect_err(message).to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
