//! `fetch`: asks addresses once or many times, and says by its exit code whether the answers were good.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use load::fetch::{Wanted, fetch};

/// Asks each address; all answers must be 200 to 299
#[derive(Parser)]
#[command(
    name = "fetch",
    version,
    after_help = "Examples:
  fetch http://127.0.0.1:8080/health http://127.0.0.1:8080/health/db
  fetch --contains dwcp_ http://127.0.0.1:8080/metrics
  fetch --times 50 --print-p50-ms http://127.0.0.1:8080/
  fetch --times 50 --baseline-ms 2.5 --factor 2 --slack-ms 50 http://127.0.0.1:8080/

Exit codes: 0 good, 10 an answer was not good, 2 usage."
)]
struct Cli {
    /// `http://HOST:PORT/PATH`
    #[arg(required = true)]
    urls: Vec<String>,
    /// The body must hold this text
    #[arg(long)]
    contains: Option<String>,
    /// Send this JSON by POST
    #[arg(long)]
    post: Option<String>,
    /// Ask each address this often
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    times: u32,
    /// Print the median time in milliseconds, and nothing else
    #[arg(long)]
    print_p50_ms: bool,
    /// The median must not be over FACTOR times this, plus the slack
    #[arg(long)]
    baseline_ms: Option<f64>,
    /// See --baseline-ms
    #[arg(long, default_value_t = 2.0)]
    factor: f64,
    /// See --baseline-ms
    #[arg(long, default_value_t = 0.0)]
    slack_ms: f64,
    /// Longest time for one answer, in seconds
    #[arg(long, default_value_t = 5)]
    within: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut took = Vec::new();
    for url in &cli.urls {
        let wanted = Wanted { contains: cli.contains.clone(), post: cli.post.clone() };
        for _ in 0..cli.times {
            let begun = Instant::now();
            let asked = tokio::time::timeout(Duration::from_secs(cli.within), fetch(url, &wanted)).await;
            if let Err(why) = asked.unwrap_or_else(|_| Err(format!("no answer in {} s", cli.within))) {
                eprintln!("{url}: {why}");
                return ExitCode::from(10);
            }
            took.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    took.sort_by(f64::total_cmp);
    let median = took.get(took.len() / 2).copied().unwrap_or_default();
    if cli.print_p50_ms {
        println!("{median:.3}");
    }
    let limit = cli.baseline_ms.map(|baseline| baseline * cli.factor + cli.slack_ms);
    match limit {
        Some(limit) if median > limit => {
            eprintln!("the median is {median:.1} ms, over {limit:.1} ms");
            ExitCode::from(10)
        }
        _ => ExitCode::SUCCESS,
    }
}
