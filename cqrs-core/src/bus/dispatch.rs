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
    Asked, Attempt, BusError, Call, CatchPanic, Caught, CommandError, Context, Now, Outcome,
    QueryError, Started, Typed, within,
};
use crate::aggregate::panic_message;
use crate::app::{AnyCommand, AnyQuery, RunAlone};
use crate::command::{Command, OneHandlerFor};
use crate::error::ErrorCode;
use crate::policy::Stack;
use crate::query::Query;
use crate::runtime::{BoxFuture, NameHash, Polled};

/// What runs a command.
pub trait CommandHandler<C: Command + OneHandlerFor<C>>: Any + Send + Sync {
    /// Runs the command.
    fn handle<'a>(&'a self, command: &'a C, ctx: &'a Context) -> BoxFuture<'a, Answer<C>>;

    /// Runs the command as far as it goes without a future.
    #[doc(hidden)]
    fn now(&self, command: &C, ctx: &Context) -> Now<Answer<C>> {
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
    ) -> BoxFuture<'a, Answer<C>> {
        let _ = begun;
        self.handle(command, ctx)
    }

    /// How a command is run around which nothing stands.
    #[doc(hidden)]
    fn alone(&self) -> RunAlone<C> {
        |call| call.in_two_boxes()
    }
}

/// What a handler answers.
pub type Answer<C> =
    Result<<C as OneHandlerFor<C>>::Output, CommandError<<C as OneHandlerFor<C>>::Error>>;

/// A function that handles a command and may wait. Written by the handler
/// attributes; its future stands where its call does, without a box.
pub trait AsyncCommandHandler<C: OneHandlerFor<C>>: Send + Sync + 'static {
    /// Runs the command.
    fn run(&self, command: &C, ctx: &Context) -> impl Future<Output = Answer<C>> + Send;
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

/// What may wait.
pub(crate) struct Waiting<H>(pub(crate) H);

impl<C, H> CommandHandler<C> for Waiting<H>
where
    C: Command + OneHandlerFor<C>,
    H: AsyncCommandHandler<C>,
{
    fn handle<'a>(&'a self, command: &'a C, ctx: &'a Context) -> BoxFuture<'a, Answer<C>> {
        Box::pin(self.0.run(command, ctx))
    }

    fn alone(&self) -> RunAlone<C> {
        |call| call.in_one_box::<H>()
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
    C: Command + OneHandlerFor<C>,
    F: Fn(&C, &Context) -> Answer<C> + Send + Sync + 'static,
{
    fn handle<'a>(&'a self, command: &'a C, ctx: &'a Context) -> BoxFuture<'a, Answer<C>> {
        Box::pin(std::future::ready((self.0)(command, ctx)))
    }

    #[inline]
    fn now(&self, command: &C, ctx: &Context) -> Now<Answer<C>> {
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
    pub(crate) fn now(&self, command: &C, ctx: &Context) -> First<Answer<C>> {
        let Self { handler, stack } = self;
        if !self.is_light(ctx) {
            return First::Left(Progress::None);
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
            (Ok(None), Now::Begun(begun)) => {
                return First::Left(Progress::Begun(Begun { since, begun }));
            }
            (Ok(None), Now::NotYet) => return First::Left(Progress::Checked(since)),
            (Err(panic), _) => Err(panicked(stack.target.name, &*panic).into()),
        };
        First::Ended(self.ended(ctx, since, ended))
    }

    /// Checks the fields of a command around which nothing else stands, if
    /// that is not done. What had not begun and still has not needs all that
    /// stands around its handler.
    pub(crate) fn onward(
        &self,
        progress: Progress,
        command: &C,
        ctx: &Context,
    ) -> Result<Progress, CommandError<C::Error>> {
        if !matches!(progress, Progress::None) || !self.is_light(ctx) {
            return Ok(progress);
        }
        let since = self.stack.observer.begin_unlogged(ctx);
        let checked = command.validate().map_err(|error| BusError::Validation(error).into());
        match checked {
            Ok(()) => Ok(Progress::Checked(since)),
            Err(error) => self.ended(ctx, since, Err(error)).map(|_| Progress::None),
        }
    }

    /// Whether nothing but its time and figures stand around the handler of a
    /// call.
    #[inline]
    pub(crate) fn is_light(&self, ctx: &Context) -> bool {
        self.stack.is_light() && !ctx.is_bounded()
    }

    /// The rest of the handler of such a call, in a box.
    pub(crate) fn resume<'a>(
        &'a self,
        progress: Progress,
        command: &'a C,
        ctx: &'a Context,
    ) -> Result<BoxFuture<'a, Answer<C>>, BusError> {
        let Self { handler, stack } = self;
        catch_unwind(AssertUnwindSafe(|| match progress {
            Progress::Begun(Begun { begun, .. }) => handler.resume(begun, command, ctx),
            Progress::None | Progress::Checked(_) => handler.handle(command, ctx),
        }))
        .map_err(|panic| panicked(stack.target.name, &*panic))
    }

    /// How a command is run around which nothing stands.
    pub(crate) fn alone(&self) -> RunAlone<C> {
        self.handler.alone()
    }

    /// The handler, as what it is.
    pub(crate) fn waiting<H: AsyncCommandHandler<C>>(&self) -> Option<&H> {
        let handler: &dyn Any = &*self.handler;
        handler.downcast_ref().map(|Waiting(handler)| handler)
    }

    /// Goes on with the handler of such a call, which was polled once and
    /// waits, for as long as it may take.
    pub(crate) async fn go_on<F>(
        &self,
        ctx: &Context,
        work: CatchPanic<Pin<&mut F>>,
    ) -> Result<Caught<Answer<C>>, BusError>
    where
        F: Future<Output = Answer<C>> + Send + ?Sized,
    {
        let (name, (limit, warn)) = (self.stack.target.name, self.stack.policy.time());
        match limit {
            None => Ok(Polled::new(work).await),
            Some(_) => Box::pin(within(ctx, limit, warn, name, Polled::new(work))).await,
        }
    }

    /// What its handler has given, with a panic as an error.
    #[inline]
    pub(crate) fn given(
        &self,
        ctx: &Context,
        since: Option<Duration>,
        given: Result<Caught<Answer<C>>, BusError>,
    ) -> Answer<C> {
        let given = match given {
            Ok(Ok(given)) => given,
            Ok(Err(panic)) => Err(panicked(self.stack.target.name, &*panic).into()),
            Err(error) => Err(error.into()),
        };
        self.ended(ctx, since, given)
    }

    /// Notes how a call has ended.
    #[inline]
    pub(crate) fn ended(
        &self,
        ctx: &Context,
        since: Option<Duration>,
        ended: Answer<C>,
    ) -> Answer<C> {
        let stack = &self.stack;
        stack.observer.end(&stack.target, ctx, since, ended.as_ref().err().map(ErrorCode::code));
        ended
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
            return First::Left(Progress::None);
        };
        let since = stack.observer.begin_unlogged(ctx);
        if query.validate().is_err() {
            return First::Left(Progress::None);
        }
        match keeping.look(answers, Q::NAME, Q::VERSION, query, ctx) {
            Ok(Ok(answer)) => {
                stack.observer.end(&stack.target, ctx, since, None);
                First::Ended(Ok(answer))
            }
            _ => First::Left(Progress::None),
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

/// What comes of the first look at a call.
pub(crate) enum First<T> {
    Ended(T),
    Left(Progress),
}

/// How far a call has come that has not ended.
pub(crate) enum Progress {
    /// Nothing was done.
    None,
    /// Its message is checked; since when it is measured.
    Checked(Option<Duration>),
    /// Its handler waits for something.
    Begun(Begun),
}

impl Progress {
    /// Since when the call is measured, if it is.
    pub(crate) fn since(&self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::Checked(since) | Self::Begun(Begun { since, .. }) => *since,
        }
    }
}

/// A call that has begun.
pub(crate) struct Begun {
    since: Option<Duration>,
    begun: Box<dyn Any + Send>,
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
