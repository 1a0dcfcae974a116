//! The durations of both arms as a part of the picture: what was counted at each bound, and the band around it.
//!
//! Between two bounds nothing is drawn that is not known: the band is as high as at the next bound, and as low as at
//! the one before.

use std::fmt::Write as _;

use super::dkw::{Distribution, Durations};
use super::svg::{CANARY, LEFT, PANEL, RIGHT, STABLE, WIDTH, escaped, path};

/// Where the panel is, and which durations it shows, on a logarithmic axis.
struct Place {
    top: f64,
    ln_first: f64,
    ln_last: f64,
}

impl Place {
    fn of(durations: &Durations, top: f64) -> Option<Self> {
        let bounds = || durations.canary.shares().map(|(le, _)| le as f64);
        // Half below the first bound and twice above the last one, so that both are seen.
        let (first, last) = (bounds().next()?.max(2.0) / 2.0, bounds().last()?.max(1.0) * 2.0);
        Some(Self { top, ln_first: libm::log(first), ln_last: libm::log(last) })
    }

    fn x(&self, us: f64) -> f64 {
        let part = (libm::log(us.max(1.0)) - self.ln_first) / (self.ln_last - self.ln_first);
        LEFT + (WIDTH - LEFT - RIGHT) * part.clamp(0.0, 1.0)
    }

    fn y(&self, share: f64) -> f64 {
        self.top + PANEL * (1.0 - share.clamp(0.0, 1.0))
    }
}

/// Draws the panel at this height; nothing where no bound is common to both.
pub(super) fn panel(out: &mut String, durations: &Durations, top: f64) {
    let Some(place) = Place::of(durations, top) else { return };
    frame(out, durations, &place);
    let arms = [("stable", STABLE, &durations.stable), ("canary", CANARY, &durations.canary)];
    for (number, (name, colour, arm)) in arms.into_iter().enumerate() {
        let (band, middle) = (band(&place, arm), middle(&place, arm));
        let (x, y) = (LEFT + 8.0 + 60.0 * number as f64, top + 14.0);
        let _ = write!(
            out,
            "<polygon points=\"{band}\" fill=\"{colour}\" fill-opacity=\"0.15\"/><polyline points=\"{middle}\" \
             fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/><text x=\"{x}\" y=\"{y:.1}\" \
             fill=\"{colour}\">{name}</text>"
        );
    }
}

fn frame(out: &mut String, durations: &Durations, place: &Place) {
    let (wide, bottom) = (WIDTH - LEFT - RIGHT, place.top + PANEL);
    let sure = (1.0 - durations.miss.value()) * 100.0;
    let name = format!("share of requests that took no longer, bands right at every moment with {sure} %");
    let _ = write!(
        out,
        "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{wide}\" height=\"{PANEL}\" fill=\"none\" stroke=\"#999\"/><text \
         x=\"{LEFT}\" y=\"{:.1}\">{}</text>",
        place.top,
        place.top - 5.0,
        escaped(&name)
    );
    for share in [0.0, 0.5, 1.0] {
        let (x, y) = (LEFT - 5.0, place.y(share) + 4.0);
        let _ = write!(out, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{:.0}%</text>", share * 100.0);
    }
    let mut free = 0.0;
    for (le, _) in durations.canary.shares() {
        let x = place.x(le as f64);
        // Labels that would cover each other are left out.
        if x >= free {
            free = x + 64.0;
            let ms = le as f64 / 1_000.0;
            let y = bottom + 13.0;
            let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{ms} ms</text>");
        }
    }
}

/// The outline of a band: above from left to right, below back again.
fn band(place: &Place, arm: &Distribution) -> String {
    let radius = arm.radius.value();
    let end = libm::exp(place.ln_last);
    let (mut above, mut below) = (Vec::new(), Vec::new());
    let (mut from, mut low) = (libm::exp(place.ln_first), 0.0);
    for (le, share) in arm.shares() {
        let (left, right, high) = (place.x(from), place.x(le as f64), place.y(share + radius));
        above.extend([(left, high), (right, high)]);
        below.extend([(left, place.y(low)), (right, place.y(low))]);
        (from, low) = (le as f64, (share - radius).max(low));
    }
    above.extend([(place.x(from), place.y(1.0)), (place.x(end), place.y(1.0))]);
    below.extend([(place.x(from), place.y(low)), (place.x(end), place.y(low))]);
    path(above.into_iter().chain(below.into_iter().rev()))
}

/// What was counted, as stairs.
fn middle(place: &Place, arm: &Distribution) -> String {
    let (mut points, mut last) = (vec![(place.x(libm::exp(place.ln_first)), place.y(0.0))], 0.0);
    for (le, share) in arm.shares() {
        let x = place.x(le as f64);
        points.extend([(x, place.y(last)), (x, place.y(share))]);
        last = share;
    }
    points.push((place.x(libm::exp(place.ln_last)), place.y(last)));
    path(points.into_iter())
}
