//! From a message to its one handler.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::{
    Asked, Attempt, BusError, Call, CatchPanic, CommandError, Context, DispatchError, Ending, Now,
    Outcome, QueryError, Started, Typed, within,
};
use crate::aggregate::panic_message;
use crate::app::App;
use crate::command::{Command, OneHandlerFor};
use crate::error::ErrorCode;
use crate::policy::Stack;
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

    /// Runs the command as far as it goes without a future.
    #[doc(hidden)]
    fn now(&self, command: &C, ctx: &Context) -> Now<Result<C::Output, CommandError<C::Error>>> {
        let _ = (command, ctx);
        Now::NotYet
    }

    /// The rest of a command that has begun.
    #[doc(hidden)]
    fn resume<'a>(
        &'a self,
        begun: Box<dyn Any + Send>,
        command: &'a C,
        ctx: &'a Context,
    ) -> BoxFuture<'a, Result<C::Output, CommandError<C::Error>>> {
        let _ = begun;
        self.handle(command, ctx)
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

/// A function that waits for nothing.
pub(crate) struct Instant<F>(pub(crate) F);

impl<C, F> CommandHandler<C> for Instant<F>
where
    C: OneHandlerFor<C>,
    F: Fn(&C, &Context) -> Result<C::Output, CommandError<C::Error>> + Send + Sync + 'static,
{
    fn handle<'a>(
        &'a self,
        command: &'a C,
        ctx: &'a Context,
    ) -> BoxFuture<'a, Result<C::Output, CommandError<C::Error>>> {
        Box::pin(std::future::ready((self.0)(command, ctx)))
    }

    #[inline]
    fn now(&self, command: &C, ctx: &Context) -> Now<Result<C::Output, CommandError<C::Error>>> {
        Now::Ended((self.0)(command, ctx))
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
    pub(crate) event_handlers: BTreeSet<&'static str>,
}

struct CommandEntry<C> {
    handler: Box<dyn CommandHandler<C>>,
    stack: Stack,
}

struct QueryEntry<Q> {
    handler: Box<dyn QueryHandler<Q>>,
    stack: Stack,
}

impl Handlers {
    pub(crate) fn add_command<C>(&mut self, handler: impl CommandHandler<C>, stack: Stack)
    where
        C: Command + OneHandlerFor<C>,
    {
        let entry = CommandEntry::<C> { handler: Box::new(handler), stack };
        self.commands.insert(TypeId::of::<C>(), Box::new(entry));
    }

    pub(crate) fn add_query<Q: Query>(&mut self, handler: impl QueryHandler<Q>, stack: Stack) {
        let entry = QueryEntry::<Q> { handler: Box::new(handler), stack };
        self.queries.insert(TypeId::of::<Q>(), Box::new(entry));
    }

    fn command<C: Command + OneHandlerFor<C>>(&self) -> Result<&CommandEntry<C>, BusError> {
        let entry = self.commands.get(&TypeId::of::<C>());
        let entry = entry.and_then(|entry| entry.downcast_ref());
        entry.ok_or_else(|| BusError::HandlerNotFound { name: C::NAME.to_owned() })
    }

    fn query<Q: Query>(&self) -> Result<&QueryEntry<Q>, BusError> {
        let entry = self.queries.get(&TypeId::of::<Q>());
        let entry = entry.and_then(|entry| entry.downcast_ref());
        entry.ok_or_else(|| BusError::HandlerNotFound { name: Q::NAME.to_owned() })
    }

    /// The names of the commands and queries that are handled.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &'static str> {
        self.commands_by_name.keys().chain(self.queries_by_name.keys()).copied()
    }

    /// The names under which something is known to be handled.
    pub(crate) fn names(&self) -> BTreeSet<&'static str> {
        self.messages().chain(self.event_handlers.iter().copied()).collect()
    }

    /// Finds the handler and runs it, as far as it goes without a future:
    /// where nothing but the checks of its fields and its figures stand
    /// around it.
    #[inline]
    pub(crate) fn execute_now<C>(
        &self,
        command: &C,
        ctx: &Context,
    ) -> First<Result<C::Output, CommandError<C::Error>>>
    where
        C: Command + OneHandlerFor<C>,
    {
        let CommandEntry { handler, stack } = match self.command::<C>() {
            Ok(entry) => entry,
            Err(error) => return First::Ended(Err(error.into())),
        };
        if !stack.is_light() || ctx.is_bounded() {
            return First::NotYet(None);
        }
        let since = stack.observer.begin(ctx);
        let ended = match command.validate() {
            Err(error) => Err(BusError::Validation(error).into()),
            Ok(()) => match catch_unwind(AssertUnwindSafe(|| handler.now(command, ctx))) {
                Ok(Now::Ended(ended)) => ended,
                Ok(Now::Begun(begun)) => return First::Begun(Begun { since, begun }),
                Ok(Now::NotYet) => return First::NotYet(since),
                Err(panic) => Err(panicked(stack.target.name, &*panic).into()),
            },
        };
        stack.observer.end(&stack.target, ctx, since, ended.as_ref().err().map(ErrorCode::code));
        First::Ended(ended)
    }

    /// The rest of a command.
    pub(crate) async fn execute<C>(
        &self,
        begun: Result<Begun, Option<Duration>>,
        command: &C,
        ctx: &Context,
    ) -> Result<C::Output, CommandError<C::Error>>
    where
        C: Command + OneHandlerFor<C>,
    {
        let CommandEntry { handler, stack } = self.command::<C>()?;
        match begun {
            Ok(Begun { since, begun }) => {
                rest(stack, ctx, since, handler.resume(begun, command, ctx)).await
            }
            Err(since) if stack.is_light() && !ctx.is_bounded() => {
                command.validate().map_err(BusError::Validation)?;
                let future = catch_unwind(AssertUnwindSafe(|| handler.handle(command, ctx)));
                let future = future.map_err(|panic| panicked(stack.target.name, &*panic))?;
                rest(stack, ctx, since, future).await
            }
            Err(_) => {
                let start = move || match handler.now(command, ctx) {
                    Now::Ended(ended) => Started::Ended(ended),
                    Now::Begun(begun) => Started::Waits(handler.resume(begun, command, ctx)),
                    Now::NotYet => Started::Waits(handler.handle(command, ctx)),
                };
                // In a box of its own: a call without policies stays small.
                Box::pin(async move {
                    let call = Call::new::<C::Output>(&stack.target, command, ctx);
                    let mut typed = Typed::new(stack.target.name, start);
                    let outcome = through(stack, &call, &mut typed).await;
                    typed.end(outcome, &call)
                })
                .await
            }
        }
    }

    /// The answer to a query, where it is known without running anything.
    #[inline]
    pub(crate) fn ask_now<Q: Query>(
        &self,
        query: &Q,
        ctx: &Context,
    ) -> First<Result<Q::Output, QueryError>> {
        let QueryEntry { stack, .. } = match self.query::<Q>() {
            Ok(entry) => entry,
            Err(error) => return First::Ended(Err(error.into())),
        };
        let Some((answers, keeping)) = stack.only_keeps(ctx).zip(Q::KEEPING) else {
            return First::NotYet(None);
        };
        let since = stack.observer.begin(ctx);
        if query.validate().is_err() {
            return First::NotYet(None);
        }
        match keeping.look(answers, Q::NAME, Q::VERSION, query, ctx) {
            Ok(Ok(answer)) => {
                stack.observer.end(&stack.target, ctx, since, None);
                First::Ended(Ok(answer))
            }
            _ => First::NotYet(None),
        }
    }

    /// As [`Handlers::execute`], for a query.
    pub(crate) async fn ask<Q: Query>(
        &self,
        query: &Q,
        ctx: &Context,
    ) -> Result<Q::Output, QueryError> {
        let QueryEntry { handler, stack } = self.query::<Q>()?;
        let start = move || Started::Waits(handler.handle(query, ctx));
        let call = Call::new::<Q::Output>(&stack.target, query, ctx);
        let mut asked = Asked::new(query, Typed::new(stack.target.name, start));
        let outcome = through(stack, &call, &mut asked).await;
        asked.typed.end(outcome, &call)
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handlers({} commands, {} queries)", self.commands.len(), self.queries.len())
    }
}

/// How far a call has come at the first look.
pub(crate) enum First<T> {
    Ended(T),
    Begun(Begun),
    /// Not at all, but since when it is measured.
    NotYet(Option<Duration>),
}

/// A call that has begun and waits for something.
pub(crate) struct Begun {
    since: Option<Duration>,
    begun: Box<dyn Any + Send>,
}

/// The rest of a call around which nothing but its time and figures stand.
async fn rest<T, E: Ending>(
    stack: &Stack,
    ctx: &Context,
    since: Option<Duration>,
    future: BoxFuture<'_, Result<T, E>>,
) -> Result<T, E> {
    let name = stack.target.name;
    let (limit, warn) = stack.policy.time();
    let mut work = CatchPanic(future);
    let first = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut work).poll(cx))).await;
    let ended = match (first, limit) {
        (Poll::Ready(ended), _) => Ok(ended),
        (Poll::Pending, None) => Ok(work.await),
        (Poll::Pending, Some(_)) => Box::pin(within(ctx, limit, warn, name, work)).await,
    };
    let ended = match ended {
        Ok(Ok(ended)) => ended,
        Ok(Err(panic)) => Err(panicked(name, &*panic).into()),
        Err(error) => Err(error.into()),
    };
    stack.observer.end(&stack.target, ctx, since, ended.as_ref().err().map(ErrorCode::code));
    ended
}

/// Runs a call through everything around its handler.
async fn through(stack: &Stack, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
    let (name, ctx) = (stack.target.name, call.ctx());
    let mut run = std::pin::pin!(stack.run(call, attempt));
    let caught =
        std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(Err(panicked(name, &*panic).into())),
        });
    // What a policy bounds is the handler; what a caller bounds is everything.
    if ctx.is_bounded() { within(ctx, None, None, name, caught).await? } else { caught.await }
}

pub(crate) fn panicked(name: &'static str, panic: &(dyn Any + Send)) -> BusError {
    BusError::HandlerPanicked { name, message: panic_message(panic) }
}
