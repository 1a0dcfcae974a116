//! A plot as SVG, without a script.

use std::fmt::Write;

use super::text::{escaped, figure};
use crate::bench::Plot;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 70.0;
const BELOW: f64 = 40.0;
const ABOVE: f64 = 28.0;
const COLOURS: [&str; 6] = ["#1b6ca8", "#d1495b", "#3a7d44", "#8d5fd3", "#c77f1a", "#555555"];

/// The smallest and the largest, apart from each other.
fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if !low.is_finite() || !high.is_finite() {
        (0.0, 1.0)
    } else if high - low < 1e-12 {
        (low - 0.5, high + 0.5)
    } else {
        (low, high)
    }
}

/// The plot as an SVG element.
pub(super) fn svg(plot: &Plot) -> String {
    let points = || plot.lines.iter().flat_map(|line| &line.points);
    let (x0, x1) = span(points().map(|p| p.0));
    let (low, y1) = span(points().map(|p| p.1));
    // A quantity that is never negative is shown from zero.
    let y0 = if low >= 0.0 { 0.0 } else { low };
    let x = |v: f64| LEFT + (v - x0) / (x1 - x0) * (WIDTH - LEFT - 10.0);
    let y = |v: f64| HEIGHT - BELOW - (v - y0) / (y1 - y0) * (HEIGHT - BELOW - ABOVE);
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\">",
        escaped(&plot.title)
    );
    // Writing to a text cannot fail.
    let _ = write!(out, "<text x=\"{LEFT}\" y=\"14\" class=\"t\">{}</text>", escaped(&plot.title));
    for step in 0..=4 {
        let part = f64::from(step) / 4.0;
        let (vx, vy) = (x0 + part * (x1 - x0), y0 + part * (y1 - y0));
        let (px, py, bottom, right) = (x(vx), y(vy), HEIGHT - BELOW + 14.0, WIDTH - 10.0);
        let _ = write!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{py:.1}\" y2=\"{py:.1}\" class=\"g\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <text x=\"{px:.1}\" y=\"{bottom}\" text-anchor=\"middle\">{}</text>",
            LEFT - 6.0,
            py + 4.0,
            figure(vy),
            figure(vx)
        );
    }
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}, against {}</text>",
        WIDTH - 10.0,
        HEIGHT - 6.0,
        escaped(&plot.y),
        escaped(&plot.x)
    );
    for (at, line) in plot.lines.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let path: String = line.points.iter().map(|p| format!("{:.1},{:.1} ", x(p.0), y(p.1))).collect();
        let (legend_x, legend_y) = (LEFT + 140.0 * (at % 4) as f64, 26.0 + 12.0 * (at / 4) as f64);
        let _ = write!(
            out,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\"/>\
             <text x=\"{legend_x}\" y=\"{legend_y}\" fill=\"{colour}\">{}</text>",
            escaped(&line.name)
        );
    }
    out.push_str("</svg>");
    out
}
