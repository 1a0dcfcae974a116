//! How a silence of ours is known again: its owner, and the run at the end of its comment.

/// Owner of every silence of ours.
pub const OWNER: &str = "novacron-delivery";

/// The comment for people, with the run.
pub(crate) fn comment(run: &str, why: &str) -> String {
    format!("{why} [novacron-delivery run={run}]")
}

/// The run, when owner and comment are ours.
pub(crate) fn run_of(owner: &str, comment: &str) -> Option<String> {
    if owner != OWNER {
        return None;
    }
    let (_, marked) = comment.rsplit_once("[novacron-delivery run=")?;
    marked.strip_suffix(']').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_is_known_again() {
        assert_eq!(run_of(OWNER, &comment("r-1", "why [not]")), Some("r-1".to_owned()));
        assert_eq!(run_of("somebody", &comment("r-1", "why")), None);
        assert_eq!(run_of(OWNER, "why"), None);
        let forged = comment("r-2", &comment("r-1", "why"));
        assert_eq!(run_of(OWNER, &forged), Some("r-2".to_owned()), "the last mark counts");
    }
}
