//! The reference implementation in this process, as the harness's world: lines in, lines out, no TCP.

use std::collections::VecDeque;
use std::time::Instant;

use dwcp_conformance::world::{Broken, Wire, World};
use reference_sut::dispatch::Sut;

/// The reference with or without a fault.
pub(crate) struct InProcess {
    mutant: Option<&'static str>,
    sut: Sut,
    answers: VecDeque<String>,
    began: Instant,
}

impl InProcess {
    pub(crate) fn new(mutant: Option<&'static str>) -> Self {
        Self { mutant, sut: Sut::new(mutant), answers: VecDeque::new(), began: Instant::now() }
    }
}

impl World for InProcess {
    fn start(&mut self) -> Result<(), Broken> {
        self.answers.clear();
        self.sut = Sut::new(self.mutant);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Broken> {
        Ok(())
    }

    fn send(&mut self, line: &str) -> Result<(), Broken> {
        let (answer, _goes_on) = self.sut.line(line.as_bytes());
        self.answers.push_back(answer);
        Ok(())
    }

    fn receive(&mut self, _within_ms: u64) -> Result<Option<String>, Broken> {
        Ok(self.answers.pop_front())
    }

    fn now_us(&mut self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn peak_kib(&mut self) -> Option<u64> {
        None
    }

    fn wire(&mut self) -> &mut dyn Wire {
        unreachable!("only cases without TCP are run in this process")
    }
}
