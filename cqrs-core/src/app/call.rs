//! A call that is being described and then awaited.

use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use super::App;
use super::steps::{answer, begin, look, rest, unhandled};
use crate::bus::{CancelToken, CommandError, Context, Origin, Progress, QueryError};
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
    pub(super) commits: Few<Commit>,
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
                Calling::new(app, message, origin, steps)
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
pub(super) type Rest<'a, M, T> = fn(Cow<'a, App>, M, Context, Progress) -> BoxFuture<'a, T>;

/// How a call is begun, and what its rest is. The outcome of what has ended
/// is given as the caller gets it, so that it is moved as little as can be.
pub(super) struct Steps<'a, M, T> {
    pub(super) now: fn(&App, &M, Origin, &mut Option<Left>) -> Poll<T>,
    pub(super) rest: Rest<'a, M, T>,
}

/// What is left of a call that waits.
pub(crate) type Left = (Context, Progress);

// Nothing in it is pinned but what stands in a box.
impl<M, T> Unpin for Calling<'_, M, T> {}

impl<M, T> Future for Calling<'_, M, T> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<T> {
        match &mut self.0 {
            Calls::Described(..) => self.begin(cx),
            Calls::Waits(_) => self.go_on(cx),
            Calls::Over => unreachable!("a call is not polled when it is over"),
        }
    }
}

impl<'a, M, T> Calling<'a, M, T> {
    #[inline]
    pub(super) fn new(
        app: Cow<'a, App>,
        message: M,
        origin: Origin,
        steps: Steps<'a, M, T>,
    ) -> Self {
        Self(Calls::Described(app, message, origin, steps))
    }

    fn begin(&mut self, cx: &mut task::Context<'_>) -> Poll<T> {
        // A caller whose calls never wait would keep its thread from all others.
        std::task::ready!(tokio::task::coop::poll_proceed(cx)).made_progress();
        let Calls::Described(app, message, origin, Steps { now, .. }) = &mut self.0 else {
            return Poll::Pending;
        };
        let mut left = None;
        let ended = now(app, message, std::mem::take(origin), &mut left);
        match left {
            None => {
                self.0 = Calls::Over;
                ended
            }
            Some(left) => self.wait(left, cx),
        }
    }

    fn wait(&mut self, (ctx, progress): Left, cx: &mut task::Context<'_>) -> Poll<T> {
        if let Calls::Described(app, message, _, Steps { rest, .. }) =
            std::mem::replace(&mut self.0, Calls::Over)
        {
            self.0 = Calls::Waits(rest(app, message, ctx, progress));
        }
        self.go_on(cx)
    }

    fn go_on(&mut self, cx: &mut task::Context<'_>) -> Poll<T> {
        let Calls::Waits(rest) = &mut self.0 else { return Poll::Pending };
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
        Self { app, message, origin, steps: Steps { now: Self::now, rest } }
    }

    fn now(
        app: &App,
        command: &C,
        origin: Origin,
        left: &mut Option<Left>,
    ) -> Poll<<Self as IntoFuture>::Output> {
        match app.inner().handlers.command() {
            Some(entry) => begin(entry, app, command, origin, left),
            None => Poll::Ready(Err(unhandled(C::NAME).into())),
        }
    }
}

impl<'a, C, V, E> Execute<'a, C, V, E> {
    /// Answers only once every projection of this process shows what was
    /// stored, so that a query sees it; for at most so long.
    ///
    /// # Errors
    ///
    /// [`BusError::Behind`](crate::bus::BusError::Behind): it was stored, and cannot be seen yet.
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
    /// [`BusError::Behind`](crate::bus::BusError::Behind).
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

    fn now(
        app: &App,
        query: &Q,
        origin: Origin,
        left: &mut Option<Left>,
    ) -> Poll<<Self as IntoFuture>::Output> {
        match app.inner().handlers.query() {
            Some(entry) => look(entry, app, query, origin, left),
            None => Poll::Ready(Err(unhandled(Q::NAME).into())),
        }
    }

    fn rest(
        app: Cow<'a, App>,
        query: Q,
        ctx: Context,
        _: Progress,
    ) -> BoxFuture<'a, <Self as IntoFuture>::Output> {
        Box::pin(async move {
            let Some(entry) = app.inner().handlers.query() else {
                return Err(unhandled(Q::NAME).into());
            };
            answer(entry, &app, &query, ctx).await
        })
    }
}
