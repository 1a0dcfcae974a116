//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Holds an implementation of DWCP v3 against its requirements
#[derive(Parser)]
#[command(name = "dwcp-conformance", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs profiles against an implementation and writes the report; 0 conforms, 10 does not
    Run(Run),
    /// Lists the requirements
    List {
        /// Only these profiles
        #[arg(long = "profile", value_name = "PROFILE")]
        profiles: Vec<String>,
    },
    /// Tells all that is known of a requirement
    Explain {
        /// E.g. HDE-004
        requirement: String,
    },
    /// Runs one case alone, looks for its smallest part that fails, and prints every line that was said
    Replay(Replay),
    /// Compares two reports; 10 when something became worse
    Diff {
        /// The report before
        old: PathBuf,
        /// The report after
        new: PathBuf,
        /// By which share a figure may move in its bad direction
        #[arg(long, default_value_t = 0.25)]
        tolerance: f64,
    },
    /// Asks whether an adapter keeps to the line protocol; 10 when it does not
    CheckAdapter {
        /// unix:PATH or http:HOST:PORT instead of a program
        #[arg(long, value_name = "WHERE")]
        connect: Option<String>,
        /// The adapter and its arguments
        #[arg(last = true)]
        adapter: Vec<String>,
    },
    /// Puts an adapter behind a Unix socket or HTTP, for `--connect`; each connection has its own process
    Serve {
        /// Where to listen: a path
        #[arg(long, value_name = "PATH", conflicts_with = "http", required_unless_present = "http")]
        socket: Option<PathBuf>,
        /// Where to listen: HOST:PORT; port 0 takes a free one and prints it
        #[arg(long, value_name = "HOST:PORT")]
        http: Option<String>,
        /// The adapter and its arguments
        #[arg(last = true, required = true)]
        adapter: Vec<String>,
    },
    /// Prints the JSON schema of a report
    Schema,
}

#[derive(Args)]
pub(crate) struct Run {
    /// What it is assessed for; `all` is everything
    #[arg(long = "profile", value_name = "PROFILE", required = true)]
    pub(crate) profiles: Vec<String>,
    /// Only these requirements
    #[arg(long, value_name = "REQUIREMENT")]
    pub(crate) only: Vec<String>,
    /// Everything that looks random comes from it
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Runs each case so often, with the next seed each time; all must pass
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) repeat: u32,
    /// Fewer rounds and shorter simulations
    #[arg(long)]
    pub(crate) quick: bool,
    /// A MUST that was skipped does not keep it from conforming
    #[arg(long)]
    pub(crate) allow_must_skips: bool,
    /// Writes the report; the ending says which form: .json .xml (JUnit) .sarif .md .html
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    /// An earlier report (JSON); what became worse ends in 10 too
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// By which share a figure may be worse than in the baseline
    #[arg(long, default_value_t = 0.25)]
    pub(crate) tolerance: f64,
    /// unix:PATH or http:HOST:PORT instead of a program
    #[arg(long, value_name = "WHERE")]
    pub(crate) connect: Option<String>,
    /// The adapter and its arguments
    #[arg(last = true)]
    pub(crate) adapter: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Replay {
    /// The requirement, e.g. HDE-004
    pub(crate) case: String,
    /// The seed of the run in which it failed
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// As in the run in which it failed
    #[arg(long)]
    pub(crate) quick: bool,
    /// unix:PATH or http:HOST:PORT instead of a program
    #[arg(long, value_name = "WHERE")]
    pub(crate) connect: Option<String>,
    /// The adapter and its arguments
    #[arg(last = true)]
    pub(crate) adapter: Vec<String>,
}
