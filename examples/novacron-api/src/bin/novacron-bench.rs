//! Measures the service in this process, prints one JSON line, and compares it with a stored baseline.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use novacron_api::bench::{Figure, slower, vms_get};

/// Measures GET /api/v1/vms/{id} in-process and prints one JSON line.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  novacron-bench
  novacron-bench --baseline examples/novacron/benchmark-baseline.json --max-ratio 3.0

Exit codes: 0 done, 1 unexpected, 2 bad input, 10 slower than the baseline allows.")]
struct Arguments {
    /// Requests a round; of at most 101 rounds the fastest counts.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    requests: u32,
    /// A JSON file as this program prints it.
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// How many times slower than the baseline is still accepted.
    #[arg(long, default_value_t = 3.0, value_parser = ratio)]
    max_ratio: f64,
}

fn ratio(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(ratio) if ratio.is_finite() && ratio > 0.0 => Ok(ratio),
        _ => Err("a ratio is a number over 0".to_owned()),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let baseline = match arguments.baseline.as_deref().map(read).transpose() {
        Ok(baseline) => baseline,
        Err(error) => {
            eprintln!("novacron-bench: {error}");
            return ExitCode::from(2);
        }
    };
    let figure = match measure(arguments.requests) {
        Ok(figure) => figure,
        Err(error) => {
            eprintln!("novacron-bench: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", serde_json::json!({ "name": figure.name, "ns_per_op": figure.ns_per_op }));
    match baseline.and_then(|baseline| slower(&figure, &baseline, arguments.max_ratio)) {
        None => ExitCode::SUCCESS,
        Some(ratio) => {
            eprintln!("novacron-bench: {ratio:.2} times the baseline, {} allowed", arguments.max_ratio);
            ExitCode::from(10)
        }
    }
}

fn read(path: &Path) -> Result<Figure, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let figure: Figure =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if figure.name != "vms_get" || figure.ns_per_op == 0 {
        return Err(format!("{}: not a baseline of vms_get", path.display()));
    }
    Ok(figure)
}

fn measure(requests: u32) -> Result<Figure, String> {
    let folder = std::env::temp_dir().join(format!("novacron-bench-{}", std::process::id()));
    std::fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let measured = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))
        .and_then(|runtime| runtime.block_on(vms_get(&folder, requests)).map_err(|error| error.to_string()));
    // A folder that stays is only untidy; the figure is what counts.
    let _ = std::fs::remove_dir_all(&folder);
    measured
}
