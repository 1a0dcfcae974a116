//! Contents by name, the oldest forgotten when they are too many bytes.

use std::collections::{BTreeMap, VecDeque};

use super::delta::{Id, id};

/// What is kept.
#[derive(Default)]
pub(super) struct Baselines {
    contents: BTreeMap<Id, Vec<u8>>,
    order: VecDeque<Id>,
    bytes: u64,
    cap: u64,
}

impl Baselines {
    pub(super) fn new(cap: u64) -> Self {
        Self { cap, ..Self::default() }
    }

    pub(super) fn keep(&mut self, content: Vec<u8>) {
        let id = id(&content);
        let len = content.len() as u64;
        if len > self.cap || self.contents.contains_key(&id) {
            return;
        }
        self.bytes += len;
        self.contents.insert(id, content);
        self.order.push_back(id);
        while self.bytes > self.cap
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.contents.remove(&oldest).map_or(0, |content| content.len() as u64);
        }
    }

    pub(super) fn find(&self, id: Id) -> Option<&[u8]> {
        self.contents.get(&id).map(Vec::as_slice)
    }

    pub(super) fn newest(&self) -> Option<&[u8]> {
        self.order.back().and_then(|id| self.find(*id))
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}
