//! From a message to its one handler.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{
    BusError, CatchPanic, CommandError, Context, DispatchError, QueryError, Started, caught,
};
use crate::aggregate::panic_message;
use crate::app::App;
use crate::command::{Command, OneHandlerFor};
use crate::query::Query;
use crate::runtime::BoxFuture;

/// What runs a command. Written by the handler attributes.
pub trait CommandHandler<C: OneHandlerFor<C>>: Send + Sync + 'static {
    /// Runs the command.
    fn handle<'a>(
        &'a self,
        command: &'a C,
        ctx: &'a Context,
    ) -> BoxFuture<'a, Result<C::Output, CommandError<C::Error>>>;

    /// Runs the command as far as it goes without waiting.
    #[doc(hidden)]
    fn start<'a>(
        &'a self,
        command: &'a C,
        ctx: &'a Context,
    ) -> Started<'a, Result<C::Output, CommandError<C::Error>>> {
        Started::Waits(self.handle(command, ctx))
    }
}

/// What answers a query. Written by the handler attributes.
pub trait QueryHandler<Q: Query>: Send + Sync + 'static {
    /// Answers the query.
    fn handle<'a>(
        &'a self,
        query: &'a Q,
        ctx: &'a Context,
    ) -> BoxFuture<'a, Result<Q::Output, QueryError>>;
}

impl<C, F> CommandHandler<C> for F
where
    C: OneHandlerFor<C>,
    F: for<'a> Fn(&'a C, &'a Context) -> BoxFuture<'a, Result<C::Output, CommandError<C::Error>>>
        + Send
        + Sync
        + 'static,
{
    fn handle<'a>(
        &'a self,
        command: &'a C,
        ctx: &'a Context,
    ) -> BoxFuture<'a, Result<C::Output, CommandError<C::Error>>> {
        self(command, ctx)
    }
}

impl<Q, F> QueryHandler<Q> for F
where
    Q: Query,
    F: for<'a> Fn(&'a Q, &'a Context) -> BoxFuture<'a, Result<Q::Output, QueryError>>
        + Send
        + Sync
        + 'static,
{
    fn handle<'a>(
        &'a self,
        query: &'a Q,
        ctx: &'a Context,
    ) -> BoxFuture<'a, Result<Q::Output, QueryError>> {
        self(query, ctx)
    }
}

/// A `TypeId` is a hash already.
#[derive(Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }
}

type Table = HashMap<TypeId, Box<dyn Any + Send + Sync>, BuildHasherDefault<TypeIdHasher>>;

/// A call by wire name: the application, the payload, who asks.
pub(crate) type NamedCall =
    for<'a> fn(&'a App, &'a [u8], super::Origin) -> BoxFuture<'a, Result<Vec<u8>, DispatchError>>;

/// The entry of a message in a table by name.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    pub(crate) call: NamedCall,
}

/// All handlers of one application.
#[derive(Default)]
pub(crate) struct Handlers {
    commands: Table,
    queries: Table,
    pub(crate) commands_by_name: HashMap<&'static str, Named>,
    pub(crate) queries_by_name: HashMap<&'static str, Named>,
}

struct CommandEntry<C>(Box<dyn CommandHandler<C>>);
struct QueryEntry<Q>(Box<dyn QueryHandler<Q>>);

impl Handlers {
    pub(crate) fn add_command<C>(&mut self, handler: impl CommandHandler<C>)
    where
        C: Command + OneHandlerFor<C>,
    {
        self.commands.insert(TypeId::of::<C>(), Box::new(CommandEntry::<C>(Box::new(handler))));
    }

    pub(crate) fn add_query<Q: Query>(&mut self, handler: impl QueryHandler<Q>) {
        self.queries.insert(TypeId::of::<Q>(), Box::new(QueryEntry::<Q>(Box::new(handler))));
    }

    fn command<C: Command + OneHandlerFor<C>>(&self) -> Result<&dyn CommandHandler<C>, BusError> {
        let entry = self.commands.get(&TypeId::of::<C>());
        let entry = entry.and_then(|entry| entry.downcast_ref::<CommandEntry<C>>());
        entry
            .map(|entry| &*entry.0)
            .ok_or_else(|| BusError::HandlerNotFound { name: C::NAME.to_owned() })
    }

    fn query<Q: Query>(&self) -> Result<&dyn QueryHandler<Q>, BusError> {
        let entry = self.queries.get(&TypeId::of::<Q>());
        let entry = entry.and_then(|entry| entry.downcast_ref::<QueryEntry<Q>>());
        entry
            .map(|entry| &*entry.0)
            .ok_or_else(|| BusError::HandlerNotFound { name: Q::NAME.to_owned() })
    }

    /// Validates, finds the handler, runs it within the call's bounds.
    #[inline]
    pub(crate) fn execute<'a, C>(
        &'a self,
        command: &'a C,
        ctx: &'a Context,
    ) -> Begun<'a, Result<C::Output, CommandError<C::Error>>>
    where
        C: Command + OneHandlerFor<C>,
    {
        if let Err(error) = command.validate() {
            return Begun::Ended(Err(BusError::Validation(error).into()));
        }
        let handler = match self.command::<C>() {
            Ok(handler) => handler,
            Err(error) => return Begun::Ended(Err(error.into())),
        };
        if ctx.is_bounded() {
            let run = bounded(C::NAME, ctx, || handler.start(command, ctx));
            return Begun::Bounded(Box::pin(run));
        }
        match catch_unwind(AssertUnwindSafe(|| handler.start(command, ctx))) {
            Ok(Started::Ended(ended)) => Begun::Ended(ended),
            Ok(Started::Waits(rest)) => Begun::Waits(C::NAME, CatchPanic(rest)),
            Err(panic) => Begun::Ended(Err(panicked(C::NAME, &*panic).into())),
        }
    }

    /// As [`Handlers::execute`], for a query.
    pub(crate) async fn ask<Q: Query>(
        &self,
        query: &Q,
        ctx: &Context,
    ) -> Result<Q::Output, QueryError> {
        query.validate().map_err(BusError::Validation)?;
        let handler = self.query::<Q>()?;
        bounded(Q::NAME, ctx, || Started::Waits(handler.handle(query, ctx))).await
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handlers({} commands, {} queries)", self.commands.len(), self.queries.len())
    }
}

/// A call that was begun. One that ends without waiting passes through no
/// future of its own: each would copy the outcome once more.
pub(crate) enum Begun<'a, T> {
    Ended(T),
    Waits(&'static str, CatchPanic<'a, T>),
    Bounded(BoxFuture<'a, T>),
}

impl<T, E: From<BusError>> Begun<'_, Result<T, E>> {
    /// The rest of the call.
    #[inline]
    pub(crate) async fn end(self) -> Result<T, E> {
        match self {
            Self::Ended(ended) => ended,
            Self::Waits(name, rest) => {
                rest.await.unwrap_or_else(|panic| Err(panicked(name, &*panic).into()))
            }
            Self::Bounded(run) => run.await,
        }
    }
}

fn panicked(name: &'static str, panic: &(dyn Any + Send)) -> BusError {
    BusError::HandlerPanicked { name, message: panic_message(panic) }
}

/// Runs a handler until it ends, panics, its time is up, or it is cancelled.
async fn bounded<'a, T, E: From<BusError>>(
    name: &'static str,
    ctx: &'a Context,
    start: impl FnOnce() -> Started<'a, Result<T, E>>,
) -> Result<T, E> {
    let ended = if ctx.is_bounded() {
        Box::pin(within_bounds(ctx, start)).await?
    } else {
        caught(start).await
    };
    ended.unwrap_or_else(|panic| Err(panicked(name, &*panic).into()))
}

/// Runs a handler to its end or panic, unless it must stop before.
async fn within_bounds<'a, T>(
    ctx: &'a Context,
    start: impl FnOnce() -> Started<'a, T>,
) -> Result<Result<T, Box<dyn Any + Send>>, BusError> {
    let since = ctx.limit().map(|_| ctx.services().clock.monotonic());
    let remaining = ctx.remaining();
    if remaining == Some(Duration::ZERO) {
        return Err(out_of_time(ctx, since));
    }
    if ctx.cancel_token().is_some_and(super::CancelToken::is_cancelled) {
        return Err(BusError::Cancelled);
    }
    let mut handler = std::pin::pin!(caught(start));
    let mut stop = std::pin::pin!(stop(ctx, remaining, since));
    std::future::poll_fn(|cx| {
        use std::task::Poll;
        if let Poll::Ready(ended) = handler.as_mut().poll(cx) {
            return Poll::Ready(Ok(ended));
        }
        stop.as_mut().poll(cx).map(Err)
    })
    .await
}

/// Ends when the call must stop, with the error for it.
async fn stop(ctx: &Context, remaining: Option<Duration>, start: Option<Duration>) -> BusError {
    let mut sleep = remaining.map(|remaining| ctx.services().clock.sleep(remaining));
    let mut cancelled = ctx.cancel_token().map(|token| Box::pin(token.cancelled()));
    std::future::poll_fn(|cx| {
        use std::task::Poll;
        if let Some(sleep) = &mut sleep
            && sleep.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(out_of_time(ctx, start));
        }
        if let Some(cancelled) = &mut cancelled
            && cancelled.as_mut().poll(cx).is_ready()
        {
            let unknown = in_doubt(ctx, "the caller cancelled while the commit was under way");
            return Poll::Ready(unknown.unwrap_or(BusError::Cancelled));
        }
        Poll::Pending
    })
    .await
}

fn out_of_time(ctx: &Context, start: Option<Duration>) -> BusError {
    in_doubt(ctx, "the time ran out while the commit was under way").unwrap_or_else(|| {
        let limit = ctx.limit().unwrap_or_default();
        let now = ctx.services().clock.monotonic();
        BusError::Timeout { limit, elapsed: start.map_or(limit, |start| now.saturating_sub(start)) }
    })
}

fn in_doubt(ctx: &Context, reason: &str) -> Option<BusError> {
    let operation = ctx.in_doubt()?;
    Some(BusError::Unknown { operation, reason: reason.into() })
}
