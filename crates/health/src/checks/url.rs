//! `http://HOST[:PORT][/PATH]` as it is asked for.

use serde::{Deserialize, Serialize};

/// Where to connect, and what to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Url {
    /// `HOST:PORT`
    pub address: String,
    /// Begins with `/`.
    pub path: String,
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}{}", self.address, self.path)
    }
}

/// Reads a URL; one without a path asks for `path`.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str, path: &str) -> Result<Url, String> {
    let wrong = |why: &str| format!("{text:?}: {why}");
    if text.starts_with("https://") {
        return Err(wrong(
            "https is not spoken; give an http:// URL, e.g. of a port forward or the pod itself",
        ));
    }
    let rest = text.strip_prefix("http://").ok_or_else(|| wrong("a URL begins with http://"))?;
    if rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(wrong("blanks and control characters are no part of a URL"));
    }
    let (host, given) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if host.is_empty() || host.contains('@') {
        return Err(wrong("a URL names a host, and no user"));
    }
    let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map(|(_, port)| port);
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(wrong("the port is a number up to 65535"));
    }
    let address = if port.is_some() { host.to_owned() } else { format!("{host}:80") };
    let path = if given.is_empty() || given == "/" { path.to_owned() } else { given.to_owned() };
    Ok(Url { address, path })
}

/// `HOST:PORT` as it is connected to.
///
/// # Errors
/// What is wrong with it.
pub fn address(text: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("{text:?}: {why}");
    if is_url(text) || text.contains('/') {
        return Err(wrong("an address is HOST:PORT, without a scheme and a path"));
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong("an address has a port: HOST:PORT"))?;
    if host.is_empty() || host.chars().any(|c| c.is_control() || c.is_whitespace() || c == '@') {
        return Err(wrong("an address names a host: HOST:PORT"));
    }
    match port.parse::<u16>() {
        Ok(port) if port > 0 => Ok(text.to_owned()),
        _ => Err(wrong("the port is a number from 1 to 65535")),
    }
}

/// Whether it is meant as a URL.
pub fn is_url(text: &str) -> bool {
    text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_or_refused_with_the_reason() {
        let of = |text: &str| read(text, "/metrics").map(|url| (url.address, url.path));
        assert_eq!(of("http://10.0.0.7:9090"), Ok(("10.0.0.7:9090".into(), "/metrics".into())));
        assert_eq!(of("http://api/m?x=1"), Ok(("api:80".into(), "/m?x=1".into())));
        assert_eq!(of("http://[::1]:81/"), Ok(("[::1]:81".into(), "/metrics".into())));
        for (text, why) in [
            ("https://api/m", "https is not spoken"),
            ("ftp://api", "begins with http://"),
            ("http://me@api", "no user"),
            ("http://api:99999", "port"),
            ("http://a b", "blanks"),
            ("http://a/\r\nX: y", "control"),
        ] {
            assert!(of(text).expect_err(text).contains(why), "{text}");
        }
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert_eq!(address("localhost:5432"), Ok("localhost:5432".into()));
        assert_eq!(address("[::1]:1"), Ok("[::1]:1".into()));
        for bad in ["localhost", "localhost:0", "localhost:x", ":80", "http://a:80", "a:80/x", "a b:80"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
