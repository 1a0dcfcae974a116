//! Keeps alerts quiet beside a piece of work, and never in its way.
//!
//! ```text
//! place, tried until it stands or the work is over --> the work is over --> lift
//! ```

use std::time::Duration;

use ports::{PortError, Silences, Window};
use tokio::sync::watch;
use tokio::time::timeout;

/// First pause before a silence is tried again; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// Tries to lift what stands; what is left then ends by itself.
const LIFTS: u32 = 3;

/// The silences of one piece of work.
pub struct Keeper<S, F> {
    /// Places and lifts. A call must end within seconds.
    pub silences: S,
    /// Where they stand, for people.
    pub place: String,
    /// What the windows are found again by.
    pub run: String,
    /// What is quiet.
    pub windows: Vec<Window>,
    /// Becomes true when the work is over.
    pub over: watch::Receiver<bool>,
    /// Tells people. That a silence does not stand is told once.
    pub warn: F,
}

/// How it goes.
#[derive(Default)]
struct Going {
    /// One stands, or stood.
    placed: bool,
    /// That one does not stand was told.
    told: bool,
}

impl<S: Silences, F: Fn(&str)> Keeper<S, F> {
    /// Until the work is over and what was placed is lifted.
    pub async fn keep(mut self) {
        // Work that is over at the beginning belongs to an earlier life, which may have placed something.
        let mut going = Going { placed: *self.over.borrow(), told: false };
        for window in std::mem::take(&mut self.windows) {
            self.place(&window, &mut going).await;
        }
        // Whoever would have told is gone: then the work is over as well.
        let _ = self.over.wait_for(|over| *over).await;
        self.lift(&going).await;
    }

    /// Tries until it stands, cannot stand, or is no longer wanted.
    async fn place(&mut self, window: &Window, going: &mut Going) {
        let mut pause = FIRST_PAUSE;
        while !*self.over.borrow() {
            let Err(error) = self.silences.place(window).await else {
                going.placed = true;
                return;
            };
            if !std::mem::replace(&mut going.told, true) {
                let place = &self.place;
                (self.warn)(&format!("alerts are not kept quiet at {place}: {error}; all else goes on"));
            }
            if matches!(error, PortError::Refused(_)) {
                return;
            }
            let _ = timeout(pause, self.over.wait_for(|over| *over)).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Also when nothing seems to stand: an answer that was lost may belong to a silence that does.
    async fn lift(&self, going: &Going) {
        let tries = if going.placed { LIFTS } else { 1 };
        for left in (0..tries).rev() {
            let Err(error) = self.silences.lift(&self.run).await else { return };
            if going.placed && left == 0 {
                let place = &self.place;
                (self.warn)(&format!("silences at {place} were not lifted: {error}; each ends by itself"));
            }
        }
    }
}
