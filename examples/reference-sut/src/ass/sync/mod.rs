//! State synchronisation: replicated registers, sets and counters, pushed at once and compared from time to time.
//!
//! Sources: Shapiro et al. 2011 (state-based types), Demers et al. 1987 (anti-entropy).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::dispatch::Setup;
use crate::refusal::{Answer, Refusal, invalid, refuse, text, unsupported, whole};

mod entry;
mod node;

/// What a node may miss at most, in milliseconds: two comparisons.
pub(super) const STALENESS_MS: u64 = 2 * node::INTERVAL_NS / 1_000_000;

/// Nodes of one session.
const MOST: usize = 64;

/// The operations `sync.*`.
pub(super) struct Session {
    setup: Setup,
    nodes: BTreeMap<u64, node::Node>,
    leader: Option<u64>,
}

impl Session {
    pub(super) const fn new(setup: Setup) -> Self {
        Self { setup, nodes: BTreeMap::new(), leader: None }
    }

    fn node(&mut self, params: &Value) -> Result<&mut node::Node, Refusal> {
        let id = whole(params, "node")?;
        self.nodes.get_mut(&id).ok_or_else(|| invalid(format!("there is no node {id}")))
    }

    fn add(&mut self) -> Answer {
        if self.nodes.len() >= MOST {
            return Err(refuse("overload", format!("more than {MOST} nodes")));
        }
        let id = self.nodes.len() as u64;
        self.nodes.insert(id, node::Node::new(self.setup, id));
        let all: Vec<u64> = self.nodes.keys().copied().collect();
        for node in self.nodes.values_mut() {
            node.meet(&all);
        }
        Ok(json!({"node": id}))
    }

    /// Strong needs a leader; hybrid does without one and says so.
    fn apply(&mut self, params: &Value) -> Answer {
        let leader = self.leader.is_some();
        let silent = self.setup.is("sync-silent-fallback");
        let mode = params["mode"].as_str().unwrap_or("eventual");
        let applied = match mode {
            "strong" if !leader => return Err(refuse("closed", "no leader is known; sync.leader names one")),
            "hybrid" if !leader && !silent => "eventual",
            "strong" | "hybrid" | "eventual" => mode,
            other => return Err(invalid(format!("mode is {other}: strong, hybrid or eventual"))),
        };
        self.node(params)?.apply(&params["op"])?;
        Ok(json!({"mode": applied, "fallback": applied != mode}))
    }

    pub(super) fn handle(&mut self, op: &str, params: &Value) -> Answer {
        match op {
            "sync.node" => self.add(),
            "sync.leader" => {
                self.leader = params["leader"].as_u64();
                Ok(json!({}))
            }
            "sync.apply" => self.apply(params),
            "sync.outbox" => Ok(json!({"messages": self.node(params)?.outbox()})),
            "sync.inbox" => {
                let from = whole(params, "from")?;
                self.node(params)?.inbox(from, &params["msg"])?;
                Ok(json!({}))
            }
            "sync.tick" => {
                let now = whole(params, "now")?;
                self.nodes.values_mut().for_each(|node| node.tick(now));
                Ok(json!({}))
            }
            "sync.digest" => Ok(json!({"digest": self.node(params)?.digest()})),
            "sync.read" => {
                let key = text(params, "key")?.to_owned();
                Ok(self.node(params)?.read(&key))
            }
            "sync.get" => {
                let (peer, key) = (whole(params, "peer")?, text(params, "key")?.to_owned());
                Ok(json!({"request": self.node(params)?.get(peer, &key)}))
            }
            "sync.answers" => Ok(json!({"answers": self.node(params)?.answers()})),
            _ => Err(unsupported(op)),
        }
    }
}
