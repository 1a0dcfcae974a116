//! The webhook sink: see `webhook-sink --help`.

use std::fs::{File, OpenOptions};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use load::sink::take;
use load::terminate::terminated;
use tokio::net::TcpListener;

/// Takes JSON by POST on 127.0.0.1 and appends each body to a file, one line each.
#[derive(Debug, Parser)]
#[command(
    name = "webhook-sink",
    after_help = "Examples:
  webhook-sink --port 0 --out notices.jsonl
  webhook-sink --port 9099 --out notices.jsonl &
  curl -d '{\"title\":\"hello\"}' http://127.0.0.1:9099/

It prints its address as the first line. SIGTERM ends it.

Exit codes: 0 ended by SIGTERM or SIGINT, 1 unexpected, 2 bad input."
)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long)]
    port: u16,
    /// Where notices are appended.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let out = match OpenOptions::new().create(true).append(true).open(&arguments.out) {
        Ok(out) => out,
        Err(error) => {
            eprintln!("webhook-sink: --out {}: {error}", arguments.out.display());
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("webhook-sink: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(run(arguments.port, out))
}

async fn run(port: u16, out: File) -> ExitCode {
    let stop = match terminated() {
        Ok(stop) => stop,
        Err(error) => {
            eprintln!("webhook-sink: signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let (listener, address) = match bound.and_then(|listener| listener.local_addr().map(|a| (listener, a))) {
        Ok(bound) => bound,
        Err(error) => {
            eprintln!("webhook-sink: --port {port}: {error}");
            return ExitCode::from(2);
        }
    };
    println!("webhook-sink listening on http://{address}");
    take(listener, out, stop).await;
    ExitCode::SUCCESS
}
