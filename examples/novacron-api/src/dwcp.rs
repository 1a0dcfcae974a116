//! A simulated DWCP stream: its values move by a small deterministic workload, not by any network.
//!
//! Each step compresses a block by runs, loses packets by a fixed sequence, and derives a delay from what is in
//! flight. The same number of steps gives the same values everywhere. They exist so that dashboards and rules have
//! something of the right shape; they say nothing about a real protocol.

use serde::Serialize;

/// Bytes of one block.
const BLOCK: usize = 4096;
/// Packets of one step.
const PACKETS: u32 = 1000;

/// What the simulated streams show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DwcpStatus {
    /// Always true: the values are of a simulated stream.
    pub simulated: bool,
    /// Steps so far.
    pub steps: u64,
    /// Streams that send.
    pub streams_active: u32,
    /// Bytes per second that they may send.
    pub bandwidth_allocated_bytes: u64,
    /// Bytes in by bytes out of the last block.
    pub compression_ratio: f64,
    /// Share of packets lost in the last step.
    pub packet_loss_rate: f64,
    /// Delay of the last step in milliseconds.
    pub latency_milliseconds: f64,
}

/// The workload.
#[derive(Clone, Debug)]
pub struct DwcpStream {
    state: u64,
    status: DwcpStatus,
}

impl Default for DwcpStream {
    fn default() -> Self {
        let status = DwcpStatus {
            simulated: true,
            steps: 0,
            streams_active: 0,
            bandwidth_allocated_bytes: 0,
            compression_ratio: 1.0,
            packet_loss_rate: 0.0,
            latency_milliseconds: 0.0,
        };
        Self { state: 0x9E37_79B9_7F4A_7C15, status }
    }
}

impl DwcpStream {
    /// What it shows now.
    pub const fn status(&self) -> DwcpStatus {
        self.status
    }

    /// One step of the workload.
    pub fn advance(&mut self) {
        let streams = 4 + (self.next() % 5) as u32;
        let block = self.block();
        let lost = (0..PACKETS).filter(|_| self.next().is_multiple_of(1024)).count();
        let loss = lost as f64 / f64::from(PACKETS);
        self.status = DwcpStatus {
            simulated: true,
            steps: self.status.steps + 1,
            streams_active: streams,
            bandwidth_allocated_bytes: u64::from(streams) * 1_250_000,
            compression_ratio: BLOCK as f64 / compressed(&block) as f64,
            packet_loss_rate: loss,
            latency_milliseconds: 8.0 + f64::from(streams) * 0.5 + loss * 1000.0,
        };
    }

    /// A block of runs, as memory pages are.
    fn block(&mut self) -> Vec<u8> {
        let mut block = Vec::with_capacity(BLOCK);
        while block.len() < BLOCK {
            let run = 1 + (self.next() % 64) as usize;
            let byte = self.next() as u8;
            block.extend(std::iter::repeat_n(byte, run.min(BLOCK - block.len())));
        }
        block
    }

    /// The next number of a xorshift sequence.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

/// Bytes that the block takes as pairs of length and byte.
fn compressed(block: &[u8]) -> usize {
    2 * block.chunk_by(|a, b| a == b).map(|run| run.len().div_ceil(255)).sum::<usize>().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_steps_give_the_same_values_and_they_move() {
        let (mut one, mut other) = (DwcpStream::default(), DwcpStream::default());
        let mut seen = Vec::new();
        for _ in 0..20 {
            one.advance();
            other.advance();
            assert_eq!(one.status(), other.status());
            seen.push(one.status());
        }
        assert!(seen.iter().all(|status| (4..=8).contains(&status.streams_active)));
        assert!(seen.iter().all(|status| status.compression_ratio > 1.0 && status.packet_loss_rate < 0.1));
        assert!(seen.windows(2).any(|pair| pair[0].streams_active != pair[1].streams_active));
    }

    #[test]
    fn runs_are_counted() {
        assert_eq!(compressed(&[7; 255]), 2);
        assert_eq!(compressed(&[7; 256]), 4);
        assert_eq!(compressed(&[1, 2, 2]), 4);
    }
}
