//! Records traces for the corpus: the example service, really running in both arms, under load, with a fault in some of
//! them, scraped by a real Prometheus. `cargo run --release --example record`.

mod gather;
mod kinds;
mod world;

use std::path::Path;
use std::time::Duration;

pub use kinds::{Fault, Kind, kinds};

/// Before the canary has traffic: what stable does is recorded.
const WARM_S: u64 = 30;
/// The canary's share, in percent, from this second after the warm-up on.
const STEPS: [(u64, u8); 4] = [(0, 5), (15, 25), (30, 50), (45, 95)];
/// How long a rollout takes, without the warm-up.
const LENGTH_S: u64 = 90;
/// Between two scrapes.
const SCRAPE_S: u64 = 3;
/// Requests a second of both arms.
const RATE: f64 = 100.0;
/// Instances of each arm.
const PODS: u32 = 2;
/// Traces that are recorded at the same time.
const AT_ONCE: usize = 5;
/// The servers' start and the last scrape.
const SLACK: Duration = Duration::from_secs(5);

/// Records every trace into `folder`, a file each.
///
/// # Errors
/// A program or Prometheus cannot be started, or has not seen what was sent.
pub fn all(folder: &Path) -> Result<(), String> {
    let all = kinds();
    let numbered: Vec<(usize, &Kind)> = all.iter().enumerate().collect();
    for batch in numbered.chunks(AT_ONCE) {
        let world = world::World::start(batch)?;
        world.run()?;
        for (number, kind) in batch {
            let trace = gather::trace(world.server(), *number, kind, world.began_ms())?;
            let path = folder.join(format!("{number:02}-{}.jsonl", kind.name));
            let mut file =
                std::fs::File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            trace.write(&mut file).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("{} {} scrapes", path.display(), trace.scrapes.len());
        }
    }
    Ok(())
}
