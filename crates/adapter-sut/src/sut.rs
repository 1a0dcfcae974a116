//! The world of a case: an implementation, the peer, the clock.

use std::time::{Duration, Instant};

use dwcp_conformance::world::{Broken, Wire, World};

use crate::carrier::{Carrier, Started};
use crate::lines::Lines;
use crate::peer::Peer;
use crate::sweep;

/// To end by itself after its input was closed.
const GRACE: Duration = Duration::from_millis(300);
/// Between two looks at whether it has.
const PACE: Duration = Duration::from_millis(1);

/// An implementation that is started anew for each case.
pub struct Sut {
    carrier: Carrier,
    /// Whether every process below this one is the implementation's.
    adopted: bool,
    running: Option<(Lines, Option<Started>)>,
    peer: Peer,
    began: Instant,
}

impl Sut {
    /// One behind that carrier. `adopted`: this program has called [`crate::adopt_orphans`] and starts nothing else.
    pub fn new(carrier: Carrier, adopted: bool) -> Self {
        Self { carrier, adopted, running: None, peer: Peer::default(), began: Instant::now() }
    }

    fn lines(&mut self) -> Result<&mut Lines, Broken> {
        let running = self.running.as_mut().ok_or_else(|| Broken::Died("it was not started".to_owned()))?;
        Ok(&mut running.0)
    }

    /// Adds how it ended to a bare "it ended".
    fn told(&mut self, broken: Broken) -> Broken {
        let Some((_, Some(started))) = self.running.as_mut() else { return broken };
        let Broken::Died(why) = broken else { return broken };
        // Its output closes a moment before its end can be seen.
        let status = wait(started, GRACE).map_or_else(|| why, |status| status.to_string());
        let said = started.log.last();
        Broken::Died(if said.is_empty() { status } else { format!("{status}; it said: {said}") })
    }
}

fn wait(started: &mut Started, within: Duration) -> Option<std::process::ExitStatus> {
    let until = Instant::now() + within;
    loop {
        match started.child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(PACE),
            _ => return None,
        }
    }
}

impl World for Sut {
    fn start(&mut self) -> Result<(), Broken> {
        self.stop()?;
        self.running = Some(self.carrier.open()?);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Broken> {
        self.peer = Peer::default();
        let Some((mut lines, started)) = self.running.take() else { return Ok(()) };
        lines.close();
        let Some(mut started) = started else { return Ok(()) };
        let group = started.child.id().cast_signed();
        wait(&mut started, GRACE);
        let survivors = sweep::kill_all(group, &started.mark, self.adopted);
        wait(&mut started, GRACE);
        if self.adopted {
            sweep::reap();
        }
        if survivors == 0 { Ok(()) } else { Err(Broken::Survivors(survivors)) }
    }

    fn send(&mut self, line: &str) -> Result<(), Broken> {
        self.lines()?.send(line).map_err(|broken| self.told(broken))
    }

    fn receive(&mut self, within_ms: u64) -> Result<Option<String>, Broken> {
        let received = self.lines()?.receive(Duration::from_millis(within_ms));
        received.map_err(|broken| self.told(broken))
    }

    fn now_us(&mut self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }

    fn peak_kib(&mut self) -> Option<u64> {
        let (_, started) = self.running.as_ref()?;
        let pid = started.as_ref()?.child.id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    fn wire(&mut self) -> &mut dyn Wire {
        &mut self.peer
    }
}

impl Drop for Sut {
    fn drop(&mut self) {
        // Who drops it asks no more.
        let _ended = self.stop();
    }
}
