//! Words for people. A terminal or pipe that takes no more of them stops no run.

use std::fmt::Arguments;
use std::io::Write;

/// One line on standard output.
pub(crate) fn line(words: Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{words}");
}

/// `println!` that does not mind a reader who left.
macro_rules! say {
    ($($words:tt)*) => { $crate::say::line(format_args!($($words)*)) };
}
pub(crate) use say;
