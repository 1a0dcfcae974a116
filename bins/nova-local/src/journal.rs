//! Makes the supervisor's state durable after each step that needs it.

use adapter_local::{PROTOCOL, SlotStore, StoreError};
use machine::{Durability, Timestamp};
use ports::PortError;
use runner::{Log, Recorded, boot_now_ms};
use supervise::Supervisor;

use crate::boot::{Saved, wall_ms};

/// The state in its two slots.
#[derive(Debug)]
pub(crate) struct StateLog {
    store: SlotStore,
    boot: String,
}

impl StateLog {
    pub(crate) fn new(store: SlotStore, boot: String) -> Self {
        Self { store, boot }
    }

    pub(crate) fn save(
        &mut self,
        machine: &Supervisor,
        now: Timestamp,
        stopped: bool,
        sync: bool,
    ) -> Result<(), PortError> {
        let saved = Saved {
            protocol: PROTOCOL,
            boot: self.boot.clone(),
            boot_ms: boot_now_ms(),
            wall_ms: wall_ms(),
            now,
            stopped,
            machine,
        };
        let bytes = serde_json::to_vec(&saved).map_err(|error| PortError::Malformed(error.to_string()))?;
        self.store.save(&bytes, sync).map_err(|error| match error {
            StoreError::TooLarge { .. } => PortError::Refused(error.to_string()),
            error => PortError::Unreachable(error.to_string()),
        })
    }
}

impl Log<Supervisor> for StateLog {
    fn append(
        &mut self,
        recorded: &Recorded<'_, Supervisor>,
        durability: Durability,
    ) -> Result<(), PortError> {
        // A check that changed nothing leaves nothing to keep.
        if durability == Durability::Unwaited && recorded.stepped.effects.is_empty() {
            return Ok(());
        }
        self.save(recorded.machine, recorded.now, false, durability == Durability::Synced)
    }
}
