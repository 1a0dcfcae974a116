//! A small exporter on loopback: counters that rise with every scrape, and every way to answer badly.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// What each scrape adds, or what is answered instead.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Requests and failed ones since the scrape before.
    Counts(u64, u64),
    /// The same, and this many of 100 requests are slower than 100 ms.
    Slow(u64, u64),
    /// This text as the exposition.
    Text(String),
    /// The first text whose word is asked for.
    Asked(Vec<(&'static str, String)>),
    /// The text of this scrape, by its number.
    Numbered(fn(u64) -> String),
    /// Another status.
    Status(u16),
    /// The connection is closed without an answer.
    Nothing,
}

/// An exporter that ends with the test.
#[derive(Clone)]
pub(crate) struct Exporter {
    pub(crate) address: String,
    answer: Arc<Mutex<Answer>>,
    scrapes: Arc<(Mutex<u64>, Condvar)>,
}

impl Exporter {
    pub(crate) fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let exporter = Self { address, answer: Arc::new(Mutex::new(answer)), scrapes: Arc::default() };
        let own = exporter.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| own.serve(stream)));
        exporter
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    /// Waits until it was scraped so often, and fails when that takes too long.
    pub(crate) fn scraped(&self, often: u64) {
        let (scrapes, changed) = &*self.scrapes;
        let scrapes = scrapes.lock().expect("no panic");
        let waited = changed.wait_timeout_while(scrapes, PATIENCE, |scrapes| *scrapes < often);
        assert!(!waited.expect("no panic").1.timed_out(), "it was not scraped {often} times");
    }

    /// From now on it answers so.
    pub(crate) fn becomes(&self, answer: Answer) {
        *self.answer.lock().expect("no panic") = answer;
    }

    /// The number of this scrape.
    fn next(&self) -> u64 {
        let (scrapes, changed) = &*self.scrapes;
        let mut scrapes = scrapes.lock().expect("no panic");
        *scrapes += 1;
        changed.notify_all();
        *scrapes
    }

    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let mut head = [0; 4096];
        let length = stream.read(&mut head).unwrap_or(0);
        let asked = String::from_utf8_lossy(&head[..length]).into_owned();
        let n = self.next();
        let answer = self.answer.lock().expect("no panic").clone();
        let (status, body) = match answer {
            Answer::Counts(requests, errors) => (200, exposition(n, requests, errors, 5)),
            Answer::Slow(requests, slow) => (200, exposition(n, requests, 0, slow)),
            Answer::Text(text) => (200, text),
            Answer::Asked(answers) => {
                let answer = answers.into_iter().find(|(word, _)| asked.contains(word));
                answer.map_or((404, String::new()), |(_, text)| (200, text))
            }
            Answer::Numbered(text) => (200, text(n)),
            Answer::Status(status) => (status, String::new()),
            Answer::Nothing => return,
        };
        let length = body.len();
        let kind = "content-type: text/plain; version=0.0.4";
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\n{kind}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
    }
}

/// The counters after `n` scrapes.
pub(crate) fn exposition(n: u64, requests: u64, errors: u64, slow: u64) -> String {
    let mut text = "# TYPE http_requests_total counter\n".to_owned();
    let (good, bad) = (n * (requests - errors), n * errors);
    let _ = writeln!(text, "http_requests_total{{path=\"/\",code=\"200\"}} {good}");
    let _ = writeln!(text, "http_requests_total{{path=\"/\",code=\"500\"}} {bad}");
    text += "# TYPE http_request_duration_seconds histogram\n";
    let all = n * requests;
    for (le, count) in [("0.025", all / 2), ("0.1", all * (100 - slow) / 100), ("+Inf", all)] {
        let _ = writeln!(text, "http_request_duration_seconds_bucket{{le=\"{le}\"}} {count}");
    }
    let _ =
        writeln!(text, "http_request_duration_seconds_sum {n}\nhttp_request_duration_seconds_count {all}");
    text + "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 50000000\n"
}
