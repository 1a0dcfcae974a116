//! The contract of notices: one that is sent arrives as it was, and one that cannot be sent is an error in time.

use super::{Kept, promise};
use crate::{Notice, Notices};

/// Sends one notice and compares it with what `arrived` gives.
///
/// # Errors
/// The promise that was broken.
pub async fn notices(notices: &impl Notices, arrived: impl AsyncFnOnce() -> Option<Notice>) -> Kept {
    let notice = Notice {
        severity: "warning".to_owned(),
        title: "a title with \"quotes\" and ünïcode".to_owned(),
        text: "two\nlines".to_owned(),
        run: "r-1".to_owned(),
    };
    notices.send(&notice).await?;
    let got = arrived().await;
    promise(got.as_ref() == Some(&notice), "a notice arrives as it was sent", &got)
}

/// A notice to somebody who is not there is an error, not a wait.
///
/// # Errors
/// It was not.
pub async fn nobody_there(notices: &impl Notices) -> Kept {
    let notice =
        Notice { severity: "info".to_owned(), title: String::new(), text: String::new(), run: String::new() };
    let sent = notices.send(&notice).await;
    promise(sent.is_err(), "a notice to nobody is an error", &sent)
}
