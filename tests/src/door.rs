//! One door: a list of named topics, each of which prints its table and ends in one verdict.

use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

/// What a topic says at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The figure, with its unit and aim.
    pub text: String,
    /// Whether the aim was reached.
    pub reached: bool,
}

impl Verdict {
    /// A verdict: what was found, and whether that is what was aimed at.
    pub fn new(text: impl Into<String>, reached: bool) -> Self {
        Self { text: text.into(), reached }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text, if self.reached { "ok" } else { "short" })
    }
}

/// A topic: prints its table and gives its verdict, or says why it could not be done.
pub type Topic = (&'static str, &'static str, fn() -> Result<Verdict, String>);

/// Prints figures or proofs; each ends in one verdict
#[derive(Parser)]
struct Cli {
    /// Which topics
    names: Vec<String>,
    /// List them
    #[arg(long)]
    list: bool,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Print for a Markdown page
    #[arg(long)]
    markdown: bool,
    /// Fewer seeds, where a topic has them
    #[arg(long)]
    quick: bool,
}

static QUICK: AtomicBool = AtomicBool::new(false);

/// Whether fewer seeds are enough: said once at the door, and the same for every topic.
pub fn quick() -> bool {
    QUICK.load(Ordering::Relaxed)
}

/// Opens the door. Ends with 0 when every verdict is `ok`, 10 when one is `short`, 1 when one could not be done, 2
/// for a name that is none.
pub fn open(program: &str, topics: &[Topic]) -> ExitCode {
    let cli = Cli::parse();
    QUICK.store(cli.quick, Ordering::Relaxed);
    if cli.list || (cli.names.is_empty() && !cli.all) {
        for (name, about, _) in topics {
            println!("{name:<14} {about}");
        }
        return ExitCode::SUCCESS;
    }
    if let Some(name) = cli.names.iter().find(|name| !topics.iter().any(|(topic, ..)| topic == name)) {
        eprintln!("there is no {program} {name}; --list names what there is");
        return ExitCode::from(2);
    }
    let mut code = 0;
    for (name, about, topic) in
        topics.iter().filter(|(name, ..)| cli.all || cli.names.iter().any(|n| n == name))
    {
        if cli.markdown {
            println!("## {name}\n\n{about}\n\n`cargo run --release --bin {program} -- {name}`\n\n```text");
        }
        match topic() {
            Ok(verdict) => {
                println!("{name}: {verdict}");
                code = code.max(if verdict.reached { 0 } else { 10 });
            }
            Err(why) => {
                println!("{name}: not done: {why}");
                code = code.max(1);
            }
        }
        if cli.markdown {
            println!("```\n");
        }
    }
    ExitCode::from(code)
}
