//! How a run ended: its exit code and the reasons.

use crate::{Pipeline, Status};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// The run's exit code.
    pub code: i32,
    /// Jobs that failed, timed out, or were not run, with the reason; failures that were tolerated too.
    pub reasons: Vec<String>,
}

/// The worse of two exit codes, in the order 13, 11, 12, 130, 10, 2, 1, 0.
pub fn worst(a: i32, b: i32) -> i32 {
    const ORDER: [i32; 8] = [13, 11, 12, 130, 10, 2, 1, 0];
    let rank = |code: i32| ORDER.iter().position(|c| *c == code).unwrap_or(6);
    if rank(a) <= rank(b) { a } else { b }
}

impl<D> Pipeline<D> {
    /// How the run ended, or would end if nothing more happened.
    pub fn conclusion(&self) -> Conclusion {
        let mut code = 0;
        let mut reasons = Vec::new();
        for (job, state) in self.plan().jobs().iter().zip(self.states()) {
            let deploy = matches!(job.body, crate::Body::Deploy(_));
            let of_job = match state.status {
                Status::Failed if deploy => state.code.unwrap_or(10),
                Status::Failed | Status::TimedOut => 10,
                Status::Cancelled => 130,
                _ => 0,
            };
            if of_job != 0 {
                let tolerated = if job.tolerated { ", tolerated" } else { "" };
                let remark = state.remark.as_deref().map(|r| format!(": {r}")).unwrap_or_default();
                reasons.push(format!("{}: {}{tolerated}{remark}", job.name, state.status.name()));
            }
            if !job.tolerated {
                code = worst(code, of_job);
            }
        }
        Conclusion { code, reasons }
    }
}

impl Status {
    /// In one or two words.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Waiting => "waiting for a person",
            Self::Running => "running",
            Self::Probing => "probing",
            Self::Succeeded => "succeeded",
            Self::Cached => "taken over",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::Skipped(_) => "skipped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::worst;

    #[test]
    fn the_worst_code_wins_in_the_documented_order() {
        let order = [13, 11, 12, 130, 10, 2, 0];
        for (rank, &a) in order.iter().enumerate() {
            for &b in order.iter().skip(rank) {
                assert_eq!((worst(a, b), worst(b, a)), (a, a), "{a} {b}");
            }
        }
    }
}
