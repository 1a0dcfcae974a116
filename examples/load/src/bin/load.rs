//! The load generator: see `load --help`.

use std::process::ExitCode;

use clap::Parser;
use load::generate::generate;
use load::options::Options;
use load::terminate::terminated;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("load: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let stop = match terminated() {
            Ok(stop) => stop,
            Err(error) => {
                eprintln!("load: signals: {error}");
                return ExitCode::FAILURE;
            }
        };
        match generate(options, stop).await {
            Ok(summary) => {
                println!("{}", serde_json::json!(summary));
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("load: {error}");
                ExitCode::from(2)
            }
        }
    })
}
