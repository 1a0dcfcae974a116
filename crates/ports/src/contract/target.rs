//! The contract of a target: late, twice, never, applied and then timed out, fenced, held, latched, stale.
//!
//! The suite begins with an empty target and walks through the life of three runs. Each promise is a line of its own.

use machine::Millis;
use supervise::{
    Acquisition, Answer, Claim, Desired, Epoch, Generation, Observation, Order, Restoration, RevisionId,
    RevisionSpec, RunId, Weight,
};

use super::{Broken, Kept, promise};
use crate::Target;

/// A look that is repeated this often without success is a failure.
const LOOKS_MAX: u32 = 600;

/// What the suite needs of the world behind the target.
pub struct World<'a, T, P> {
    /// An empty target.
    pub target: &'a T,
    /// Something that becomes ready, on at least one instance.
    pub first: RevisionSpec,
    /// Another one.
    pub second: RevisionSpec,
    /// Lets some time of that world pass, about 50 ms; called between two looks.
    pub pause: P,
    /// A lease that runs out soon, but not between two calls.
    pub short_lease_ms: Millis,
}

/// One run with its epoch.
struct Hand<'a, T> {
    target: &'a T,
    run: RunId,
    epoch: Epoch,
    orders: u32,
}

impl<'a, T: Target> Hand<'a, T> {
    async fn acquire(target: &'a T, run: &str, supersede: bool) -> Result<(Self, bool), Broken> {
        let run = RunId::new(run);
        let claim = Claim { run: run.clone(), control: format!("/{run}.sock"), supersede };
        match target.acquire(&claim).await? {
            Acquisition::Acquired { epoch, restored } => {
                Ok((Self { target, run, epoch, orders: 0 }, restored))
            }
            held @ Acquisition::Held { .. } => {
                Err(Broken::Promise { promise: "a free target is acquired", seen: format!("{held:?}") })
            }
        }
    }

    fn next(&mut self, desired: Desired) -> Order {
        self.orders += 1;
        let key = format!("{}/contract/{}", self.run, self.orders);
        Order { key, run: self.run.clone(), epoch: self.epoch, expects: None, desired }
    }

    async fn order(&mut self, desired: Desired) -> Result<Answer, Broken> {
        let order = self.next(desired);
        Ok(self.target.order(&order).await?)
    }

    /// The order is accepted, and once more under its key, as after a lost answer, without acting twice.
    async fn accepted(&mut self, desired: Desired) -> Result<Generation, Broken> {
        let order = self.next(desired);
        let first = self.target.order(&order).await?;
        let Answer::Accepted { generation } = first else {
            return Err(Broken::Promise {
                promise: "the order is accepted",
                seen: format!("{order:?}: {first:?}"),
            });
        };
        let again = self.target.order(&order).await?;
        promise(again == first, "an order that is repeated under its key gets the same answer", &again)?;
        Ok(generation)
    }

    async fn weight(
        &mut self,
        revision: &RevisionId,
        percent: u8,
        lease_ms: Millis,
    ) -> Result<Answer, Broken> {
        let weight = Weight::new(percent).unwrap_or_default();
        self.order(Desired::Weight { revision: revision.clone(), weight, lease_ms }).await
    }
}

/// Runs the whole suite.
///
/// # Errors
/// The first promise that was not kept.
pub async fn target<T: Target, P: AsyncFn()>(world: &World<'_, T, P>) -> Kept {
    let (first, second) = (world.first.id(), world.second.id());
    let mut a = fenced_and_held(world).await?;
    first_release(world, &mut a, &first).await?;
    shared(world, &mut a, &first, &second).await?;
    latched(world, &mut a, &first, &second).await?;
    lease_over(world, &first, &second).await?;
    superseded_and_promoted(world, &first, &second).await
}

async fn look<T: Target, P: AsyncFn()>(
    world: &World<'_, T, P>,
    what: &'static str,
    seen: impl Fn(&Observation) -> bool,
) -> Result<Observation, Broken> {
    let mut last = world.target.observe().await?;
    for _ in 0..LOOKS_MAX {
        if seen(&last) {
            return Ok(last);
        }
        (world.pause)().await;
        last = world.target.observe().await?;
    }
    Err(Broken::Promise { promise: what, seen: format!("{last:?}") })
}

fn all_on(observation: &Observation, revision: &RevisionId) -> bool {
    let weight = |id: &RevisionId| observation.value.weights.get(id).copied().unwrap_or_default();
    let sum: u32 = observation.value.weights.values().map(|weight| u32::from(weight.percent())).sum();
    weight(revision) == Weight::ALL && sum == 100
}

fn ready(observation: &Observation, revision: &RevisionId) -> bool {
    let known = observation.value.revisions.get(revision);
    known.is_some_and(|known| known.instances_wanted > 0 && known.ready() >= known.instances_wanted)
}

async fn fenced_and_held<'a, T: Target, P: AsyncFn()>(
    world: &World<'a, T, P>,
) -> Result<Hand<'a, T>, Broken> {
    let (mut before, _) = Hand::acquire(world.target, "a", false).await?;
    let (a, restored) = Hand::acquire(world.target, "a", false).await?;
    promise(a.epoch > before.epoch, "epochs rise", &(before.epoch, a.epoch))?;
    promise(!restored, "a new run was not restored", &restored)?;
    let late = before.order(Desired::Running { spec: Box::new(world.first.clone()) }).await?;
    promise(late == Answer::Fenced { epoch: a.epoch }, "an order under a lower epoch is fenced", &late)?;
    let renewed = world.target.renew(&before.run, before.epoch).await?;
    promise(matches!(renewed, Answer::Fenced { .. }), "a renewal under a lower epoch is fenced", &renewed)?;
    let claim = Claim { run: RunId::new("b"), control: String::new(), supersede: false };
    let held = world.target.acquire(&claim).await?;
    let by_a = matches!(&held, Acquisition::Held { by, alive: true, .. } if *by == a.run);
    promise(by_a, "a second run hears who holds the target, and that it lives", &held)?;
    Ok(a)
}

async fn first_release<T: Target, P: AsyncFn()>(
    world: &World<'_, T, P>,
    a: &mut Hand<'_, T>,
    first: &RevisionId,
) -> Kept {
    let unknown = a.weight(&RevisionId::new("r-unknown"), 5, 60_000).await?;
    promise(
        matches!(unknown, Answer::Refused { .. }),
        "a weight for an unknown revision is refused",
        &unknown,
    )?;
    let generation = a.accepted(Desired::Running { spec: Box::new(world.first.clone()) }).await?;
    let mut stale = a.next(Desired::Stopped { revision: first.clone(), retain_ms: 0 });
    stale.expects = Some(Generation(generation.0.wrapping_sub(1)));
    let conflict = world.target.order(&stale).await?;
    let expected = Answer::Conflict { generation };
    promise(conflict == expected, "an order made under an older view is a conflict", &conflict)?;
    look(world, "the first revision becomes ready", |seen| seen.shows(generation) && ready(seen, first))
        .await?;
    let revision = first.clone();
    a.accepted(Desired::Weight { revision: revision.clone(), weight: Weight::ALL, lease_ms: 60_000 }).await?;
    let generation = a.accepted(Desired::Stable { revision }).await?;
    let seen = look(world, "a promotion is observed", |seen| seen.shows(generation)).await?;
    promise(all_on(&seen, first), "the promoted revision has all traffic", &seen)?;
    promise(seen.value.stable.as_ref() == Some(first), "the promoted revision is stable", &seen)?;
    promise(seen.value.lease_left_ms.is_none(), "a promotion has no lease", &seen)?;
    let stopped = a.order(Desired::Stopped { revision: first.clone(), retain_ms: 0 }).await?;
    promise(matches!(stopped, Answer::Refused { .. }), "stable is never stopped", &stopped)
}

async fn shared<T: Target, P: AsyncFn()>(
    world: &World<'_, T, P>,
    a: &mut Hand<'_, T>,
    first: &RevisionId,
    second: &RevisionId,
) -> Kept {
    let generation = a.accepted(Desired::Running { spec: Box::new(world.second.clone()) }).await?;
    look(world, "the second revision becomes ready", |seen| seen.shows(generation) && ready(seen, second))
        .await?;
    let weight = Weight::new(25).unwrap_or_default();
    let shared = Desired::Weight { revision: second.clone(), weight, lease_ms: 60_000 };
    let generation = a.accepted(shared).await?;
    let seen = look(world, "a share is observed", |seen| seen.shows(generation)).await?;
    let of = |id| seen.value.weights.get(id).map(|weight| weight.percent());
    promise((of(first), of(second)) == (Some(75), Some(25)), "stable has the rest", &seen)?;
    promise(seen.value.lease_left_ms.is_some(), "a weight order carries a lease", &seen)?;
    let renewed = world.target.renew(&a.run, a.epoch).await?;
    promise(matches!(renewed, Answer::Accepted { .. }), "the holder renews", &renewed)?;
    let early = a.order(Desired::Stable { revision: second.clone() }).await?;
    promise(matches!(early, Answer::Refused { .. }), "only all traffic makes stable", &early)?;
    let stopped = a.order(Desired::Stopped { revision: second.clone(), retain_ms: 0 }).await?;
    promise(matches!(stopped, Answer::Refused { .. }), "a revision with traffic is never stopped", &stopped)?;
    a.accepted(Desired::Restarts { revision: second.clone(), slot: 0, restarts: 1 }).await?;
    let restarted = |seen: &Observation| {
        let known = seen.value.revisions.get(second);
        let slot = known.and_then(|known| known.instances.iter().find(|instance| instance.slot == 0));
        slot.is_some_and(|slot| slot.restarts == 1) && ready(seen, second)
    };
    look(world, "a slot is restarted once", restarted).await.map(|_| ())
}

async fn latched<T: Target, P: AsyncFn()>(
    world: &World<'_, T, P>,
    a: &mut Hand<'_, T>,
    first: &RevisionId,
    second: &RevisionId,
) -> Kept {
    let restored = world.target.restore_stable(&a.run).await?;
    let Restoration::Restored { generation, stable: true } = restored else {
        return promise(false, "traffic is returned to stable", &restored);
    };
    let again = world.target.restore_stable(&a.run).await?;
    promise(again == restored, "a second restore changes nothing", &again)?;
    let seen = look(world, "a restore is observed", |seen| seen.shows(generation)).await?;
    promise(all_on(&seen, first), "after a restore stable has all traffic", &seen)?;
    promise(seen.value.latched.as_ref() == Some(&a.run), "the latch is shown", &seen)?;
    let late = a.weight(second, 50, 60_000).await?;
    promise(matches!(late, Answer::Restored { .. }), "a latched run moves no traffic", &late)?;
    let renewed = world.target.renew(&a.run, a.epoch).await?;
    promise(matches!(renewed, Answer::Restored { .. }), "a latched run hears it when it renews", &renewed)?;
    let (again, restored) = Hand::acquire(world.target, "a", false).await?;
    promise(restored, "a latched run hears it when it acquires", &restored)?;
    let released = world.target.release(&again.run, again.epoch).await?;
    promise(matches!(released, Answer::Accepted { .. }), "the holder gives the target back", &released)?;
    let fenced = a.weight(second, 50, 60_000).await?;
    promise(matches!(fenced, Answer::Fenced { .. }), "after a release orders are fenced", &fenced)
}

async fn lease_over<T: Target, P: AsyncFn()>(
    world: &World<'_, T, P>,
    first: &RevisionId,
    second: &RevisionId,
) -> Kept {
    let (mut b, restored) = Hand::acquire(world.target, "b", false).await?;
    promise(!restored, "the latch of one run does not close that of another", &restored)?;
    let shared = b.weight(second, 50, world.short_lease_ms).await?;
    promise(matches!(shared, Answer::Accepted { .. }), "a free target takes a weight", &shared)?;
    look(world, "a lease that runs out returns all traffic to stable", |seen| all_on(seen, first)).await?;
    let late = b.weight(second, 50, 60_000).await?;
    promise(matches!(late, Answer::Restored { .. }), "a lease that ran out closes the latch", &late)
}

async fn superseded_and_promoted<T: Target, P: AsyncFn()>(
    world: &World<'_, T, P>,
    first: &RevisionId,
    second: &RevisionId,
) -> Kept {
    let (mut c, _) = Hand::acquire(world.target, "c", true).await?;
    let revision = second.clone();
    c.accepted(Desired::Running { spec: Box::new(world.second.clone()) }).await?;
    c.accepted(Desired::Weight { revision: revision.clone(), weight: Weight::ALL, lease_ms: 60_000 }).await?;
    c.accepted(Desired::Stable { revision }).await?;
    let late = world.target.restore_stable(&c.run).await?;
    promise(
        matches!(late, Restoration::Promoted { .. }),
        "after the promotion a restore is too late",
        &late,
    )?;
    let seen = world.target.observe().await?;
    promise(all_on(&seen, second), "a restore that is too late changes nothing", &seen)?;
    let of_a = world.target.restore_stable(&RunId::new("a")).await?;
    let seen = world.target.observe().await?;
    promise(all_on(&seen, second), "a restore of an older run leaves the traffic of others", &(of_a, seen))?;
    c.accepted(Desired::Stopped { revision: first.clone(), retain_ms: 60_000 }).await?;
    let stopped = |seen: &Observation| {
        seen.value.revisions.get(first).is_none_or(|known| !known.wanted && known.instances.is_empty())
    };
    look(world, "a stopped revision has no instances", stopped).await?;
    let released = world.target.release(&c.run, c.epoch).await?;
    promise(matches!(released, Answer::Accepted { .. }), "the holder gives the target back", &released)
}
