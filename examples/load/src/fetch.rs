//! One request to one address, judged by status and body.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Largest body that is read, in bytes.
const MAX_BODY: usize = 8 << 20;

/// What is sent, and what the answer must hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The body must hold this text.
    pub contains: Option<String>,
    /// JSON to send by POST instead of a GET.
    pub post: Option<String>,
}

/// Asks once over a connection of its own. The caller keeps the deadline.
///
/// # Errors
/// In words: the address, the connection, the status, the body.
pub async fn fetch(url: &str, wanted: &Wanted) -> Result<(), String> {
    let uri: Uri = url.parse().map_err(|error| format!("no address: {error}"))?;
    let authority =
        uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or("write http://HOST:PORT/PATH")?;
    let address = (authority.host(), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.map_err(|error| format!("cannot connect: {error}"))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let method = if wanted.post.is_some() { Method::POST } else { Method::GET };
    let request = Request::builder()
        .method(method)
        .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, authority.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "close")
        .body(Full::new(Bytes::from(wanted.post.clone().unwrap_or_default())))
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body =
        Limited::new(answer.into_body(), MAX_BODY).collect().await.map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(format!("answered {status}"));
    }
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    match &wanted.contains {
        Some(wanted) if !text.contains(wanted) => Err(format!("the answer does not hold {wanted:?}")),
        _ => Ok(()),
    }
}
