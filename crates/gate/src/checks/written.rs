//! A check in one word, as a command line and a file write it.

use health::checks::{Expect, Kind, url};

/// `http://HOST[:PORT][/PATH]`; any status of 200 to 299 passes.
///
/// # Errors
/// What is wrong with it.
pub fn http(text: &str) -> Result<Kind, String> {
    Ok(Kind::Http { url: url::read(text, "/")?, expect: Expect::default() })
}

/// `HOST:PORT`.
///
/// # Errors
/// What is wrong with it.
pub fn tcp(text: &str) -> Result<Kind, String> {
    Ok(Kind::Tcp { address: url::address(text)? })
}

/// `HOST:PORT[/SERVICE]`.
///
/// # Errors
/// What is wrong with it.
pub fn grpc(text: &str) -> Result<Kind, String> {
    let (address, service) =
        if url::is_url(text) { (text, "") } else { text.split_once('/').unwrap_or((text, "")) };
    Ok(Kind::Grpc { address: url::address(address)?, service: service.to_owned() })
}

/// `URL[,PREFIX]`: families whose names begin so are there and move; with no prefix, any family.
///
/// # Errors
/// What is wrong with it.
pub fn metrics(text: &str) -> Result<Kind, String> {
    let (text, prefix) = text.rsplit_once(',').unwrap_or((text, ""));
    let url = url::read(text, "/metrics")?;
    Ok(Kind::Metrics { url, prefix: prefix.to_owned(), must_move: true })
}

/// A program and its arguments, between blanks. No shell reads it, so it has no quotes.
///
/// # Errors
/// What is wrong with it.
pub fn command(text: &str) -> Result<Kind, String> {
    if text.contains(['"', '\'', '|', '&', ';', '>', '<', '$', '`']) {
        return Err(format!(
            "{text:?}: no shell reads a command; name sh -c in a file: command: [sh, -c, \"...\"]"
        ));
    }
    let argv: Vec<String> = text.split_whitespace().map(ToOwned::to_owned).collect();
    if argv.is_empty() { Err("a command names a program".to_owned()) } else { Ok(Kind::Command { argv }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_a_check_or_what_is_wrong_with_it() {
        for (kind, target) in [
            (http("http://a/health"), "http://a:80/health"),
            (tcp("a:5432"), "a:5432"),
            (grpc("a:50051"), "a:50051"),
            (grpc("a:50051/nova.v1.Api"), "a:50051/nova.v1.Api"),
            (metrics("http://a:9090"), "http://a:9090/metrics *"),
            (metrics("http://a:9090/m,dwcp_"), "http://a:9090/m dwcp_*"),
            (command("pg_isready -h db"), "pg_isready -h db"),
        ] {
            assert_eq!(kind.map(|kind| kind.target()), Ok(target.to_owned()));
        }
        for (kind, why) in [
            (http("a/health"), "begins with http://"),
            (tcp("http://a:80"), "without a scheme"),
            (tcp("a"), "has a port"),
            (grpc("http://a:1"), "without a scheme"),
            (metrics("a,dwcp_"), "begins with http://"),
            (command("curl a | grep b"), "no shell"),
            (command(" "), "names a program"),
        ] {
            let said = kind.expect_err(why);
            assert!(said.contains(why), "{said}");
        }
    }
}
