//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "Examples:
  nova-local start --state /var/lib/nova/shop --port 8080
  nova-local status --state /var/lib/nova/shop --output json
  nova-local upgrade --state /var/lib/nova/shop
  nova-local stop --state /var/lib/nova/shop

Exit codes: 0 done, 1 unexpected, 2 usage or configuration (also: port in use).";

/// The embedded target: supervises revisions of a service behind a weighted HTTP splitter.
#[derive(Debug, Parser)]
#[command(name = "nova-local", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve in the foreground until stopped
    Serve(Serve),
    /// Serve in the background; returns when it answers
    Start(Serve),
    /// Show revisions, shares and who gives orders
    Status {
        /// The target's state folder
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
        /// For people, or one JSON value
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Let requests end, stop the instances, and end
    Stop {
        /// The target's state folder
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
        /// Leave the instances running; the next start adopts them
        #[arg(long)]
        keep_instances: bool,
    },
    /// Hand the running target over to this program (or another) without losing a request
    Upgrade {
        /// The target's state folder
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
        /// The new program; this one when left out
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// Print a systemd unit file
    Unit(Serve),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// Where the target keeps its state; made when it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) state: PathBuf,
    /// Port for the requests of users; 0 takes a free one (see status)
    #[arg(long)]
    pub(crate) port: u16,
    /// Address for the requests of users
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Take over from a running process: the listening socket is standard input, the talk standard output
    #[arg(long, hide = true)]
    pub(crate) takeover: bool,
    /// Begin a session of our own
    #[arg(long, hide = true)]
    pub(crate) detached: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// One JSON value
    Json,
}
