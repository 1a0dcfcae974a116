//! What is kept of one case: transcript, figures, plots, notes. All of it has a limit.

use serde::{Deserialize, Serialize};

/// Lines of a transcript that are kept, unless all are wanted; the first and the last.
const KEPT: usize = 40;
/// Characters of a line that are kept, unless all are wanted.
const LINE: usize = 300;
/// Lines of a full transcript.
const FULL: usize = 200_000;
/// Points of a line of a plot; more are thinned out.
const POINTS: usize = 600;
/// Plots, figures and notes of a case.
const MOST: usize = 32;

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The harness.
    Asked,
    /// The implementation.
    Answered,
}

/// One line of the transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in the case, from 1.
    pub n: u64,
    /// Who spoke.
    pub who: Direction,
    /// What; cut, unless the full transcript is wanted.
    pub line: String,
}

/// Which change of a figure is for the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// Neither; told only.
    Neither,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What, e.g. `ratio of text`.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
    /// Which change is for the better.
    pub better: Better,
}

/// A line of a plot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// (x, y), x not falling.
    pub points: Vec<(f64, f64)>,
}

/// A plot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// Name and unit of the x axis.
    pub x: String,
    /// Name and unit of the y axis.
    pub y: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What is kept of one case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Whether every line is kept in full.
    pub full: bool,
    /// The lines, in order.
    pub transcript: Vec<Entry>,
    /// Figures.
    pub measurements: Vec<Measurement>,
    /// Plots.
    pub plots: Vec<Plot>,
    /// Sentences.
    pub notes: Vec<String>,
    /// The round under way.
    pub round: Option<u32>,
    /// How many rounds there are.
    pub rounds: u32,
    /// Lines so far.
    pub lines: u64,
}

impl Record {
    /// Keeps a line, or as much of it as is kept.
    pub(super) fn said(&mut self, who: Direction, line: &str) {
        self.lines += 1;
        let n = self.lines;
        if self.full {
            if self.transcript.len() < FULL {
                self.transcript.push(Entry { n, who, line: line.to_owned() });
            }
            return;
        }
        if self.transcript.len() >= KEPT {
            // The first half stays, the second half moves along.
            self.transcript.remove(KEPT / 2);
        }
        let cut: String = line.chars().take(LINE).collect();
        let line = if cut.len() < line.len() { format!("{cut}... ({} bytes)", line.len()) } else { cut };
        self.transcript.push(Entry { n, who, line });
    }

    pub(super) fn measured(&mut self, measurement: Measurement) {
        if !measurement.value.is_finite() {
            self.note(format!("{} is not finite", measurement.name));
            return;
        }
        self.measurements.retain(|other| other.name != measurement.name);
        if self.measurements.len() < MOST {
            self.measurements.push(measurement);
        }
    }

    pub(super) fn plot(&mut self, mut plot: Plot) {
        for line in &mut plot.lines {
            line.points.retain(|(x, y)| x.is_finite() && y.is_finite());
            let every = line.points.len().div_ceil(POINTS).max(1);
            line.points = line.points.iter().copied().step_by(every).collect();
        }
        self.plots.retain(|other| other.title != plot.title);
        if self.plots.len() < MOST {
            self.plots.push(plot);
        }
    }

    pub(super) fn note(&mut self, text: String) {
        if self.notes.len() < MOST && !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_transcript_keeps_its_beginning_and_its_end() {
        let mut record = Record::default();
        for n in 0..1_000 {
            record.said(Direction::Asked, &format!("{n}{}", "x".repeat(1_000)));
        }
        let numbers: Vec<u64> = record.transcript.iter().map(|entry| entry.n).collect();
        assert_eq!((numbers.len(), numbers[0], numbers[39]), (KEPT, 1, 1_000));
        assert!(record.transcript.iter().all(|entry| entry.line.len() < LINE + 30));
    }

    #[test]
    fn a_plot_is_thinned_out_and_has_finite_points() {
        let mut record = Record::default();
        let points = (0..10_000).map(|n| (f64::from(n), if n == 3 { f64::NAN } else { 1.0 })).collect();
        let lines = vec![Line { name: "a".to_owned(), points }];
        record.plot(Plot { title: "t".to_owned(), x: "s".to_owned(), y: "B".to_owned(), lines });
        assert!(record.plots[0].lines[0].points.len() <= POINTS);
    }
}
