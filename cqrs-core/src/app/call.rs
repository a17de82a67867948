//! A call that is being described and then awaited.

use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use super::App;
use crate::bus::{
    Begun, BusError, CancelToken, CommandError, Context, DispatchError, First, Origin, QueryError,
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
            steps: Steps<'a, $message, $output>,
        }

        impl<'a, $message $(, $part)*> IntoFuture for $name<'a, $message $(, $part)*> {
            type Output = $output;
            type IntoFuture = Calling<'a, $message, Self::Output>;

            #[inline]
            fn into_future(self) -> Self::IntoFuture {
                let Self { app, message, origin, steps } = self;
                Calling(Calls::Described(app, message, origin, steps))
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

            /// See [`Origin::idempotency_key`].
            pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
                self.origin = self.origin.idempotency_key(key);
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

/// A call under way. What ends without waiting takes no memory of its own;
/// everything else moves into a box at its first look.
#[must_use = "a call does nothing until it is awaited"]
pub struct Calling<'a, M, T>(Calls<'a, M, T>);

enum Calls<'a, M, T> {
    Described(Cow<'a, App>, M, Origin, Steps<'a, M, T>),
    Waits(BoxFuture<'a, T>),
    Over,
}

/// The rest of a call, from where it has come to.
type Rest<'a, M, T> =
    fn(Cow<'a, App>, M, Context, Result<Begun, Option<Duration>>) -> BoxFuture<'a, T>;

/// How a call is begun, and what its rest is.
struct Steps<'a, M, T> {
    now: fn(&App, &M, Origin) -> Ahead<T>,
    rest: Rest<'a, M, T>,
}

enum Ahead<T> {
    Ended(T),
    Waits(Context, Result<Begun, Option<Duration>>),
}

// Nothing in it is pinned but what stands in a box.
impl<M, T> Unpin for Calling<'_, M, T> {}

impl<M, T> Future for Calling<'_, M, T> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<T> {
        if let Calls::Described(app, message, origin, Steps { now, .. }) = &mut self.0 {
            // A caller whose calls never wait would keep its thread from all others.
            std::task::ready!(tokio::task::coop::poll_proceed(cx)).made_progress();
            let (ctx, begun) = match now(app, message, std::mem::take(origin)) {
                Ahead::Ended(ended) => {
                    self.0 = Calls::Over;
                    return Poll::Ready(ended);
                }
                Ahead::Waits(ctx, begun) => (ctx, begun),
            };
            let described = std::mem::replace(&mut self.0, Calls::Over);
            if let Calls::Described(app, message, _, Steps { rest, .. }) = described {
                self.0 = Calls::Waits(rest(app, message, ctx, begun));
            }
        }
        let Calls::Waits(rest) = &mut self.0 else {
            unreachable!("a call is not polled when it is over")
        };
        let ended = rest.as_mut().poll(cx);
        if ended.is_ready() {
            self.0 = Calls::Over;
        }
        ended
    }
}

impl<M, T> fmt::Debug for Calling<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Calls::Described(..) => "Calling(described)",
            Calls::Waits(_) => "Calling(under way)",
            Calls::Over => "Calling(over)",
        })
    }
}

impl<'a, C: Command + OneHandlerFor<C>> Execute<'a, C, C::Output, C::Error> {
    #[inline]
    pub(crate) fn new(app: Cow<'a, App>, message: C, origin: Origin) -> Self {
        Self { app, message, origin, steps: Steps { now: Self::now, rest: Self::rest } }
    }

    fn now(app: &App, command: &C, origin: Origin) -> Ahead<<Self as IntoFuture>::Output> {
        let ctx = match app.open(C::NAME, origin) {
            Ok(ctx) => ctx,
            Err(error) => return Ahead::Ended(Err(error.into())),
        };
        if ctx.shown_within().is_some() || app.inner().feed.is_awaited() {
            return Ahead::Waits(ctx, Err(None));
        }
        match app.inner().handlers.execute_now(command, &ctx) {
            First::Ended(Err(error)) => {
                ctx.leave();
                Ahead::Ended(Err(error))
            }
            First::Ended(Ok(value)) => {
                let receipt = Receipt { commits: ctx.take_commits() };
                ctx.leave();
                Ahead::Ended(Ok(Executed { value, receipt }))
            }
            First::Begun(begun) => Ahead::Waits(ctx, Ok(begun)),
            First::NotYet(since) => Ahead::Waits(ctx, Err(since)),
        }
    }

    fn rest(
        app: Cow<'a, App>,
        command: C,
        ctx: Context,
        begun: Result<Begun, Option<Duration>>,
    ) -> BoxFuture<'a, <Self as IntoFuture>::Output> {
        Box::pin(async move {
            let _running = app.inner().in_flight.enter();
            let value = app.inner().handlers.execute(begun, &command, &ctx).await?;
            let receipt = Receipt { commits: ctx.take_commits() };
            let executed = Executed { value, receipt };
            if ctx.shown_within().is_some() || app.inner().feed.is_awaited() {
                return Box::pin(shown(&app, &ctx, executed)).await;
            }
            ctx.leave();
            Ok(executed)
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
    #[inline]
    pub(crate) fn new(app: Cow<'a, App>, message: Q, origin: Origin) -> Self {
        Self { app, message, origin, steps: Steps { now: Self::now, rest: Self::rest } }
    }

    fn now(app: &App, query: &Q, origin: Origin) -> Ahead<<Self as IntoFuture>::Output> {
        let ctx = match app.open(Q::NAME, origin) {
            Ok(ctx) => ctx,
            Err(error) => return Ahead::Ended(Err(error.into())),
        };
        if ctx.after().is_some() {
            return Ahead::Waits(ctx, Err(None));
        }
        match app.inner().handlers.ask_now(query, &ctx) {
            First::Ended(ended) => {
                ctx.leave();
                Ahead::Ended(ended)
            }
            First::Begun(_) | First::NotYet(_) => Ahead::Waits(ctx, Err(None)),
        }
    }

    fn rest(
        app: Cow<'a, App>,
        query: Q,
        ctx: Context,
        _begun: Result<Begun, Option<Duration>>,
    ) -> BoxFuture<'a, <Self as IntoFuture>::Output> {
        Box::pin(async move {
            let _running = app.inner().in_flight.enter();
            if let Some((token, limit)) = ctx.after() {
                let reached = app.wait_for(token, *limit).await;
                reached.map_err(|source| BusError::Behind { source: Box::new(source) })?;
            }
            app.inner().handlers.ask(&query, &ctx).await
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
