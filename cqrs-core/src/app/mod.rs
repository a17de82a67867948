//! The application: what was declared, wired once, checked as a whole.

mod builder;
mod bus;
mod call;
mod parameter;
mod wiring;

pub use builder::{AppBuilder, HasStore, NoStore};
pub use bus::Bus;
pub use call::{Ask, Execute, Executed, Receipt};
pub use parameter::{Dep, Parameter};
pub use wiring::Wiring;

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::aggregate::{Apply, LoadError, Repository, Root};
use crate::bus::{BusError, Context, DispatchError, Handlers, Origin};
use crate::command::{Command, OneHandlerFor};
use crate::event::SkippedEvents;
use crate::projection::{
    Projection, ProjectionState, ProjectionStatus, RunnerHandle, View, WaitError,
};
use crate::query::{OneQueryHandlerFor, Query};
use crate::registry::{BuildError, Module, Registry};
use crate::runtime::{Services, TaskSet};
use crate::store::{CommitToken, EventStore, Store};

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
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tasks.abort();
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
    /// [`CommandError::Rejected`](crate::bus::CommandError::Rejected) with the
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
        let mut end = self.0.services.clock.sleep(limit);
        let mut reached = Box::pin(self.reach(token));
        std::future::poll_fn(|cx| {
            use std::task::Poll;
            if let Poll::Ready(reached) = reached.as_mut().poll(cx) {
                return Poll::Ready(reached);
            }
            end.as_mut().poll(cx).map(|()| Err(self.too_late(token)))
        })
        .await
    }

    async fn reach(&self, token: &CommitToken) -> Result<(), WaitError> {
        let position = loop {
            if let Some(position) = self.0.store.position_of(token).await? {
                break position;
            }
            self.0.services.clock.sleep(Duration::from_millis(5)).await;
        };
        for projection in self.0.projections.values() {
            projection.reached(position).await?;
        }
        Ok(())
    }

    fn too_late(&self, token: &CommitToken) -> WaitError {
        let slowest = self.projections().into_iter().min_by_key(|status| status.position);
        slowest.map_or(WaitError::Stopped, |status| {
            let (projection, reached) = (status.name, status.position);
            match status.state {
                ProjectionState::Failing(reason) => {
                    WaitError::Stuck { projection, reached, reason }
                }
                _ => {
                    let wanted = crate::store::Position::new(token.mark());
                    WaitError::TooLate { projection, reached, wanted }
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
        self.0.tasks.drained(self.0.projections.len()).await;
    }

    /// Takes no more work and returns when all background work has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the application stopping.
    pub async fn shutdown(&self) {
        self.0.tasks.stop();
        self.0.tasks.drained(0).await;
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    pub(crate) fn open(&self, origin: Origin) -> Result<Context, BusError> {
        if self.0.tasks.is_stopping() {
            return Err(BusError::ShuttingDown);
        }
        Ok(Context::new(Arc::clone(&self.0.services), origin))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("handlers", &self.0.handlers).finish_non_exhaustive()
    }
}
