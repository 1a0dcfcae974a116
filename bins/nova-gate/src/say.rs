//! Words on standard output. A reader who left is no reason to end otherwise: the exit code is the answer.

use std::fmt::Arguments;
use std::io::Write;

/// Text as it is.
pub(crate) fn text(words: Arguments<'_>) {
    let mut out = std::io::stdout();
    let _ = out.write_fmt(words).and_then(|()| out.flush());
}

/// `println!` that does not mind a reader who left.
macro_rules! say {
    ($($words:tt)*) => { $crate::say::text(format_args!("{}\n", format_args!($($words)*))) };
}
/// The same without an end of line.
macro_rules! put {
    ($($words:tt)*) => { $crate::say::text(format_args!($($words)*)) };
}
pub(crate) use {put, say};
