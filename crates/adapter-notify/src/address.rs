//! Where a webhook listens: an `http://` URL, checked before anything is sent.

use hyper::Uri;

/// Longest URL that is taken.
const MAX_URL_BYTES: usize = 2048;

/// Why a URL cannot be used. Mend the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// TLS is not there yet.
    #[error("https is not supported yet: use an http:// URL, e.g. of a relay on this machine")]
    Https,
    /// Neither http nor https.
    #[error("a webhook URL begins with http://, not {0:?}")]
    Scheme(String),
    /// Not a URL.
    #[error("not a URL: {0}")]
    Malformed(String),
    /// User and password in the URL would stand in logs.
    #[error("a webhook URL must not carry a user or password")]
    UserInfo,
}

/// A checked URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) authority: String,
    pub(crate) path: String,
}

impl Address {
    /// Reads `http://HOST[:PORT]/PATH`.
    ///
    /// # Errors
    /// Says what is wrong with the URL.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        if url.len() > MAX_URL_BYTES {
            return Err(AddressError::Malformed(format!("longer than {MAX_URL_BYTES} bytes")));
        }
        let uri: Uri = url.parse().map_err(|error| AddressError::Malformed(format!("{error}")))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(AddressError::Https),
            other => return Err(AddressError::Scheme(other.unwrap_or(url).to_owned())),
        }
        let authority = uri.authority().ok_or_else(|| AddressError::Malformed("no host".to_owned()))?;
        if authority.as_str().contains('@') {
            return Err(AddressError::UserInfo);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let names_port = authority.as_str().len() > authority.host().len();
        if host.is_empty() || (names_port && authority.port_u16().is_none()) {
            return Err(AddressError::Malformed(format!("no usable host and port in {authority}")));
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_or_refused_by_name() {
        let read = |url: &str| Address::parse(url).map(|a| (a.host, a.port, a.path));
        assert_eq!(read("http://127.0.0.1:9000/a?b=1"), Ok(("127.0.0.1".into(), 9000, "/a?b=1".into())));
        assert_eq!(read("http://hooks.test"), Ok(("hooks.test".into(), 80, "/".into())));
        assert_eq!(read("http://[::1]:81/"), Ok(("::1".into(), 81, "/".into())));
        assert_eq!(read("https://hooks.test/"), Err(AddressError::Https));
        assert_eq!(read("ftp://hooks.test/"), Err(AddressError::Scheme("ftp".into())));
        assert_eq!(read("hooks.test"), Err(AddressError::Scheme("hooks.test".into())));
        assert_eq!(read("http://me:secret@hooks.test/"), Err(AddressError::UserInfo));
        assert!(matches!(read("http://hooks.test:99999/"), Err(AddressError::Malformed(_))));
        assert!(matches!(read("http://a b/"), Err(AddressError::Malformed(_))));
        assert!(matches!(read(""), Err(AddressError::Malformed(_))));
        assert!(matches!(read(&format!("http://a/{}", "x".repeat(3000))), Err(AddressError::Malformed(_))));
    }
}
