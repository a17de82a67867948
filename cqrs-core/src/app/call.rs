//! A call that is being described and then awaited.

use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::bus::{
    Begun, BusError, CancelToken, CommandError, Context, DispatchError, Origin, QueryError,
};
use crate::command::{Command, OneHandlerFor};
use crate::message::{
    ActorId, CausationId, CorrelationId, MessageId, OperationId, TenantId, TraceContext,
};
use crate::query::Query;
use crate::runtime::BoxFuture;
use crate::store::{Commit, CommitToken, Few, StreamId, StreamVersion};

/// The handler's answer and what was stored.
#[derive(Clone, Debug)]
pub struct Executed<V> {
    /// What the handler returned.
    pub value: V,
    /// What was stored.
    pub receipt: Receipt,
}

/// What a command has stored.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    commits: Few<Commit>,
}

impl Receipt {
    /// The new version of each stream that was appended to.
    pub fn streams(&self) -> impl Iterator<Item = &(StreamId, StreamVersion)> {
        self.commits.iter().flat_map(Commit::streams)
    }

    /// The mark of the last commit, for [`App::wait_for`]; `None` when nothing
    /// was stored.
    #[must_use]
    pub fn token(&self) -> Option<&CommitToken> {
        self.commits.iter().rev().find(|commit| !commit.streams().is_empty()).map(Commit::token)
    }

    /// Each commit, in order.
    #[must_use]
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// Whether the operation had run before and this is its recorded outcome.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        !self.commits.is_empty() && self.commits.iter().all(Commit::is_repeated)
    }
}

// The types of the outcome are parameters, and the future is made by a
// function that was chosen with the call: so awaiting a call asks for nothing
// more, and a message without a handler is one error and not two.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident<$message:ident $(, $part:ident)*> gives $output:ty;)*) => {$(
        $(#[$doc])*
        #[must_use = "a call does nothing until it is awaited"]
        pub struct $name<'a, $message $(, $part)*> {
            app: Cow<'a, App>,
            message: $message,
            origin: Origin,
            run: fn(Cow<'a, App>, $message, Origin) -> BoxFuture<'a, $output>,
        }

        impl<'a, $message $(, $part)*> IntoFuture for $name<'a, $message $(, $part)*> {
            type Output = $output;
            type IntoFuture = BoxFuture<'a, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                (self.run)(self.app, self.message, self.origin)
            }
        }

        impl<'a, $message $(, $part)*> $name<'a, $message $(, $part)*> {
            /// Sets everything about the call at once.
            pub fn from(mut self, origin: Origin) -> Self {
                self.origin = origin;
                self
            }

            /// See [`Origin::message_id`].
            pub fn message_id(mut self, id: MessageId) -> Self {
                self.origin = self.origin.message_id(id);
                self
            }

            /// See [`Origin::correlation`].
            pub fn correlation(mut self, id: CorrelationId) -> Self {
                self.origin = self.origin.correlation(id);
                self
            }

            /// See [`Origin::causation`].
            pub fn causation(mut self, id: CausationId) -> Self {
                self.origin = self.origin.causation(id);
                self
            }

            /// See [`Origin::tenant`].
            pub fn tenant(mut self, tenant: impl Into<TenantId>) -> Self {
                self.origin = self.origin.tenant(tenant);
                self
            }

            /// See [`Origin::actor`].
            pub fn actor(mut self, actor: impl Into<ActorId>) -> Self {
                self.origin = self.origin.actor(actor);
                self
            }

            /// See [`Origin::source`].
            pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
                self.origin = self.origin.source(source);
                self
            }

            /// See [`Origin::trace`].
            pub fn trace(mut self, trace: TraceContext) -> Self {
                self.origin = self.origin.trace(trace);
                self
            }

            /// See [`Origin::header`].
            pub fn header(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
                self.origin = self.origin.header(key, value);
                self
            }

            /// See [`Origin::operation`].
            pub fn operation(mut self, id: OperationId) -> Self {
                self.origin = self.origin.operation(id);
                self
            }

            /// See [`Origin::timeout`].
            pub fn timeout(mut self, limit: Duration) -> Self {
                self.origin = self.origin.timeout(limit);
                self
            }

            /// See [`Origin::cancel`].
            pub fn cancel(mut self, token: CancelToken) -> Self {
                self.origin = self.origin.cancel(token);
                self
            }

            /// See [`Origin::extension`].
            pub fn extension<T: Send + Sync + 'static>(mut self, value: T) -> Self {
                self.origin = self.origin.extension(value);
                self
            }
        }

        impl<$message $(, $part)*> fmt::Debug for $name<'_, $message $(, $part)*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("origin", &self.origin).finish_non_exhaustive()
            }
        }
    )*};
}

calls! {
    /// A command on its way, to a value or a rejection; await it.
    Execute<C, V, E> gives Result<Executed<V>, CommandError<E>>;
    /// A query on its way to its answer; await it.
    Ask<Q, V> gives Result<V, QueryError>;
}

impl<'a, C: Command + OneHandlerFor<C>> Execute<'a, C, C::Output, C::Error> {
    pub(crate) fn new(app: Cow<'a, App>, message: C, origin: Origin) -> Self {
        Self { app, message, origin, run: Self::run }
    }

    fn run(
        app: Cow<'a, App>,
        command: C,
        origin: Origin,
    ) -> BoxFuture<'a, <Self as IntoFuture>::Output> {
        Box::pin(async move {
            let ctx = app.open(C::NAME, origin)?;
            // What waits is in a box of its own, so that this future, which is
            // copied into its box whole, stays small.
            let rest = match app.inner().handlers.execute(&command, &ctx) {
                Begun::Ended(ended) => {
                    let value = ended?;
                    let receipt = Receipt { commits: ctx.take_commits() };
                    let executed = Executed { value, receipt };
                    if ctx.shown_within().is_none() && !app.inner().feed.is_awaited() {
                        return Ok(executed);
                    }
                    return Box::pin(shown(&app, &ctx, executed)).await;
                }
                begun => Box::pin(begun.end()),
            };
            let _running = app.inner().in_flight.enter();
            let value = rest.await?;
            shown(&app, &ctx, Executed { value, receipt: Receipt { commits: ctx.take_commits() } })
                .await
        })
    }
}

impl<'a, C, V, E> Execute<'a, C, V, E> {
    /// Answers only once every projection of this process shows what was
    /// stored, so that a query sees it; for at most so long.
    ///
    /// # Errors
    ///
    /// [`BusError::Behind`]: it was stored, and cannot be seen yet.
    pub fn shown_within(mut self, limit: Duration) -> Self {
        self.origin.say().shown_within = Some(limit);
        self
    }
}

impl<'a, Q, V> Ask<'a, Q, V> {
    /// Answers only once every projection of this process shows a commit, and
    /// never from before it; for at most so long.
    ///
    /// # Errors
    ///
    /// [`BusError::Behind`].
    pub fn after(mut self, token: &CommitToken, limit: Duration) -> Self {
        self.origin.say().after = Some((token.clone(), limit));
        self
    }
}

impl<'a, Q: Query> Ask<'a, Q, Q::Output> {
    pub(crate) fn new(app: Cow<'a, App>, message: Q, origin: Origin) -> Self {
        Self { app, message, origin, run: Self::run }
    }

    fn run(
        app: Cow<'a, App>,
        query: Q,
        origin: Origin,
    ) -> BoxFuture<'a, <Self as IntoFuture>::Output> {
        Box::pin(async move {
            let ctx = app.open(Q::NAME, origin)?;
            let _running = app.inner().in_flight.enter();
            if let Some((token, limit)) = ctx.after() {
                let reached = app.wait_for(token, *limit).await;
                reached.map_err(|source| BusError::Behind { source: Box::new(source) })?;
            }
            app.inner().handlers.ask(&query, &ctx).end().await
        })
    }
}

/// A command that is done, once its caller can see what came of it.
async fn shown<V, E>(
    app: &App,
    ctx: &Context,
    executed: Executed<V>,
) -> Result<Executed<V>, CommandError<E>> {
    if app.inner().feed.is_awaited()
        && let Some(token) = executed.receipt.token()
    {
        app.announced(token, ctx.remaining()).await;
    }
    if let (Some(limit), Some(token)) = (ctx.shown_within(), executed.receipt.token()) {
        let reached = app.wait_for(token, limit).await;
        reached.map_err(|source| BusError::Behind { source: Box::new(source) })?;
    }
    Ok(executed)
}

/// A command by wire name.
pub(super) fn execute_named<'a, C: Command + OneHandlerFor<C>>(
    app: &'a App,
    payload: &'a [u8],
    origin: Origin,
) -> BoxFuture<'a, Result<Vec<u8>, DispatchError>> {
    Box::pin(async move {
        let command: C = decode(C::NAME, payload)?;
        let executed = Execute::new(Cow::Borrowed(app), command, origin).await?;
        encode(C::NAME, &executed.value)
    })
}

/// A query by wire name.
pub(super) fn ask_named<'a, Q: Query>(
    app: &'a App,
    payload: &'a [u8],
    origin: Origin,
) -> BoxFuture<'a, Result<Vec<u8>, DispatchError>> {
    Box::pin(async move {
        let query: Q = decode(Q::NAME, payload)?;
        let answer = Ask::new(Cow::Borrowed(app), query, origin).await?;
        encode(Q::NAME, &answer)
    })
}

fn decode<T: serde::de::DeserializeOwned>(name: &str, payload: &[u8]) -> Result<T, BusError> {
    let mut json = serde_json::Deserializer::from_slice(payload);
    let decoded = serde_path_to_error::deserialize(&mut json);
    let problem = |path: String, reason: String| BusError::Payload {
        expected: format!("{name} ({})", std::any::type_name::<T>()).into(),
        path: path.into(),
        reason: reason.into(),
    };
    let value =
        decoded.map_err(|error| problem(error.path().to_string(), error.inner().to_string()))?;
    json.end().map_err(|error| problem(".".to_owned(), error.to_string()))?;
    Ok(value)
}

fn encode<T: serde::Serialize>(name: &str, value: &T) -> Result<Vec<u8>, DispatchError> {
    serde_json::to_vec(value).map_err(|error| {
        let source = crate::message::CodecError::new(error);
        BusError::Encode { event_type: format!("the answer to {name}"), source }.into()
    })
}
