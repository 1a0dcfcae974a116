//! All cases: one file per requirement or tight group, the sentence beside the check.

use crate::requirement::{Case, Profile};

pub mod acp;
pub mod amst;
pub mod ass;
mod entry;
pub mod hde;
pub mod met;
pub mod pba;

/// All cases, in the order of the catalogue.
pub fn all() -> Vec<Case> {
    let mut all =
        [amst::cases(), hde::cases(), pba::cases(), ass::cases(), acp::cases(), met::cases()].concat();
    all.sort_by_key(|case| (case.requirement.profile, case.requirement.id));
    all
}

/// The cases of a profile.
pub fn of(profile: Profile) -> Vec<Case> {
    all().into_iter().filter(|case| case.requirement.profile == profile).collect()
}
