//! Who of many processes does what only one may do: a lease that is kept
//! renewed.
//!
//! A leader believes that it leads for as long as its lease certainly lasts,
//! counted on its own monotonic clock from *before* it asked, less a margin:
//! whatever the store's clock says and however long the answer was on its way,
//! the lease ends later than that. It may still be wrong by the time its work
//! reaches the store, so what it writes is
//! [fenced](super::UnitOfWork::fenced_by) by the lease.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{EventStore, Holder, Lease, LeaseError, LeaseName, Store};
use crate::runtime::{BoxFuture, Clock, Services, TaskSet, race};

/// Stands for a lease and keeps it renewed, until it is stopped or dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use cqrs_core::runtime::Services;
/// use cqrs_core::store::{Leader, Store, memory::MemoryStore};
/// let store = Store::new(MemoryStore::new());
/// let leader = Leader::options("billing", "host-7").start(&store, &Services::default());
/// let lease = leader.watch().elected().await.expect("nobody else stands for it");
/// assert_eq!(leader.lease(), Some(lease));
/// leader.stop().await;
/// assert_eq!(leader.lease(), None);
/// # Ok(())
/// # }
/// ```
pub struct Leader {
    watch: LeaderWatch,
    tasks: TaskSet,
}

/// How a [`Leader`] stands for its lease.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until `start` is called"]
pub struct LeaderOptions {
    name: LeaseName,
    holder: Holder,
    ttl: Duration,
    margin: Duration,
    retry: Option<Duration>,
}

/// Tells whether a [`Leader`] leads. Cheap to clone.
#[derive(Clone)]
pub struct LeaderWatch {
    told: watch::Receiver<Told>,
    clock: Arc<dyn Clock>,
}

/// What the task says.
#[derive(Clone, Debug)]
enum Told {
    Follows,
    Leads(Term),
    Stopped,
}

/// A lease, and until when it certainly lasts, on the monotonic clock.
#[derive(Clone, Debug)]
struct Term {
    lease: Lease,
    until: Duration,
}

impl Leader {
    /// Stands for the lease `name` as `holder`, which no other process may be
    /// called: of two with one name each takes the lease away from the other.
    pub fn options(name: impl Into<LeaseName>, holder: impl Into<Holder>) -> LeaderOptions {
        let (ttl, margin) = (Duration::from_secs(15), Duration::from_secs(3));
        LeaderOptions { name: name.into(), holder: holder.into(), ttl, margin, retry: None }
    }

    /// The lease with its token, while it leads.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        self.watch.lease()
    }

    /// Whether it still leads by this lease.
    #[must_use]
    pub fn holds(&self, lease: &Lease) -> bool {
        self.watch.holds(lease)
    }

    /// To wait for being elected and for losing it.
    #[must_use]
    pub fn watch(&self) -> LeaderWatch {
        self.watch.clone()
    }

    /// Stops leading at once, and gives the lease back.
    ///
    /// # Cancel safety
    ///
    /// It stops whether or not this is awaited.
    pub async fn stop(&self) {
        self.tasks.stop();
        self.tasks.drained().await;
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl LeaderOptions {
    /// How long a lease lasts that is not renewed: how long nobody leads after
    /// the leader died, at least 10 ms. It is renewed every third of it.
    /// Default 15 s.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl.max(Duration::from_millis(10));
        self
    }

    /// How long before the end of a lease that cannot be renewed the leader
    /// stops leading, at most half of the lease. Default 3 s.
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self
    }

    /// How long after a try to be elected comes the next while somebody else
    /// leads, at least 1 ms. Default: a third of the lease.
    pub fn retry(mut self, retry: Duration) -> Self {
        self.retry = Some(retry.max(Duration::from_millis(1)));
        self
    }

    /// Begins to stand for the lease, in a task of its own.
    #[must_use]
    pub fn start(self, store: &Store, services: &Services) -> Leader {
        let (tell, told) = watch::channel(Told::Follows);
        let tasks = TaskSet::new(Arc::clone(&services.spawner));
        let clock = Arc::clone(&services.clock);
        let watch = LeaderWatch { told, clock: Arc::clone(&clock) };
        let (store, stop) = (store.clone(), tasks.clone());
        let tenure = Tenure::new(self.ttl, self.margin, self.retry);
        let candidate = Candidate { options: self, store, clock, tell, stop, tenure };
        tasks.service("leader", Box::pin(candidate.stand()));
        Leader { watch, tasks }
    }
}

impl LeaderWatch {
    /// The lease with its token, while the leader leads.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        match &*self.told.borrow() {
            // A task that was asleep has not told yet.
            Told::Leads(term) if self.clock.monotonic() < term.until => Some(term.lease.clone()),
            _ => None,
        }
    }

    /// Whether the leader still leads by this lease. For those who ask often:
    /// nothing is cloned.
    #[must_use]
    pub fn holds(&self, lease: &Lease) -> bool {
        match &*self.told.borrow() {
            Told::Leads(term) => {
                term.lease.token() == lease.token() && self.clock.monotonic() < term.until
            }
            _ => false,
        }
    }

    /// Waits until the leader leads; `None` once it is stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn elected(&mut self) -> Option<Lease> {
        loop {
            match &*self.told.borrow_and_update() {
                Told::Stopped => return None,
                Told::Leads(term) if self.clock.monotonic() < term.until => {
                    return Some(term.lease.clone());
                }
                Told::Leads(_) | Told::Follows => {}
            }
            self.told.changed().await.ok()?;
        }
    }

    /// Waits until the leader no longer leads by this lease.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn lost(&mut self, lease: &Lease) {
        let is_other = |told: &Told| match told {
            Told::Leads(term) => term.lease.token() != lease.token(),
            _ => true,
        };
        // A task that is gone leads no more.
        let _ = self.told.wait_for(is_other).await;
    }
}

/// The task.
struct Candidate {
    options: LeaderOptions,
    store: Store,
    clock: Arc<dyn Clock>,
    tell: watch::Sender<Told>,
    stop: TaskSet,
    tenure: Tenure,
}

/// What the store is asked, until it has answered.
type Asking = BoxFuture<'static, Result<Option<Lease>, LeaseError>>;

impl Candidate {
    async fn stand(mut self) {
        let (stop, mut asking) = (self.stop.clone(), None);
        race(stop.stopped(), self.stand_for_ever(&mut asking)).await;
        self.tell.send_replace(Told::Stopped);
        let mut last = self.tenure.leave();
        if let Some(asking) = asking {
            // What was asked for may be given.
            let answer = race(self.clock.sleep(self.options.margin), asking).await;
            last = answer.and_then(Result::ok).flatten().or(last);
        }
        if let Some(lease) = last {
            // Who cannot give it back lets it end.
            let _ = race(self.clock.sleep(self.options.margin), async {
                if let Err(error) = self.store.release_lease(&lease).await {
                    tracing::debug!(%error, "a lease was not given back, it will end by itself");
                }
            })
            .await;
        }
    }

    async fn stand_for_ever(&mut self, asking: &mut Option<Asking>) {
        loop {
            let now = self.clock.monotonic();
            self.say(now);
            match self.tenure.next(now) {
                Next::Wait(pause) => self.clock.sleep(pause).await,
                Next::Ask { patience } => {
                    let asked = asking.insert(self.ask());
                    let answer = race(self.clock.sleep(patience), asked).await;
                    *asking = None;
                    match answer {
                        Some(Ok(lease)) => self.tenure.answered(now, lease),
                        Some(Err(LeaseError::Lost { lease, .. })) => {
                            tracing::warn!(%lease, "the lease is lost");
                            self.tenure.lost();
                        }
                        Some(Err(error)) => {
                            tracing::warn!(lease = %self.options.name, %error, "no lease for now");
                            self.tenure.failed(self.clock.monotonic());
                        }
                        None => self.tenure.failed(self.clock.monotonic()),
                    }
                }
            }
        }
    }

    fn ask(&self) -> Asking {
        let LeaderOptions { name, holder, ttl, .. } = self.options.clone();
        let (store, held) = (self.store.clone(), self.tenure.held().cloned());
        Box::pin(async move {
            match held {
                Some(lease) => store.renew_lease(&lease, ttl).await.map(Some),
                None => store.acquire_lease(&name, &holder, ttl).await,
            }
        })
    }

    /// Tells what has changed.
    fn say(&mut self, now: Duration) {
        let told = self.tenure.term(now).map_or(Told::Follows, Told::Leads);
        self.tell.send_if_modified(|before| {
            let changed = match (&*before, &told) {
                (Told::Leads(before), Told::Leads(now)) => before.until != now.until,
                (Told::Follows, Told::Follows) => false,
                _ => true,
            };
            if changed {
                *before = told;
            }
            changed
        });
    }
}

/// What a candidate knows of its lease, and when it asks next.
#[derive(Debug)]
struct Tenure {
    ttl: Duration,
    margin: Duration,
    /// Between two tries while somebody else leads.
    retry: Duration,
    term: Option<Term>,
    /// When to ask, on the monotonic clock.
    due: Duration,
}

enum Next {
    Wait(Duration),
    /// An answer that takes longer is of no more use.
    Ask {
        patience: Duration,
    },
}

impl Tenure {
    /// Between two tries of which the first failed, as a part of the lease.
    const RETRY: u32 = 15;
    /// Between two renewals, and between two tries while somebody else leads,
    /// unless something else is said.
    const EVERY: u32 = 3;

    fn new(ttl: Duration, margin: Duration, retry: Option<Duration>) -> Self {
        let retry = retry.unwrap_or(ttl / Self::EVERY);
        Self { ttl, margin: margin.min(ttl / 2), retry, term: None, due: Duration::ZERO }
    }

    fn next(&self, now: Duration) -> Next {
        let end = self.term.as_ref().map(|term| term.until);
        if now < self.due {
            return Next::Wait(end.map_or(self.due, |end| end.min(self.due)) - now);
        }
        Next::Ask { patience: end.map_or(self.ttl, |end| end.saturating_sub(now)) }
    }

    /// The term, unless it is over: then there is none from now on.
    fn term(&mut self, now: Duration) -> Option<Term> {
        self.term = self.term.take().filter(|term| now < term.until);
        self.term.clone()
    }

    fn held(&self) -> Option<&Lease> {
        self.term.as_ref().map(|term| &term.lease)
    }

    /// The store has answered what was asked at `asked`.
    fn answered(&mut self, asked: Duration, lease: Option<Lease>) {
        let until = asked.saturating_add(self.ttl).saturating_sub(self.margin);
        self.term = lease.map(|lease| Term { lease, until });
        let pause = if self.term.is_some() { self.ttl / Self::EVERY } else { self.retry };
        self.due = asked + pause;
    }

    /// Nobody knows what the store would have answered.
    fn failed(&mut self, now: Duration) {
        self.due = now + self.ttl / Self::RETRY;
    }

    /// The store says that the lease is lost: it may be free.
    fn lost(&mut self) {
        (self.term, self.due) = (None, Duration::ZERO);
    }

    fn leave(&mut self) -> Option<Lease> {
        self.term.take().map(|term| term.lease)
    }
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader").field("lease", &self.lease()).finish_non_exhaustive()
    }
}

impl fmt::Debug for LeaderWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaderWatch").field("lease", &self.lease()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Timestamp;
    use crate::store::LeaseToken;

    const TTL: Duration = Duration::from_secs(15);
    const MARGIN: Duration = Duration::from_secs(3);

    fn lease(token: u64) -> Option<Lease> {
        let (name, holder) = (LeaseName::named("x"), Holder::named("me"));
        Some(Lease::new(name, holder, LeaseToken::new(token), Timestamp::EPOCH))
    }

    fn leads(tenure: &mut Tenure, second: u64) -> bool {
        tenure.term(Duration::from_secs(second)).is_some()
    }

    fn wait(tenure: &Tenure, second: u64) -> Option<u64> {
        match tenure.next(Duration::from_secs(second)) {
            Next::Wait(pause) => Some(pause.as_secs()),
            Next::Ask { .. } => None,
        }
    }

    #[test]
    fn a_term_counts_from_before_it_was_asked_for_and_ends_a_margin_early() {
        let mut tenure = Tenure::new(TTL, MARGIN, None);
        assert_eq!(wait(&tenure, 0), None);

        // The answer came at 7, whatever took so long.
        tenure.answered(Duration::ZERO, lease(1));

        assert!(leads(&mut tenure, 11));
        assert!(!leads(&mut tenure, 12));
        assert!(!leads(&mut tenure, 11), "what is over stays over");
    }

    #[test]
    fn a_lease_is_renewed_every_third_of_it() {
        let mut tenure = Tenure::new(TTL, MARGIN, None);
        tenure.answered(Duration::ZERO, lease(1));
        assert_eq!(wait(&tenure, 1), Some(4));
        assert_eq!(wait(&tenure, 5), None);

        tenure.answered(Duration::from_secs(5), lease(1));

        assert_eq!(wait(&tenure, 6), Some(4));
        assert!(leads(&mut tenure, 16));
        assert!(!leads(&mut tenure, 17));
    }

    #[test]
    fn a_renewal_that_fails_is_tried_again_until_the_term_is_over() {
        let mut tenure = Tenure::new(TTL, MARGIN, None);
        tenure.answered(Duration::ZERO, lease(1));
        for second in 5..12 {
            assert_eq!(wait(&tenure, second), None);
            tenure.failed(Duration::from_secs(second));
            assert_eq!(wait(&tenure, second), Some(1));
            assert!(leads(&mut tenure, second), "a failure ends no term");
        }
        assert!(!leads(&mut tenure, 12));
        assert_eq!(tenure.held(), None, "it stands for the lease anew");
    }

    #[test]
    fn an_answer_is_waited_for_no_longer_than_the_term_lasts() {
        let mut tenure = Tenure::new(TTL, MARGIN, None);
        tenure.answered(Duration::ZERO, lease(1));
        let Next::Ask { patience } = tenure.next(Duration::from_secs(9)) else {
            panic!("it is due")
        };
        assert_eq!(patience, Duration::from_secs(3));
    }

    #[test]
    fn a_lost_lease_is_stood_for_at_once_and_one_of_another_after_a_while() {
        let mut tenure = Tenure::new(TTL, MARGIN, None);
        tenure.answered(Duration::ZERO, lease(1));
        tenure.lost();
        assert!(!leads(&mut tenure, 1));
        assert_eq!(wait(&tenure, 1), None);
        tenure.answered(Duration::from_secs(1), None);
        assert_eq!(wait(&tenure, 1), Some(5));
    }

    #[test]
    fn who_does_not_lead_asks_as_often_as_it_was_told() {
        let mut tenure = Tenure::new(TTL, MARGIN, Some(Duration::from_secs(2)));
        tenure.answered(Duration::ZERO, None);
        assert_eq!(wait(&tenure, 0), Some(2));
        tenure.answered(Duration::from_secs(2), lease(1));
        assert_eq!(wait(&tenure, 2), Some(5), "a renewal is not hurried");
    }

    #[test]
    fn a_margin_leaves_half_of_the_lease() {
        let mut tenure = Tenure::new(TTL, TTL * 2, None);
        tenure.answered(Duration::ZERO, lease(1));
        assert!(leads(&mut tenure, 7));
        assert!(!leads(&mut tenure, 8));
    }
}
