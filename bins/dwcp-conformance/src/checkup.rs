//! `check-adapter`: whether the adapter keeps to the line protocol, before anything is held against it.

use dwcp_conformance::checkup::{self, Point};

use crate::say::say;
use crate::{Usage, asked};

/// Asks, prints. Gives whether all points hold.
pub(crate) fn check(connect: Option<&str>, adapter: &[String]) -> Result<bool, Usage> {
    let mut sut = asked::sut(connect, adapter)?;
    let points = checkup::check(&mut sut);
    for Point { what, found } in &points {
        match found {
            Ok(seen) => say!("ok      {what}{}{seen}", if seen.is_empty() { "" } else { ": " }),
            Err(why) => say!("broken  {what}: {why}"),
        }
    }
    let broken = points.iter().filter(|point| point.found.is_err()).count();
    say!("{} points, {broken} broken", points.len());
    Ok(broken == 0)
}
