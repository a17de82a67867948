//! From a message to its one handler.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::{
    Asked, Attempt, BusError, Call, CatchPanic, CommandError, Context, Ending, Now, Outcome,
    QueryError, Started, Typed, within,
};
use crate::aggregate::panic_message;
use crate::app::{AnyCommand, AnyQuery};
use crate::command::{Command, OneHandlerFor};
use crate::error::ErrorCode;
use crate::policy::Stack;
use crate::query::Query;
use crate::runtime::{BoxFuture, NameHash};

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

type Table = HashMap<TypeId, Entry, BuildHasherDefault<TypeIdHasher>>;

/// What is handled under the wire names of one kind of messages.
pub(crate) type ByName<Call> = HashMap<&'static str, Named<Call>, BuildHasherDefault<NameHash>>;

/// The handler of a message in a table by name, and how it is called without
/// the type of the message.
pub(crate) struct Named<Call> {
    pub(crate) entry: Entry,
    pub(crate) call: Call,
}

/// The entry of a handler, without the type of its message.
pub(crate) type Entry = Arc<dyn Any + Send + Sync>;

/// All handlers of one application.
#[derive(Default)]
pub(crate) struct Handlers {
    commands: Table,
    queries: Table,
    pub(crate) commands_by_name: ByName<AnyCommand>,
    pub(crate) queries_by_name: ByName<AnyQuery>,
    pub(crate) event_handlers: BTreeSet<&'static str>,
}

/// A command with everything around its handler.
pub(crate) struct CommandEntry<C> {
    handler: Box<dyn CommandHandler<C>>,
    stack: Stack,
}

/// What a handler answers.
type Answer<C> =
    Result<<C as OneHandlerFor<C>>::Output, CommandError<<C as OneHandlerFor<C>>::Error>>;

/// A handler that is under way.
pub(crate) type Handling<'a, C> = BoxFuture<'a, Answer<C>>;

/// As [`CommandEntry`], of a query.
pub(crate) struct QueryEntry<Q> {
    handler: Box<dyn QueryHandler<Q>>,
    stack: Stack,
}

impl Handlers {
    pub(crate) fn add_command<C>(
        &mut self,
        handler: impl CommandHandler<C>,
        stack: Stack,
        call: AnyCommand,
    ) where
        C: Command + OneHandlerFor<C>,
    {
        let entry: Entry = Arc::new(CommandEntry::<C> { handler: Box::new(handler), stack });
        self.commands.insert(TypeId::of::<C>(), Arc::clone(&entry));
        self.commands_by_name.insert(C::NAME, Named { entry, call });
    }

    pub(crate) fn add_query<Q: Query>(
        &mut self,
        handler: impl QueryHandler<Q>,
        stack: Stack,
        call: AnyQuery,
    ) {
        let entry: Entry = Arc::new(QueryEntry::<Q> { handler: Box::new(handler), stack });
        self.queries.insert(TypeId::of::<Q>(), Arc::clone(&entry));
        self.queries_by_name.insert(Q::NAME, Named { entry, call });
    }

    #[inline]
    pub(crate) fn command<C: Command + OneHandlerFor<C>>(&self) -> Option<&CommandEntry<C>> {
        self.commands.get(&TypeId::of::<C>())?.downcast_ref()
    }

    #[inline]
    pub(crate) fn query<Q: Query>(&self) -> Option<&QueryEntry<Q>> {
        self.queries.get(&TypeId::of::<Q>())?.downcast_ref()
    }

    /// The names of the commands and queries that are handled.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &'static str> {
        self.commands_by_name.keys().chain(self.queries_by_name.keys()).copied()
    }

    /// The names under which something is known to be handled.
    pub(crate) fn names(&self) -> BTreeSet<&'static str> {
        self.messages().chain(self.event_handlers.iter().copied()).collect()
    }
}

impl<C: Command + OneHandlerFor<C>> CommandEntry<C> {
    /// Runs the handler, as far as it goes without a future: where nothing but
    /// the checks of its fields and its figures stand around it.
    #[inline]
    pub(crate) fn now(
        &self,
        command: &C,
        ctx: &Context,
    ) -> First<Result<C::Output, CommandError<C::Error>>> {
        let Self { handler, stack } = self;
        if !self.is_light(ctx) {
            return First::NotYet(None);
        }
        let since = stack.observer.begin_unlogged(ctx);
        // What is answered mostly is small, and is handed on without all else
        // that can come.
        let mut other = Now::NotYet;
        let answer = match command.validate() {
            Ok(()) => catch_unwind(AssertUnwindSafe(|| match handler.now(command, ctx) {
                Now::Ended(Ok(answer)) => Some(answer),
                now => {
                    other = now;
                    None
                }
            })),
            Err(error) => {
                other = Now::Ended(Err(BusError::Validation(error).into()));
                Ok(None)
            }
        };
        let ended = match (answer, other) {
            (Ok(Some(answer)), _) => {
                stack.observer.end(&stack.target, ctx, since, None);
                return First::Ended(Ok(answer));
            }
            (Ok(None), Now::Ended(ended)) => ended,
            (Ok(None), Now::Begun(begun)) => return First::Begun(Begun { since, begun }),
            (Ok(None), Now::NotYet) => return First::NotYet(since),
            (Err(panic), _) => Err(panicked(stack.target.name, &*panic).into()),
        };
        stack.observer.end(&stack.target, ctx, since, ended.as_ref().err().map(ErrorCode::code));
        First::Ended(ended)
    }

    /// Whether nothing but its time and figures stand around the handler of a
    /// call.
    #[inline]
    pub(crate) fn is_light(&self, ctx: &Context) -> bool {
        self.stack.is_light() && !ctx.is_bounded()
    }

    /// The rest of the handler of such a call.
    pub(crate) fn resume<'a>(
        &'a self,
        begun: Result<Begun, Option<Duration>>,
        command: &'a C,
        ctx: &'a Context,
    ) -> Result<(Option<Duration>, Handling<'a, C>), BusError> {
        let Self { handler, stack } = self;
        match begun {
            Ok(Begun { since, begun }) => Ok((since, handler.resume(begun, command, ctx))),
            Err(since) => {
                command.validate().map_err(BusError::Validation)?;
                let future = catch_unwind(AssertUnwindSafe(|| handler.handle(command, ctx)));
                let future = future.map_err(|panic| panicked(stack.target.name, &*panic))?;
                Ok((since, future))
            }
        }
    }

    /// Waits for it.
    pub(crate) fn wait<'a>(
        &'a self,
        ctx: &'a Context,
        since: Option<Duration>,
        rest: Handling<'a, C>,
    ) -> impl Future<Output = Answer<C>> + Send + 'a {
        wait(&self.stack, ctx, since, rest)
    }

    /// Runs a command through everything around its handler.
    pub(crate) async fn through(&self, command: &C, ctx: &Context) -> Answer<C> {
        let Self { handler, stack } = self;
        let start = move || match handler.now(command, ctx) {
            Now::Ended(ended) => Started::Ended(ended),
            Now::Begun(begun) => Started::Waits(handler.resume(begun, command, ctx)),
            Now::NotYet => Started::Waits(handler.handle(command, ctx)),
        };
        let call = Call::new::<C::Output>(&stack.target, command, ctx);
        let mut typed = Typed::new(stack.target.name, start);
        let outcome = through(stack, &call, &mut typed).await;
        typed.end(outcome, call)
    }
}

impl<Q: Query> QueryEntry<Q> {
    /// The answer to a query, where it is known without running anything.
    #[inline]
    pub(crate) fn now(&self, query: &Q, ctx: &Context) -> First<Result<Q::Output, QueryError>> {
        let stack = &self.stack;
        let Some((answers, keeping)) = stack.only_keeps(ctx).zip(Q::KEEPING) else {
            return First::NotYet(None);
        };
        let since = stack.observer.begin_unlogged(ctx);
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

    /// As [`CommandEntry::through`].
    pub(crate) async fn through(&self, query: &Q, ctx: &Context) -> Result<Q::Output, QueryError> {
        let Self { handler, stack } = self;
        let start = move || Started::Waits(handler.handle(query, ctx));
        let call = Call::new::<Q::Output>(&stack.target, query, ctx);
        let mut asked = Asked::new(query, Typed::new(stack.target.name, start));
        let outcome = through(stack, &call, &mut asked).await;
        asked.typed.end(outcome, call)
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
async fn wait<T, E: Ending>(
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
