//! Headers on their way through: those of one connection end here (RFC 9110, 7.6.1), the client's address is added.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};

/// Fields that belong to one connection only, `Connection` itself last.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::CONNECTION,
];

/// Other names that mean something only to the next hop.
const HOP_BY_HOP_NAMES: [&str; 2] = ["keep-alive", "proxy-connection"];

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Says which revision answered.
pub(crate) const X_NOVA_REVISION: HeaderName = HeaderName::from_static("x-nova-revision");

/// Removes what must not be passed on, also what `Connection` names.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    for name in HOP_BY_HOP_NAMES {
        headers.remove(name);
    }
}

/// Adds the client to `x-forwarded-for`, behind whoever is there already.
pub(crate) fn add_forwarded_for(headers: &mut HeaderMap, client: &HeaderValue) {
    let before = headers.get(&X_FORWARDED_FOR).and_then(|value| value.to_str().ok());
    let chain = before.and_then(|before| {
        let client = client.to_str().ok()?;
        HeaderValue::from_str(&format!("{before}, {client}")).ok()
    });
    headers.insert(X_FORWARDED_FOR, chain.unwrap_or_else(|| client.clone()));
}

/// The address as a header value.
pub(crate) fn address(client: IpAddr) -> HeaderValue {
    HeaderValue::from_str(&client.to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connection_names_is_removed_with_it() {
        let mut headers = HeaderMap::new();
        headers.insert("connection", HeaderValue::from_static("close, X-Secret"));
        headers.insert("x-secret", HeaderValue::from_static("1"));
        headers.insert("keep-alive", HeaderValue::from_static("timeout=5"));
        headers.insert("te", HeaderValue::from_static("trailers"));
        headers.insert("x-kept", HeaderValue::from_static("1"));
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-kept"]);
    }

    #[test]
    fn the_client_stands_behind_those_before_it() {
        let mut headers = HeaderMap::new();
        let client = address(IpAddr::from([127, 0, 0, 1]));
        add_forwarded_for(&mut headers, &client);
        assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
        add_forwarded_for(&mut headers, &client);
        assert_eq!(headers["x-forwarded-for"], "127.0.0.1, 127.0.0.1");
    }
}
