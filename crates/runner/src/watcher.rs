//! The standing subscription of a release: the target and its counters, once a scrape and after every order.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ports::{Metrics, Target};
use release::Event;
use run::Event as RunEvent;
use supervise::{Answer, Generation};
use tokio::sync::oneshot;

use crate::pilot::Pilot;
use crate::sighting::sighting;
use crate::{Arrived, World, failpoint};

/// Between looks while an order is on its way.
const SOON: Duration = Duration::from_millis(20);
/// Looks in a row after an order, until it shows.
const LOOKS: u32 = 50;
/// Longest time for one look; a slower one is no data.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks until the release has ended.
pub(crate) async fn watch<W: World>(pilot: Pilot<W>) {
    let every = Duration::from_millis(pilot.spec.setup.plan.scrape_ms());
    let mut hurried = 0;
    while !pilot.course.ended.load(Ordering::SeqCst) {
        let settled = look(&pilot).await;
        renew(&pilot).await;
        hurried = if settled { 0 } else { hurried + 1 };
        let pause = if !settled && hurried < LOOKS { SOON.min(every) } else { every };
        // An order that was taken cuts the pause short.
        let _ = tokio::time::timeout(pause, pilot.course.look.notified()).await;
    }
}

/// One look: what it shows is told, and taken by the machine before the next. Says whether all orders show.
async fn look<W: World>(pilot: &Pilot<W>) -> bool {
    let site = pilot.site().await;
    let (seen, scraped) = tokio::join!(
        tokio::time::timeout(PATIENCE, site.target.observe()),
        tokio::time::timeout(PATIENCE, site.metrics.scrape()),
    );
    let seen = match seen {
        Ok(Ok(seen)) => seen,
        Ok(Err(error)) => {
            pilot.course.tell(Event::Unseen { reason: error.to_string() }).await;
            return true;
        }
        Err(_) => {
            pilot.course.tell(Event::Unseen { reason: "the target did not answer in time".to_owned() }).await;
            return true;
        }
    };
    let scrape = scraped.ok().and_then(Result::ok);
    let now = pilot.workshop.clock.now();
    let new = pilot.revision().id();
    let sighting = sighting(now, &seen, scrape.as_ref(), &new, pilot.course.run.as_str());
    let settled = shows_all(seen.generation, seen.observed_generation) && steady(&sighting);
    failpoint("look.seen");
    tell_and_wait(pilot, Event::Seen(Box::new(sighting))).await;
    settled
}

/// Nothing is starting or stopping: the next look may wait for a scrape.
const fn steady(sighting: &release::Sighting) -> bool {
    let starting = sighting.wanted > 0 && sighting.ready < sighting.wanted;
    let stopping = sighting.running_old > 0 || (sighting.wanted == 0 && sighting.running_new > 0);
    !starting && !stopping
}

const fn shows_all(ordered: Generation, observed: Generation) -> bool {
    observed.0 >= ordered.0
}

/// The machine has taken the event before the next look: a run that cannot keep up gets fewer of them.
async fn tell_and_wait<W: World>(pilot: &Pilot<W>, event: Event) {
    let (acknowledge, taken) = oneshot::channel();
    let event = RunEvent::Release { path: pilot.course.path.clone(), event };
    let arrived = Arrived { event, acknowledge: Some(acknowledge) };
    if pilot.course.events.send(arrived).await.is_ok() {
        // An event that the machine rejects is taken too; a run that is over takes none.
        let _ = taken.await;
    } else {
        pilot.course.ended.store(true, Ordering::SeqCst);
    }
}

/// Renews the lease of the weight order in force. It has neither key nor record.
async fn renew<W: World>(pilot: &Pilot<W>) {
    if !pilot.course.leased.load(Ordering::SeqCst) {
        return;
    }
    let site = pilot.site().await;
    let renewed = site.target.renew(&pilot.course.run, pilot.course.epoch());
    match tokio::time::timeout(PATIENCE, renewed).await {
        Ok(Ok(Answer::Restored { .. })) => pilot.course.tell(Event::Latched).await,
        Ok(Ok(Answer::Fenced { .. })) => pilot.course.tell(Event::Fenced).await,
        // Unreachable: the next look tries again, and without it the target returns the traffic by itself.
        _ => {}
    }
}
