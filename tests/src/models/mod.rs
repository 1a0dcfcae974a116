//! Exhaustive walks: the single machines (their worlds lie beside them), and the composed model.

pub mod composed;
pub mod judges;
pub mod rules;
pub mod target;
pub mod walk;

#[path = "../../../crates/deploy-strategies/tests/model/world.rs"]
pub mod blue_green;
#[path = "../../../crates/pipeline-core/tests/model/world.rs"]
pub mod pipeline;
