//! What the command line of `load` says, checked.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use hyper::Uri;

/// Longest run: a day.
const MAX_RUN_S: f64 = 86_400.0;

/// Sends HTTP requests at a fixed rate, whether answers are slow or not, and records every one that failed.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "load",
    after_help = "Examples:
  load --url http://127.0.0.1:8080 --rate 200 --for 60s --out failures.jsonl
  load --url http://127.0.0.1:8080 --rate 1000 --for 2m --writes 0.02 --path /api/v1/vms/1 --path /api/v1/vms
  load --url http://127.0.0.1:8080 --rate 200 --for 1h --stop-file stop      (touch stop ends it)

A request failed when it was not sent, had no whole answer, or was answered 500 or above. SIGTERM and the stop
file end the run early; what is in flight is waited for. The last line is a summary as JSON; durations count from
the time at which a request was due.

Exit codes: 0 done (whatever the requests became), 1 unexpected, 2 bad input."
)]
pub struct Options {
    /// Where to: http://HOST:PORT, without a path.
    #[arg(long, value_parser = target)]
    pub url: Target,
    /// Requests per second.
    #[arg(long, value_parser = rate)]
    pub rate: f64,
    /// How long: 500ms, 60s, 5m, 1h.
    #[arg(long = "for", default_value = "60s", value_parser = duration)]
    pub run: Duration,
    /// Where failed requests are written, one JSON object a line. Overwritten.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Ends the run as soon as this file exists.
    #[arg(long)]
    pub stop_file: Option<PathBuf>,
    /// Path to ask for; repeat it for several, which take turns.
    #[arg(long = "path", default_value = "/api/v1/vms/1", value_parser = path)]
    pub paths: Vec<String>,
    /// Share of requests that write (POST to /api/v1/vms), 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub writes: f64,
    /// How long one request may take, a retry included.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    /// Requests that may be in flight; more are recorded as failed, "not sent".
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    pub in_flight: u32,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// To connect to: `HOST:PORT`.
    pub address: String,
    /// For the host header.
    pub authority: String,
}

/// Reads a duration: a number and `ms`, `s`, `m` or `h`, over zero and at most a day.
///
/// # Errors
/// Says what is expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("expected a number with ms, s, m or h, e.g. 60s".to_owned()),
    };
    match number.parse::<f64>().map(|number| number * factor) {
        Ok(seconds) if (0.001..=MAX_RUN_S).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("expected a duration from 1ms to 24h, e.g. 60s".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=50_000.0).contains(&rate) => Ok(rate),
        _ => Err("expected requests per second from 0.01 to 50000".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a share from 0 to 1, e.g. 0.02".to_owned()),
    }
}

fn path(text: &str) -> Result<String, String> {
    let fits = text.starts_with('/') && text.parse::<Uri>().is_ok();
    if fits { Ok(text.to_owned()) } else { Err("expected a path that begins with /".to_owned()) }
}

fn target(text: &str) -> Result<Target, String> {
    let uri: Uri = text.parse().map_err(|error| format!("not a URL: {error}"))?;
    if uri.scheme_str() != Some("http") {
        return Err("expected a URL that begins with http:// (https is not supported)".to_owned());
    }
    let authority = uri.authority().ok_or_else(|| "the URL has no host".to_owned())?;
    if uri.path() != "/" || uri.query().is_some() {
        return Err("expected a URL without a path; paths are given with --path".to_owned());
    }
    let names_port = authority.as_str().len() > authority.host().len();
    if authority.as_str().contains('@') || (names_port && authority.port_u16().is_none()) {
        return Err("expected http://HOST:PORT".to_owned());
    }
    let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
    Ok(Target { address, authority: authority.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &[&str]) -> Result<Options, String> {
        let base = ["load", "--url", "http://127.0.0.1:8080", "--rate", "200"];
        Options::try_parse_from(base.iter().chain(more)).map_err(|error| error.to_string())
    }

    #[test]
    fn little_is_needed() {
        let options = read(&[]).expect("enough");
        assert_eq!((options.run, options.timeout), (Duration::from_mins(1), Duration::from_secs(10)));
        assert_eq!((options.paths, options.in_flight), (vec!["/api/v1/vms/1".to_owned()], 4096));
        assert_eq!(options.url.address, "127.0.0.1:8080");
        let options = read(&["--path", "/a?b", "--path", "/c", "--for", "1.5m"]).expect("good");
        assert_eq!((options.paths.len(), options.run), (2, Duration::from_secs(90)));
    }

    #[test]
    fn bad_values_are_told() {
        for (more, told) in [
            (&["--for", "60"][..], "60s"),
            (&["--for", "0s"], "from 1ms"),
            (&["--for", "-1s"], "expected"),
            (&["--for", "2d"], "ms, s, m or h"),
            (&["--for", "NaNs"], "expected"),
            (&["--writes", "2"], "from 0 to 1"),
            (&["--path", "api"], "begins with /"),
            (&["--in-flight", "0"], "1..=16384"),
        ] {
            let error = read(more).expect_err(told);
            assert!(error.contains(told), "{more:?}: {error}");
        }
        for (url, told) in [
            ("https://a", "https is not supported"),
            ("a:80", "http://"),
            ("http://a:80/b", "--path"),
            ("http://a:99999", "HOST:PORT"),
        ] {
            assert!(target(url).is_err_and(|error| error.contains(told)), "{url}");
        }
        assert!(rate("0").is_err() && rate("1e9").is_err() && rate("x").is_err());
    }
}
