//! Exhaustive walks: the single machines (their worlds lie beside them), and the composed model.

mod choices;
pub mod composed;
pub mod judges;
pub mod rules;
pub mod target;
pub mod walk;
pub mod world;

#[path = "../../../crates/deploy-strategies/tests/model/world.rs"]
pub mod blue_green;
#[path = "../../../crates/pipeline-core/tests/model/world.rs"]
pub mod pipeline;
