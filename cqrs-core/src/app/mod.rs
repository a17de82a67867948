//! The application: what was declared, wired once, checked as a whole.

mod around;
mod builder;
mod bus;
mod call;
mod events;
mod evictor;
mod feed;
mod in_flight;
mod listened;
mod listening;
mod live;
mod parameter;
mod settled;
mod updates;
mod wiring;

pub use builder::{AppBuilder, HasStore, NoStore};
pub use bus::Bus;
pub use call::{Ask, Calling, Execute, Executed, Receipt};
pub(crate) use in_flight::InFlight;
pub(crate) use live::Live;
pub use parameter::{Dep, Parameter};
pub use updates::Updates;
pub use wiring::Wiring;

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::aggregate::{Apply, LoadError, Repository, Root};
use crate::bus::{BusError, CommandError, Context, DispatchError, Handlers, Origin};
use crate::cache::CacheStatistics;
use crate::command::{Command, OneHandlerFor};
use crate::config::{Changes, Config, ConfigError, ConfigWatch};
use crate::event::SkippedEvents;
use crate::policy::HandlerMetrics;
use crate::projection::{
    Projection, ProjectionState, ProjectionStatus, RunnerHandle, View, WaitError,
};
use crate::query::{Emit, OneQueryHandlerFor, Query, RowStream, Streams};
use crate::registry::{BuildError, Module, Registry};
use crate::resilience::Breakers;
use crate::runtime::{Services, TaskSet};
use crate::store::{CommitError, CommitToken, EventStore, Position, Store};
use crate::subscription::{
    DeadLetters, Start, SubscriptionHandle, SubscriptionState, SubscriptionStatus,
};
use evictor::Evictor;
use feed::Feed;

/// What still ran when an application had shut down: nothing, unless the grace
/// period was too short for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shutdown {
    /// Calls that were under way.
    pub calls: usize,
    /// Background tasks.
    pub tasks: usize,
    /// Events on the bus that subscribers had not handled, counted for each
    /// subscriber.
    pub deliveries: u64,
}

impl Shutdown {
    /// Whether everything had ended by itself.
    #[must_use]
    pub fn is_orderly(self) -> bool {
        self.calls == 0 && self.tasks == 0 && self.deliveries == 0
    }
}

/// A running application. Cheap to clone; background work ends when the last
/// clone is dropped, or in order by [`App::shutdown`].
///
/// Two applications in one process share nothing.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) handlers: Handlers,
    pub(crate) store: Store,
    pub(crate) services: Arc<Services>,
    pub(crate) tasks: TaskSet,
    pub(crate) registry: Registry,
    pub(crate) aggregates: wiring::Aggregates,
    pub(crate) projections: HashMap<TypeId, RunnerHandle>,
    pub(crate) live: Live,
    pub(crate) evictor: Option<Evictor>,
    pub(crate) feed: Feed,
    pub(crate) in_flight: InFlight,
    pub(crate) subscriptions: Vec<SubscriptionHandle>,
    /// New work is refused; what it leads to is not.
    pub(crate) closing: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tasks.abort();
        self.feed.abort();
    }
}

impl App {
    /// Builds an application of modules over a store, with the defaults for
    /// everything else: `App::new(modules![crate], MemoryStore::new())?`.
    ///
    /// # Errors
    ///
    /// [`BuildError`] lists everything that is wrong.
    pub fn new(
        modules: impl IntoIterator<Item = Module>,
        store: impl EventStore,
    ) -> Result<Self, BuildError> {
        Self::builder().modules(modules).store(store).build()
    }

    /// Starts to put an application together.
    pub fn builder() -> AppBuilder {
        AppBuilder::new()
    }

    /// Sends a command to its handler; await what this gives.
    ///
    /// The answer comes with a receipt: the new version of each stream and a
    /// token to wait for one's own write.
    ///
    /// # Errors
    ///
    /// [`CommandError::Rejected`] with the
    /// domain's own error, or [`BusError`] for everything else.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped before its decision was handed to the store
    /// leaves nothing behind. After that the unit commits or not as a whole;
    /// give the call an [operation id](Execute::operation) to find out.
    pub fn execute<C: Command + OneHandlerFor<C>>(
        &self,
        command: C,
    ) -> Execute<'_, C, C::Output, C::Error> {
        Execute::new(Cow::Borrowed(self), command, Origin::new())
    }

    /// Sends commands of one type, side by side, and gives their outcomes in the
    /// same order. They are begun in their order, so that those of one
    /// aggregate are decided one behind the other; what fails keeps none of
    /// the others from being done. At most 256 are under way at a time.
    ///
    /// # Cancel safety
    ///
    /// As [`App::execute`], for each of them; the rest are not begun.
    pub async fn execute_all<C: Command + OneHandlerFor<C>>(
        &self,
        commands: impl IntoIterator<Item = C>,
    ) -> Vec<Result<Executed<C::Output>, CommandError<C::Error>>> {
        const TOGETHER: usize = 256;
        let mut commands = commands.into_iter();
        let mut outcomes = Vec::with_capacity(commands.size_hint().0);
        loop {
            let calls = commands.by_ref().take(TOGETHER);
            let calls: Vec<_> = calls.map(|command| self.execute(command).into_future()).collect();
            if calls.is_empty() {
                return outcomes;
            }
            outcomes.extend(crate::runtime::join_all(calls).await);
        }
    }

    /// Asks a query; await what this gives.
    ///
    /// # Errors
    ///
    /// [`QueryError`](crate::bus::QueryError).
    ///
    /// # Cancel safety
    ///
    /// A query changes nothing; it may be dropped at any time.
    pub fn query<Q: Query + OneQueryHandlerFor<Q>>(&self, query: Q) -> Ask<'_, Q, Q::Output> {
        Ask::new(Cow::Borrowed(self), query, Origin::new())
    }

    /// Asks a query that answers row by row; read its rows from what this gives.
    ///
    /// # Cancel safety
    ///
    /// Dropping the rows ends the query.
    pub fn stream<Q: Streams + OneQueryHandlerFor<Q>>(&self, query: Q) -> RowStream<'_, Q::Row> {
        self.stream_for(query, Origin::new())
    }

    /// As [`App::stream`], for a caller that says who and what it is.
    ///
    /// # Cancel safety
    ///
    /// As [`App::stream`].
    pub fn stream_for<Q: Streams + OneQueryHandlerFor<Q>>(
        &self,
        query: Q,
        origin: Origin,
    ) -> RowStream<'_, Q::Row> {
        RowStream::new(move |emit: Emit<Q::Row>| {
            Box::pin(Ask::new(Cow::Borrowed(self), query, origin.extension(emit)).into_future())
        })
    }

    /// Asks a query, and again whenever the projections of this process have
    /// moved: gives its answer, and then every other answer that it becomes.
    pub fn follow<Q: Query + Clone + OneQueryHandlerFor<Q>>(&self, query: Q) -> Updates<Q> {
        Updates::new(self.clone(), query)
    }

    /// How far the projections have come, all together.
    pub(crate) fn shown(&self) -> u64 {
        let projections = self.0.projections.values();
        projections.map(|one| one.status().position.get()).sum()
    }

    /// Waits until a projection has moved, or long enough to look again.
    pub(crate) async fn moved(&self) {
        let mut changed: Vec<_> =
            self.0.projections.values().map(|one| Box::pin(one.moved())).collect();
        let mut pause = self.0.services.clock.sleep(Duration::from_millis(200));
        std::future::poll_fn(|cx| {
            use std::task::Poll;
            let is_moved = changed.iter_mut().any(|one| one.as_mut().poll(cx).is_ready());
            if is_moved { Poll::Ready(()) } else { pause.as_mut().poll(cx) }
        })
        .await;
    }

    /// Sends a command by its wire name with a JSON payload, for edges and
    /// tools; gives the answer as JSON.
    ///
    /// # Errors
    ///
    /// [`DispatchError`] with a code; a payload that does not fit names the
    /// place in it.
    ///
    /// # Cancel safety
    ///
    /// As [`App::execute`].
    pub async fn execute_json(
        &self,
        name: &str,
        payload: &[u8],
        origin: Origin,
    ) -> Result<Vec<u8>, DispatchError> {
        let named = self.0.handlers.commands_by_name.get(name);
        let named = named.ok_or_else(|| BusError::HandlerNotFound { name: name.to_owned() })?;
        (named.call)(self, payload, origin).await
    }

    /// Asks a query by its wire name with a JSON payload; gives the answer as
    /// JSON.
    ///
    /// # Errors
    ///
    /// As [`App::execute_json`].
    ///
    /// # Cancel safety
    ///
    /// As [`App::query`].
    pub async fn query_json(
        &self,
        name: &str,
        payload: &[u8],
        origin: Origin,
    ) -> Result<Vec<u8>, DispatchError> {
        let named = self.0.handlers.queries_by_name.get(name);
        let named = named.ok_or_else(|| BusError::HandlerNotFound { name: name.to_owned() })?;
        (named.call)(self, payload, origin).await
    }

    /// What the application consists of.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The application's store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The clock, identifiers, randomness and tasks of the application.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.0.services
    }

    /// The aggregates of one type, outside a handler.
    #[must_use]
    pub fn repository<A: Apply>(&self) -> Repository<A> {
        self.repository_for(Origin::new())
    }

    /// The aggregates of one type, outside a handler, for a caller that says
    /// who and what it is.
    #[must_use]
    pub fn repository_for<A: Apply>(&self, origin: Origin) -> Repository<A> {
        let ctx = Context::new(Arc::clone(&self.0.services), origin);
        Repository::new(self.0.aggregates.runtime(&self.0), ctx)
    }

    /// Events that were read and skipped, since this build does not know them
    /// and their enum says `#[event(unknown = "skip")]`; sorted by type.
    #[must_use]
    pub fn skipped_events(&self) -> Vec<SkippedEvents> {
        self.0.services.skips.all()
    }

    /// Loads an aggregate, outside a handler.
    ///
    /// # Errors
    ///
    /// [`LoadError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn load<A: Apply>(&self, id: &A::Id) -> Result<Root<A>, LoadError> {
        self.repository().load(id).await
    }

    /// The rows of a projection, outside a handler.
    #[must_use]
    pub fn view<P: Projection>(&self) -> View<P> {
        View::new(self.0.store.clone())
    }

    /// What each handler has done since the application was built, sorted by
    /// kind and name; empty if no figures are kept.
    #[must_use]
    pub fn metrics(&self) -> Vec<HandlerMetrics> {
        self.0.live.meters()
    }

    /// The breakers of the dependencies that handlers name, to look at and to
    /// force.
    #[must_use]
    pub fn breakers(&self) -> &Breakers {
        self.0.live.breakers()
    }

    /// The configuration that holds now.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.0.live.config()
    }

    /// Puts another configuration in the place of the current one, while calls
    /// go on: as a whole, or not at all.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not valid, changes a key that is fixed once an
    /// application is built, or names a handler that does not exist.
    pub fn reconfigure(&self, config: Config) -> Result<Changes, ConfigError> {
        let now = self.0.services.clock.monotonic();
        self.0.live.change(config, now, &self.0.handlers, &self.0.feed)
    }

    /// Sees every change of the configuration.
    #[must_use]
    pub fn watch_config(&self) -> ConfigWatch {
        self.0.live.watch()
    }

    /// What the cache of answers has done.
    #[must_use]
    pub fn cache_statistics(&self) -> CacheStatistics {
        self.0.live.answers().statistics()
    }

    /// How far each projection is, sorted by name.
    #[must_use]
    pub fn projections(&self) -> Vec<ProjectionStatus> {
        let mut all: Vec<_> = self.0.projections.values().map(RunnerHandle::status).collect();
        all.sort_by_key(|status| status.name);
        all
    }

    /// Waits until every projection has taken in a commit, so that a query
    /// sees it.
    ///
    /// # Errors
    ///
    /// [`WaitError`] when one of them stands still, or not all are there
    /// within `limit`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_for(&self, token: &CommitToken, limit: Duration) -> Result<(), WaitError> {
        self.limited(limit, self.reach(token), || self.too_late(token)).await
    }

    /// Waits until one projection has taken in a commit.
    ///
    /// # Errors
    ///
    /// As [`App::wait_for`]; [`WaitError::Stopped`] if it does not run here.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_for_projection<P: Projection>(
        &self,
        token: &CommitToken,
        limit: Duration,
    ) -> Result<(), WaitError> {
        let reached = async {
            let position = self.position_of(token).await?;
            let projection = self.0.projections.get(&TypeId::of::<P>());
            projection.ok_or(WaitError::Stopped)?.reached(position).await
        };
        self.limited(limit, reached, || self.too_late(token)).await
    }

    /// Waits until every event handler is done with a commit: has handled its
    /// events, or parked them.
    ///
    /// # Errors
    ///
    /// As [`App::wait_for`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_for_handlers(
        &self,
        token: &CommitToken,
        limit: Duration,
    ) -> Result<(), WaitError> {
        let reached = async {
            let position = self.position_of(token).await?;
            for subscription in &self.0.subscriptions {
                subscription.reached(position).await?;
            }
            Ok(())
        };
        self.limited(limit, reached, || self.handlers_too_late(token)).await
    }

    async fn limited(
        &self,
        limit: Duration,
        reached: impl Future<Output = Result<(), WaitError>>,
        too_late: impl FnOnce() -> WaitError,
    ) -> Result<(), WaitError> {
        let mut end = self.0.services.clock.sleep(limit);
        let mut reached = Box::pin(reached);
        let ended = std::future::poll_fn(|cx| {
            use std::task::Poll;
            match reached.as_mut().poll(cx) {
                Poll::Ready(reached) => Poll::Ready(Some(reached)),
                Poll::Pending => end.as_mut().poll(cx).map(|()| None),
            }
        });
        ended.await.unwrap_or_else(|| Err(too_late()))
    }

    async fn position_of(&self, token: &CommitToken) -> Result<Position, WaitError> {
        loop {
            if let Some(position) = self.0.store.position_of(token).await? {
                return Ok(position);
            }
            self.0.services.clock.sleep(Duration::from_millis(5)).await;
        }
    }

    async fn reach(&self, token: &CommitToken) -> Result<(), WaitError> {
        let position = self.position_of(token).await?;
        for projection in self.0.projections.values() {
            projection.reached(position).await?;
        }
        if let Some(evictor) = &self.0.evictor {
            evictor.reached(position).await?;
        }
        Ok(())
    }

    fn handlers_too_late(&self, token: &CommitToken) -> WaitError {
        let slowest = self.subscriptions().into_iter().min_by_key(|status| status.position);
        slowest.map_or(WaitError::Stopped, |status| {
            let (reader, reached) = (status.name, status.position);
            match status.state {
                SubscriptionState::Failing(reason) => WaitError::Stuck { reader, reached, reason },
                _ => {
                    let wanted = Position::new(token.mark());
                    WaitError::TooLate { reader, reached, wanted }
                }
            }
        })
    }

    /// How far each event handler is, sorted by name.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        let mut all: Vec<_> = self.0.subscriptions.iter().map(SubscriptionHandle::status).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Lets an event handler of this process, with all its parts, stand still
    /// behind the event at hand. `false` if there is none of that name.
    pub fn pause_handler(&self, name: &str) -> bool {
        self.control(name, true)
    }

    /// Lets a paused event handler go on. `false` if there is none of that
    /// name.
    pub fn resume_handler(&self, name: &str) -> bool {
        self.control(name, false)
    }

    /// Sets the place of an event handler, with all its parts, to the
    /// beginning of the log or behind its end. Events that it has handled come
    /// again, or those that it has not are left out. Whoever runs it goes on
    /// there within a few seconds. `false` if there is none of that name.
    ///
    /// # Errors
    ///
    /// [`CommitError`] when the store cannot do it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves some parts set and others not.
    pub async fn reset_handler(&self, name: &str, to: Start) -> Result<bool, CommitError> {
        let mut found = false;
        for one in self.0.subscriptions.iter().filter(|one| one.is_of(name)) {
            one.reset(&self.0.store, &self.0.services, to).await?;
            found = true;
        }
        Ok(found)
    }

    fn control(&self, name: &str, pause: bool) -> bool {
        let found = self.0.subscriptions.iter().filter(|one| one.is_of(name));
        found.map(|one| one.pause(pause)).count() > 0
    }

    /// The events that event handlers have parked.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(self.0.store.clone(), Arc::clone(&self.0.services))
    }

    fn too_late(&self, token: &CommitToken) -> WaitError {
        let slowest = self.projections().into_iter().min_by_key(|status| status.position);
        slowest.map_or(WaitError::Stopped, |status| {
            let (reader, reached): (Arc<str>, _) = (status.name.into(), status.position);
            match status.state {
                ProjectionState::Failing(reason) => WaitError::Stuck { reader, reached, reason },
                _ => {
                    let wanted = crate::store::Position::new(token.mark());
                    WaitError::TooLate { reader, reached, wanted }
                }
            }
        })
    }

    /// Waits until all projections have reached the head that the log has
    /// now.
    ///
    /// # Errors
    ///
    /// As [`App::wait_for`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn catch_up(&self, limit: Duration) -> Result<(), WaitError> {
        let info = self.0.store.info().await?;
        self.wait_for(&CommitToken::new(info.log, info.head.get()), limit).await
    }

    /// Waits until no short background job, such as taking a snapshot, is
    /// under way.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn settle(&self) {
        let services = self.0.projections.len() + self.0.subscriptions.len();
        let following = usize::from(self.0.evictor.is_some());
        let feeding = usize::from(self.0.feed.has_begun());
        self.0.tasks.drained(services + following + feeding).await;
    }

    /// Takes no more work, lets what is under way end, and stops what runs in
    /// the background, within the application's grace period: by default 10
    /// seconds. What then still runs is ended at its next await; that is as
    /// safe as a crash.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the application stopping.
    pub async fn shutdown(&self) -> Shutdown {
        self.shutdown_within(self.0.live.grace()).await
    }

    /// As [`App::shutdown`], with another grace period.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the application stopping.
    pub async fn shutdown_within(&self, grace: Duration) -> Shutdown {
        self.0.closing.store(true, Ordering::Release);
        let mut deliveries = 0;
        let orderly = async {
            self.0.in_flight.drained().await;
            let head = self.0.store.watch().head();
            // A subscriber that hangs leaves half of the time to the others.
            deliveries = self.0.feed.stop(head, grace / 2, &self.0.services).await;
            self.0.tasks.stop();
            self.0.tasks.drained(0).await;
            // A bus that has stopped has told its tasks to end.
            self.0.feed.drained().await;
            Ok(())
        };
        let ended = self.limited(grace, orderly, || WaitError::Stopped).await;
        let tasks = self.0.tasks.running() + self.0.feed.running();
        let left = Shutdown { calls: self.0.in_flight.count(), tasks, deliveries };
        if ended.is_err() {
            tracing::warn!(target: "cqrs::app", calls = left.calls, tasks = left.tasks, "the grace period is over");
            self.0.tasks.abort();
            self.0.feed.abort();
        }
        left
    }

    /// Whether the application takes work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.closing.load(Ordering::Acquire) && !self.0.tasks.is_stopping()
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    pub(crate) fn open(&self, message: &'static str, origin: Origin) -> Result<Context, BusError> {
        let depth = origin.said().map_or(0, |said| said.depth);
        if depth > 0 {
            let limit = self.0.live.max_depth();
            if depth > limit {
                return Err(BusError::TooDeep { message, limit });
            }
        }
        // What has begun may still send messages on.
        let refused = depth == 0 && self.0.closing.load(Ordering::Relaxed);
        if refused || self.0.tasks.is_stopping() {
            return Err(BusError::ShuttingDown);
        }
        Ok(Context::reusing(&self.0.services, origin))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("handlers", &self.0.handlers).finish_non_exhaustive()
    }
}
