//! Consensus: the operations `cons.*` over a cluster of replicas, whose messages the harness carries.

use serde_json::{Value, json};

use crate::dispatch::Setup;
use crate::refusal::{Answer, Refusal, invalid, refuse, text, unsupported, whole, whole_or};

mod choice;
mod pbft;
mod raft;
mod replica;

use replica::{Replica, Value as Entry};

/// Replicas of one cluster, twins counted.
const MOST: usize = 32;
/// Least time between two switches.
const BETWEEN_NS: u64 = 300 * 1_000_000_000;

struct Member {
    /// Who it is; a twin has the identity of another.
    identity: usize,
    replica: Box<dyn Replica>,
    up: bool,
}

/// A cluster.
pub(super) struct Cluster {
    setup: Setup,
    n: usize,
    f: usize,
    members: Vec<Member>,
    /// Switches so far: what is said before one is not heard after it.
    epoch: u64,
    switched_at: Option<u64>,
}

fn make(setup: Setup, alg: &str, id: usize, n: usize, f: usize) -> Result<Box<dyn Replica>, Refusal> {
    Ok(match alg {
        "raft" => Box::new(raft::Raft::new(setup, id, n)),
        "pbft" => Box::new(pbft::Pbft::new(setup, id, n, f)),
        other => return Err(invalid(format!("alg is {other}: raft or pbft"))),
    })
}

impl Cluster {
    pub(super) const fn new(setup: Setup) -> Self {
        Self { setup, n: 0, f: 0, members: Vec::new(), epoch: 0, switched_at: None }
    }

    fn open(&mut self, params: &Value) -> Answer {
        let (n, f) = (whole(params, "n")? as usize, whole_or(params, "f", 0)? as usize);
        let alg = text(params, "alg")?;
        if !(1..=16).contains(&n) || (alg == "pbft" && n < 3 * f + 1) {
            return Err(invalid("n: 1 to 16, for pbft at least 3f + 1"));
        }
        let members = (0..n).map(|id| make(self.setup, alg, id, n, f));
        let members: Vec<_> = members.collect::<Result<_, _>>()?;
        *self = Self { n, f, ..Self::new(self.setup) };
        self.members = members
            .into_iter()
            .enumerate()
            .map(|(identity, replica)| Member { identity, replica, up: true })
            .collect();
        Ok(json!({"n": n, "f": f}))
    }

    fn member(&mut self, params: &Value) -> Result<&mut Member, Refusal> {
        let node = whole(params, "node")?;
        self.members.get_mut(node as usize).ok_or_else(|| invalid(format!("there is no node {node}")))
    }

    fn outbox(&mut self) -> Value {
        let (mut messages, epoch) = (Vec::new(), self.epoch);
        for (from, member) in self.members.iter_mut().enumerate() {
            let sent = member.replica.outbox();
            if member.up {
                messages.extend(
                    sent.into_iter().map(
                        |(to, msg)| json!({"from": from, "to": to, "msg": {"epoch": epoch, "body": msg}}),
                    ),
                );
            }
        }
        json!({"messages": messages})
    }

    fn propose(&mut self, params: &Value) -> Answer {
        let entry = Entry { id: text(params, "id")?.to_owned(), value: text(params, "value")?.to_owned() };
        let member = self.member(params)?;
        if !member.up {
            return Err(refuse("closed", "the node is down"));
        }
        member.replica.propose(entry);
        Ok(json!({"status": "pending"}))
    }

    fn log(&mut self, params: &Value) -> Answer {
        let member = self.member(params)?;
        let rows: Vec<Value> = member
            .replica
            .applied()
            .iter()
            .map(|entry| json!({"id": entry.id, "value": entry.value}))
            .collect();
        Ok(json!({"applied": rows, "view": member.replica.view(), "leader": member.replica.leads()}))
    }

    fn status(&mut self, params: &Value) -> Answer {
        let id = text(params, "id")?.to_owned();
        let early = self.setup.is("cons-success-early");
        let member = self.member(params)?;
        let committed = member.replica.applied().iter().any(|entry| entry.id == id);
        let done = committed || (early && member.replica.knows(&id));
        Ok(json!({"status": if done { "committed" } else { "pending" }}))
    }

    /// The whole committed log goes over into the new algorithm.
    fn switch(&mut self, params: &Value) -> Answer {
        let (now, alg) = (whole(params, "now")?, text(params, "alg")?);
        let ratio =
            params["benefit"].as_f64().unwrap_or(0.0) / params["cost"].as_f64().unwrap_or(1.0).max(1e-9);
        let worth = if self.setup.is("cons-switches-cheaply") { ratio > 1.0 } else { ratio > 1.5 };
        let soon = self.switched_at.is_some_and(|at| now < at + BETWEEN_NS);
        if soon || !worth {
            let reason = if soon {
                "less than 5 minutes since the last"
            } else {
                "the benefit is at most 1.5 x the cost"
            };
            return Ok(json!({"switched": false, "reason": reason}));
        }
        let logs = self.members.iter().map(|member| member.replica.applied().to_vec());
        let first = self.setup.is("cons-switch-from-first");
        let log = if first { logs.into_iter().next() } else { logs.max_by_key(Vec::len) }.unwrap_or_default();
        for id in 0..self.n {
            let mut replica = make(self.setup, alg, id, self.n, self.f)?;
            replica.begin_with(&log);
            self.members[id].replica = replica;
        }
        self.members.truncate(self.n);
        self.epoch += 1;
        self.switched_at = Some(now);
        Ok(json!({"switched": true}))
    }

    pub(super) fn handle(&mut self, op: &str, params: &Value) -> Answer {
        match op {
            "cons.open" => self.open(params),
            "cons.decide" => choice::decide(self.setup, params),
            "cons.quorum" => choice::quorums(self.setup, params),
            "cons.outbox" => Ok(self.outbox()),
            "cons.inbox" => {
                let from = whole(params, "from")? as usize;
                let identity = self.members.get(from).map_or(from, |member| member.identity);
                let current = params["msg"]["epoch"] == self.epoch;
                let member = self.member(params)?;
                if member.up && current {
                    member.replica.inbox(identity, &params["msg"]["body"])?;
                }
                Ok(json!({}))
            }
            "cons.tick" => {
                let now = whole(params, "now")?;
                self.members
                    .iter_mut()
                    .filter(|member| member.up)
                    .for_each(|member| member.replica.tick(now));
                Ok(json!({}))
            }
            "cons.propose" => self.propose(params),
            "cons.status" => self.status(params),
            "cons.log" => self.log(params),
            "cons.crash" => {
                self.member(params)?.up = false;
                Ok(json!({}))
            }
            "cons.restart" => {
                let member = self.member(params)?;
                member.up = true;
                member.replica.restart();
                Ok(json!({}))
            }
            "cons.twin" => {
                let member = self.member(params)?;
                let twin = Member { identity: member.identity, replica: member.replica.copy(), up: true };
                if self.members.len() >= MOST {
                    return Err(refuse("overload", format!("more than {MOST} members")));
                }
                self.members.push(twin);
                Ok(json!({"node": self.members.len() - 1}))
            }
            "cons.switch" => self.switch(params),
            _ => Err(unsupported(op)),
        }
    }
}
