//! A report for a person, a program, a code host, a browser. Each is a function of the report alone.

mod bounded;
mod durations;
mod github;
mod html;
mod planned;
mod sarif;
mod text;

pub use github::{annotations, summary};
pub use html::html;
pub use sarif::{Place, Result as SarifResult, sarif, sarif_of};
pub use text::{line, text};

/// Text as a part of HTML, XML or SVG.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Text in one line, without what a terminal or a log would take for an order.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
