//! A verdict as a picture: both arms with their bands, the evidence against the threshold, and the durations.

use std::fmt::Write as _;

use super::explain::Explanation;
use super::numerics::clopper_pearson;
use super::svg_durations::panel;
use super::{Counts, LogE};

pub(super) const WIDTH: f64 = 720.0;
pub(super) const LEFT: f64 = 56.0;
pub(super) const RIGHT: f64 = 12.0;
pub(super) const PANEL: f64 = 160.0;
const GAP: f64 = 34.0;
const TOP: f64 = 30.0;
/// How often a band misses, at either end.
const MISS: f64 = 0.05;

/// An arm: its name, its colour, its part of a pair.
type Drawn = (&'static str, &'static str, fn(&super::Pair) -> Counts);

pub(super) const CANARY: &str = "#c2410c";
pub(super) const STABLE: &str = "#1d4ed8";

/// The picture, as a document of its own. Needs no script, no font and nothing from outside.
pub fn svg(explanation: &Explanation) -> String {
    let mut out = String::new();
    let panels = if explanation.durations.is_some() { 3.0 } else { 2.0 };
    let height = TOP + panels * (PANEL + GAP);
    let title = explanation.lines().into_iter().next().unwrap_or_default();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"11\"><title>{0}</title><rect width=\"100%\" height=\"100%\" \
         fill=\"#fff\"/><text x=\"{LEFT}\" y=\"18\" font-size=\"13\">{0}</text>",
        escaped(&title)
    );
    rates(&mut out, explanation);
    evidence(&mut out, explanation);
    if let Some(durations) = &explanation.durations {
        panel(&mut out, durations, TOP + 16.0 + 2.0 * (PANEL + GAP));
    }
    out.push_str("</svg>\n");
    out
}

/// Maps both axes of a panel.
struct Axes {
    first_ms: f64,
    last_ms: f64,
    low: f64,
    high: f64,
    top: f64,
}

impl Axes {
    fn of(explanation: &Explanation, low: f64, high: f64, top: f64) -> Self {
        let at = |point: Option<&super::trail::Point>| point.map_or(0.0, |p| p.at.as_millis() as f64);
        let (first_ms, last_ms) = (at(explanation.trail.first()), at(explanation.trail.last()));
        Self { first_ms, last_ms: last_ms.max(first_ms + 1.0), low, high: high.max(low + 1e-9), top }
    }

    fn x(&self, ms: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (ms - self.first_ms) / (self.last_ms - self.first_ms)
    }

    fn y(&self, value: f64) -> f64 {
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.top + PANEL * (1.0 - part)
    }

    fn frame(&self, out: &mut String, name: &str, format: impl Fn(f64) -> String) {
        let (bottom, wide) = (self.top + PANEL, WIDTH - LEFT - RIGHT);
        let _ = write!(
            out,
            "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{wide}\" height=\"{PANEL}\" fill=\"none\" stroke=\"#999\"/>\
             <text x=\"{LEFT}\" y=\"{:.1}\">{}</text>",
            self.top,
            self.top - 5.0,
            escaped(name)
        );
        for value in [self.low, f64::midpoint(self.low, self.high), self.high] {
            let (x, y) = (LEFT - 5.0, self.y(value) + 4.0);
            let _ = write!(out, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>", format(value));
        }
        let seconds = |ms: f64| format!("{:.0} s", ms / 1_000.0);
        for (ms, anchor) in [(self.first_ms, "start"), (self.last_ms, "end")] {
            let (x, y) = (self.x(ms), bottom + 13.0);
            let _ = write!(
                out,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
                seconds(ms)
            );
        }
    }
}

fn rates(out: &mut String, explanation: &Explanation) {
    let arms: [Drawn; 2] = [("stable", STABLE, |pair| pair.stable), ("canary", CANARY, |pair| pair.canary)];
    let band = |counts: Counts| clopper_pearson(counts.bad, counts.requests.max(1), MISS);
    let served = |counts: &Counts| counts.requests > 0;
    let all = explanation.trail.iter().flat_map(|p| [p.pair.canary, p.pair.stable]).filter(served);
    // Few requests have a band up to 1, which would hide everything: at most four times the highest rate.
    let highest = all.clone().map(Counts::rate).fold(0.0, f64::max);
    let upper = all.map(|counts| band(counts).1).fold(0.0, f64::max);
    let axes = Axes::of(explanation, 0.0, upper.min((4.0 * highest).max(0.005)).max(1e-6), TOP + 16.0);
    axes.frame(out, "share of failed requests, 90 % band of each stretch", |v| format!("{:.2}%", v * 100.0));
    for (number, (name, colour, pick)) in arms.into_iter().enumerate() {
        let points: Vec<(f64, Counts)> = explanation
            .trail
            .iter()
            .map(|point| (axes.x(point.at.as_millis() as f64), pick(&point.pair)))
            .filter(|(_, counts)| counts.requests > 0)
            .collect();
        let upper = points.iter().map(|(x, c)| (*x, axes.y(band(*c).1)));
        let lower = points.iter().rev().map(|(x, c)| (*x, axes.y(band(*c).0)));
        let outline = path(upper.chain(lower));
        let middle = path(points.iter().map(|(x, c)| (*x, axes.y(c.rate()))));
        let x = LEFT + 8.0 + 60.0 * number as f64;
        let _ = write!(
            out,
            "<polygon points=\"{outline}\" fill=\"{colour}\" fill-opacity=\"0.15\"/><polyline \
             points=\"{middle}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/><text x=\"{x}\" \
             y=\"{:.1}\" fill=\"{colour}\">{name}</text>",
            axes.top + 14.0
        );
    }
}

fn evidence(out: &mut String, explanation: &Explanation) {
    let threshold = explanation.threshold.value();
    let shown = |e: LogE| e.ln().clamp(-6.0, 3.0 * threshold.max(1.0));
    let values = explanation.trail.iter().map(|point| shown(point.evidence));
    let (low, high) =
        values.clone().fold((0.0, threshold * 1.2), |(low, high), v| (f64::min(low, v), f64::max(high, v)));
    let axes = Axes::of(explanation, low, high, TOP + 16.0 + PANEL + GAP);
    axes.frame(out, "evidence against the release (logarithmic)", |v| short(libm::exp(v)));
    let xs = explanation.trail.iter().map(|point| axes.x(point.at.as_millis() as f64));
    let line = path(xs.zip(values.map(|v| axes.y(v))));
    let (y, end) = (axes.y(threshold), WIDTH - RIGHT);
    let _ = write!(
        out,
        "<line x1=\"{LEFT}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#b91c1c\" \
         stroke-dasharray=\"5 4\"/><text x=\"{end}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#b91c1c\">back at {}</text>\
         <polyline points=\"{line}\" fill=\"none\" stroke=\"#111\" stroke-width=\"1.5\"/>",
        y - 4.0,
        short(libm::exp(threshold))
    );
}

pub(super) fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

fn short(value: f64) -> String {
    if value >= 10.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
