//! What may happen next in a state of the composed model.

use health::Judge;
use machine::{Machine, Progress};
use release::Stage;

use super::composed::{Action, Composed, ROAD};
use super::judges::Code;
use super::target::new;
use super::walk::NOW;
use super::world::{Load, World};

impl<J: Judge> Composed<J> {
    /// Everything that may happen next.
    pub(super) fn choices(&self, world: &World<J>, actions: &mut Vec<Action>) {
        if world.broken.is_some() {
            return;
        }
        let (left, room) = (world.left, world.road.len() < ROAD);
        let ended = world.release.progress() == Progress::Ended;
        for index in 0..world.road.len() {
            actions.push(Action::Deliver(index));
            if left.duplicates > 0 {
                actions.push(Action::DeliverTwice(index));
            }
            if left.losses > 0 {
                actions.push(Action::Lose(index));
                if matches!(world.road[index], Load::Request(..)) {
                    actions.push(Action::DeliverUnanswered(index));
                }
            }
        }
        if !world.target.ending.is_empty() {
            actions.push(Action::Stopped);
        }
        if !world.up {
            actions.extend([Action::Resume, Action::PassLong]);
            return;
        }
        if ended {
            return;
        }
        actions.extend([Action::Pass(true), Action::Pass(false)]);
        if room && world.queue.first().is_some_and(|(key, _)| !world.on_road(key)) {
            actions.push(Action::Send);
        }
        if room && world.restoring.as_ref().is_some_and(|key| !world.on_road(key)) {
            actions.push(Action::SendRestore);
        }
        self.sights(world, room, actions);
        people_and_faults(world, actions);
    }

    fn sights(&self, world: &World<J>, room: bool, actions: &mut Vec<Action>) {
        let looking = world.road.iter().any(|load| matches!(load, Load::Look(_)));
        let looks = matches!(world.release.stage(), Stage::Looking | Stage::Rolling);
        if !room || looking || !looks {
            return;
        }
        if world.release.strategy().exposed() {
            actions.extend(self.codes.iter().copied().map(Action::Look));
        } else {
            actions.push(Action::Look(Code::None));
        }
    }
}

fn people_and_faults<J: Judge>(world: &World<J>, actions: &mut Vec<Action>) {
    let left = world.left;
    if world.target.rules.view(NOW).revisions.get(&new()).is_some_and(|r| r.wanted && r.ready() == 0) {
        actions.push(Action::Ready);
    } else if left.unready > 0 {
        actions.push(Action::Unready);
    }
    if world.checking.is_some() {
        actions.extend([Action::Checked(true), Action::Checked(false)]);
    }
    if left.aborts > 0 {
        actions.push(Action::Abort);
    }
    if world.release.question().is_some() {
        actions.push(Action::Continue);
    }
    if left.crashes > 0 {
        actions.push(Action::Crash(false));
        if world.release != world.durable {
            actions.push(Action::Crash(true));
        }
    }
    if left.restarts > 0 {
        actions.extend([Action::Restart(false), Action::Restart(true)]);
    }
}
