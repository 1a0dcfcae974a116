//! One object per HTTP POST, over one connection that lives as long as the case.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

use bytes::Bytes;
use dwcp_conformance::protocol::MAX_LINE;
use dwcp_conformance::world::Broken;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::lines::Lines;

/// To connect.
const CONNECT: Duration = Duration::from_secs(2);

pub(super) fn open(address: &str) -> Result<Lines, Broken> {
    let failed = |error: String| Broken::Start(format!("{address}: {error}"));
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(|error| failed(error.to_string()))?;
    let connected = runtime.block_on(async {
        let stream = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
        let stream =
            stream.map_err(|_| "no connection in 2 s".to_owned())?.map_err(|error| error.to_string())?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // Its end is seen by the next request.
        tokio::spawn(connection);
        Ok(sender)
    });
    let sender: SendRequest<Full<Bytes>> = connected.map_err(failed)?;
    let (to, requests) = channel();
    let (answers, from) = sync_channel(64);
    let host = address.to_owned();
    std::thread::spawn(move || carry(&runtime, sender, &host, &requests, &answers));
    Ok(Lines::Channels { to: Some(to), from })
}

fn carry(
    runtime: &Runtime,
    mut sender: SendRequest<Full<Bytes>>,
    host: &str,
    requests: &Receiver<Vec<u8>>,
    answers: &SyncSender<Result<String, Broken>>,
) {
    for body in requests {
        let answer = runtime.block_on(post(&mut sender, host, body));
        let broken = answer.is_err();
        if answers.send(answer).is_err() || broken {
            return;
        }
    }
}

async fn post(sender: &mut SendRequest<Full<Bytes>>, host: &str, body: Vec<u8>) -> Result<String, Broken> {
    let died = |why: String| Broken::Died(why);
    sender.ready().await.map_err(|error| died(error.to_string()))?;
    let request = Request::post("/")
        .header("host", host)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| died(error.to_string()))?;
    let answer = sender.send_request(request).await.map_err(|error| died(error.to_string()))?;
    if answer.status() != StatusCode::OK {
        return Err(died(format!("HTTP status {}", answer.status())));
    }
    let body = Limited::new(answer.into_body(), MAX_LINE + 1).collect().await;
    let body = body.map_err(|_| Broken::LineTooLong(MAX_LINE))?.to_bytes();
    let text = std::str::from_utf8(&body).map_err(|_| Broken::NotUtf8)?;
    Ok(text.trim_end_matches('\n').to_owned())
}
