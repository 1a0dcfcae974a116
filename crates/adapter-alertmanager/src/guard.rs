//! Whether a window is one that may be silenced: it has an end, a comment and a matcher, and meets no guarding alert.

use ports::Window;
use promql::{GuardingAlert, Matcher};

/// Why the window is refused, if it is.
pub(crate) fn refusal(window: &Window, guards: &[GuardingAlert], lasts_max_ms: u64) -> Option<String> {
    if window.run.is_empty() || window.run.contains(['"', '\n', ']']) {
        return Some(format!("{:?} is no name of a run", window.run));
    }
    if window.comment.trim().is_empty() {
        return Some("a silence needs a comment that says why".to_owned());
    }
    if window.lasts_ms == 0 || window.lasts_ms > lasts_max_ms {
        return Some(format!("a silence lasts from 1 ms to {lasts_max_ms} ms, not {} ms", window.lasts_ms));
    }
    let mut matchers = Vec::new();
    for matcher in &window.matchers {
        if matcher.label.is_empty() {
            return Some("a matcher without a label".to_owned());
        }
        match matcher.matcher() {
            Ok(read) => matchers.push(read),
            Err(why) => return Some(why.to_string()),
        }
    }
    if matchers.is_empty() {
        return Some("a silence needs a matcher".to_owned());
    }
    if let Some(guarded) = guards.iter().find(|guard| guard.could_match(&matchers)) {
        return Some(format!("it could keep {:?} quiet, which guards the rollout", guarded.labels));
    }
    let all = matchers.iter().all(|matcher: &Matcher| matcher.fits(""));
    all.then(|| "a silence needs a matcher that does not match the empty text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_that_could_match_a_guarding_alert_is_refused_and_so_is_one_on_everything() {
        let guards = [GuardingAlert::named("HighErrorRate").with("severity", "critical")];
        for (matchers, says) in [
            (r#"alertname="HighErrorRate""#, Some("guards the rollout")),
            (r#"alertname=~"High.*""#, Some("guards the rollout")),
            (r#"job="api""#, Some("guards the rollout")),
            (r#"alertname="DatabaseSlow""#, None),
            (r#"alertname=~"Data.*", severity="critical""#, None),
        ] {
            let mut window = Window {
                run: "r".into(),
                matchers: promql::matchers(matchers).unwrap().iter().map(Into::into).collect(),
                lasts_ms: 1,
                comment: "c".into(),
            };
            let why = refusal(&window, &guards, 1_000);
            assert_eq!(why.is_some(), says.is_some(), "{matchers}: {why:?}");
            assert!(why.unwrap_or_default().contains(says.unwrap_or_default()), "{matchers}");
            for matcher in &mut window.matchers {
                (matcher.regex, matcher.equal) = (false, false);
            }
            assert!(refusal(&window, &[], 1_000).unwrap().contains("empty text"), "{matchers} turned round");
        }
    }
}
