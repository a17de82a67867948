//! From a message to its one handler.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde::Serialize;

use super::{
    Asked, Attempt, BusError, Call, CatchPanic, CommandError, Context, DispatchError, Ending,
    Outcome, QueryError, Started, Typed, within,
};
use crate::aggregate::panic_message;
use crate::app::App;
use crate::command::{Command, OneHandlerFor, Validate};
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

    /// The names under which something is known to be handled.
    pub(crate) fn names(&self) -> BTreeSet<&'static str> {
        let messages = self.commands_by_name.keys().chain(self.queries_by_name.keys());
        messages.chain(&self.event_handlers).copied().collect()
    }

    /// Finds the handler and runs it behind everything that stands around it.
    #[inline]
    pub(crate) fn execute<'a, C>(
        &'a self,
        command: &'a C,
        ctx: &'a Context,
    ) -> Begun<'a, Result<C::Output, CommandError<C::Error>>>
    where
        C: Command + OneHandlerFor<C>,
    {
        match self.command::<C>() {
            Ok(CommandEntry { handler, stack }) => {
                let start = move || handler.start(command, ctx);
                if stack.is_light() && !ctx.is_bounded() {
                    return light(stack, command, ctx, start);
                }
                Begun::Runs(Box::pin(async move {
                    let call = Call::new::<C::Output>(&stack.target, command, ctx);
                    let mut typed = Typed::new(stack.target.name, start);
                    let outcome = through(stack, &call, &mut typed).await;
                    typed.end(outcome, &call)
                }))
            }
            Err(error) => Begun::Ended(Err(error.into())),
        }
    }

    /// As [`Handlers::execute`], for a query.
    #[inline]
    pub(crate) fn ask<'a, Q: Query>(
        &'a self,
        query: &'a Q,
        ctx: &'a Context,
    ) -> Begun<'a, Result<Q::Output, QueryError>> {
        match self.query::<Q>() {
            Ok(QueryEntry { handler, stack }) => {
                let start = move || Started::Waits(handler.handle(query, ctx));
                if stack.is_light() && !ctx.is_bounded() {
                    return light(stack, query, ctx, start);
                }
                Begun::Runs(Box::pin(async move {
                    let call = Call::new::<Q::Output>(&stack.target, query, ctx);
                    let mut asked = Asked::new(query, Typed::new(stack.target.name, start));
                    let outcome = through(stack, &call, &mut asked).await;
                    asked.typed.end(outcome, &call)
                }))
            }
            Err(error) => Begun::Ended(Err(error.into())),
        }
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
    Runs(BoxFuture<'a, T>),
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
            Self::Runs(run) => run.await,
        }
    }
}

/// Begins a call around whose handler nothing but the checks of its fields and
/// its figures stand: it may end at once.
#[inline]
fn light<'a, M, T, E, F>(
    stack: &'a Stack,
    message: &'a M,
    ctx: &'a Context,
    mut start: F,
) -> Begun<'a, Result<T, E>>
where
    M: Validate + Serialize + Sync + 'static,
    T: Send + 'static,
    E: Ending + Send + 'static,
    F: FnMut() -> Started<'a, Result<T, E>> + Send + 'a,
{
    let since = stack.observer.begin(ctx);
    let ended = match message.validate() {
        Err(error) => Err(BusError::Validation(error).into()),
        Ok(()) => match catch_unwind(AssertUnwindSafe(&mut start)) {
            Ok(Started::Ended(ended)) => ended,
            Err(panic) => Err(panicked(stack.target.name, &*panic).into()),
            Ok(Started::Waits(rest)) => return waits(stack, ctx, since, CatchPanic(rest)),
        },
    };
    stack.observer.end(&stack.target, ctx, since, ended.as_ref().err().map(ErrorCode::code));
    Begun::Ended(ended)
}

/// The rest of a call that did not end at once.
fn waits<'a, T, E>(
    stack: &'a Stack,
    ctx: &'a Context,
    since: Option<Duration>,
    rest: CatchPanic<'a, Result<T, E>>,
) -> Begun<'a, Result<T, E>>
where
    T: Send + 'a,
    E: Ending + Send + 'a,
{
    let name = stack.target.name;
    let (limit, warn) = stack.policy.time();
    if limit.is_none() && since.is_none() {
        return Begun::Waits(name, rest);
    }
    Begun::Runs(Box::pin(async move {
        let ended = match within(ctx, limit, warn, name, rest).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(panic)) => Err(panicked(name, &*panic).into()),
            Err(error) => Err(error.into()),
        };
        stack.observer.end(&stack.target, ctx, since, ended.as_ref().err().map(ErrorCode::code));
        ended
    }))
}

/// Runs a call through everything around its handler.
async fn through(stack: &Stack, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
    let run = CatchPanic(Box::pin(stack.run(call, attempt))).await;
    run.unwrap_or_else(|panic| Err(panicked(stack.target.name, &*panic).into()))
}

pub(crate) fn panicked(name: &'static str, panic: &(dyn Any + Send)) -> BusError {
    BusError::HandlerPanicked { name, message: panic_message(panic) }
}
