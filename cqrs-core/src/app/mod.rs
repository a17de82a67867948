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
mod named;
mod parameter;
mod settled;
mod shutdown;
mod steps;
mod tending;
mod updates;
mod waiting;
mod wiring;

pub use builder::{AppBuilder, HasStore, NoStore};
pub use bus::Bus;
pub use call::{Ask, Calling, Execute, Executed, Receipt};
pub(crate) use in_flight::InFlight;
pub(crate) use live::Live;
pub(crate) use named::{AnyCommand, AnyQuery};
pub use parameter::{Dep, Parameter};
pub use shutdown::Shutdown;
#[doc(hidden)]
pub use steps::{Alone, ExecutedAs, RunAlone};
pub use updates::Updates;
pub use wiring::Wiring;

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::aggregate::{Apply, LoadError, Repository, Root};
use crate::bus::{BusError, CommandError, Context, Handlers, Origin};
use crate::cache::CacheStatistics;
use crate::command::{Command, OneHandlerFor};
use crate::config::{Changes, Config, ConfigError, ConfigWatch};
use crate::event::SkippedEvents;
use crate::policy::HandlerMetrics;
use crate::projection::{Projection, ProjectionStatus, RunnerHandle, View};
use crate::query::{Emit, OneQueryHandlerFor, Query, RowStream, Streams};
use crate::registry::{BuildError, Module, Registry};
use crate::resilience::Breakers;
use crate::runtime::{Services, TaskSet};
use crate::store::{EventStore, Store};
use crate::subscription::SubscriptionHandle;
use evictor::Evictor;
use feed::Feed;

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
