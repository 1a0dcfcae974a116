//! Round trips: smoothed, their variation, the shortest. RFC 9002 section 5.

/// The estimates, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rtt {
    pub(super) smoothed: Option<f64>,
    pub(super) variation: f64,
    pub(super) shortest: Option<u64>,
}

impl Rtt {
    /// A sample. `delay` is how long the peer says that it held the acknowledgement back; `share` is 1/8.
    pub(super) fn sample(&mut self, latest: u64, delay: u64, share: f64) {
        let shortest = self.shortest.map_or(latest, |least| least.min(latest));
        self.shortest = Some(shortest);
        let Some(smoothed) = self.smoothed else {
            self.smoothed = Some(latest as f64);
            self.variation = latest as f64 / 2.0;
            return;
        };
        let adjusted = if latest >= shortest + delay { latest - delay } else { latest } as f64;
        self.variation = 0.75 * self.variation + 0.25 * (smoothed - adjusted).abs();
        self.smoothed = Some((1.0 - share) * smoothed + share * adjusted);
    }
}
