//! What stands around handlers.
//!
//! A middleware sees every call of its scope before and after the handler:
//! the first that was declared is the outermost. It goes on by
//! [`Next::run`], as often as it likes, or ends the call by an error or an
//! answer of its own. Success can only be shown by [`Done`], which the handler
//! or [`Call::answer`] gives: a middleware that forgets to go on does not
//! compile.
//!
//! ```
//! use cqrs_core::bus::{Call, Failure, Middleware, Next, Outcome};
//!
//! /// Lets nobody in at night.
//! struct OpeningHours;
//!
//! impl Middleware for OpeningHours {
//!     async fn call(&self, call: &Call<'_>, mut next: Next<'_>) -> Outcome {
//!         if call.ctx().metadata().timestamp.as_micros() % 86_400_000_000 < 6 * 3_600_000_000 {
//!             return Err(Failure::refused("opening_hours", "come back after six"));
//!         }
//!         next.run().await
//!     }
//! }
//! ```
//!
//! The built-in policies are no middleware: they run inside of it, in one fixed
//! order (see [`policy`](crate::policy)).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use super::{BusError, Call, MessageKind, Started, Target};
use crate::command::Command;
use crate::error::{Category, Code, ErrorCode};
use crate::policy::{Answers, Policy};
use crate::query::Query;
use crate::runtime::BoxFuture;

/// How a call has ended, without the types of its answer.
pub type Outcome = Result<Done, Failure>;

/// The proof that a handler has run, or that somebody has answered for it.
#[derive(Debug)]
#[must_use = "return it: it says that the call has succeeded"]
pub struct Done(());

impl Done {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

/// Why a call has ended without success.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The handler's own answer; the caller gets it with its type.
    #[error(transparent)]
    Rejected(Rejected),
    /// Everything else.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl Failure {
    /// A refusal by a middleware, which names itself and the reason.
    pub fn refused(by: impl Into<Box<str>>, reason: impl Into<Box<str>>) -> Self {
        Self::Bus(BusError::Refused { by: by.into(), reason: reason.into() })
    }

    /// Whose affair it is.
    #[must_use]
    pub fn category(&self) -> Category {
        self.code().category()
    }

    /// Whether the same call may succeed when it is made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Rejected(rejected) => rejected.retryable,
            Self::Bus(error) => error.is_retryable(),
        }
    }
}

impl ErrorCode for Failure {
    fn code(&self) -> Code {
        match self {
            Self::Rejected(rejected) => rejected.code,
            Self::Bus(error) => error.code(),
        }
    }
}

/// A handler's own error, as text: the typed one waits for the caller.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Rejected {
    pub(crate) text: String,
    pub(crate) code: Code,
    pub(crate) retryable: bool,
}

/// Something around handlers.
pub trait Middleware: Send + Sync + 'static {
    /// Handles a call, by going on to what is next.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the caller goes away or its time is up.
    fn call<'a>(
        &'a self,
        call: &'a Call<'a>,
        next: Next<'a>,
    ) -> impl Future<Output = Outcome> + Send + 'a;
}

/// What comes behind a middleware.
pub struct Next<'a> {
    call: &'a Call<'a>,
    layers: &'a [Arc<dyn Layer>],
    policy: &'a Policy,
    attempt: &'a mut dyn Attempt,
}

impl<'a> Next<'a> {
    pub(crate) fn new(
        call: &'a Call<'a>,
        layers: &'a [Arc<dyn Layer>],
        policy: &'a Policy,
        attempt: &'a mut dyn Attempt,
    ) -> Self {
        Self { call, layers, policy, attempt }
    }

    /// The call that is under way.
    #[must_use]
    pub fn call(&self) -> &'a Call<'a> {
        self.call
    }

    /// Goes on: to the next middleware, the policies, the handler. Called
    /// again, all of that runs again.
    ///
    /// # Errors
    ///
    /// Whatever they end with.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call as far as it has come; a unit that
    /// was handed to the store still commits or not as a whole.
    pub async fn run(&mut self) -> Outcome {
        let Self { call, layers, policy, attempt } = self;
        let (call, policy, attempt) = (*call, *policy, &mut **attempt);
        match layers.split_first() {
            Some((first, layers)) => first.call(call, Next { call, layers, policy, attempt }).await,
            None => policy.run(call, attempt).await,
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("layers", &self.layers.len()).finish_non_exhaustive()
    }
}

/// What can be run, and run again. It holds its run itself, so that a run takes
/// no box of its own; see [`Run`].
pub(crate) trait Attempt: Send {
    /// Begins a run; gives its outcome if it has ended with that.
    fn begin(&mut self) -> Option<Outcome>;

    /// Goes on with the run that has begun.
    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Outcome>;

    /// Drops the run that has begun.
    fn stop(&mut self);

    /// Answers as before, or runs the handler within its bounds.
    fn cached<'s>(
        &'s mut self,
        call: &'s Call<'s>,
        answers: &'s Answers,
        ttl: Option<Duration>,
        bounded: Bounded<'s>,
    ) -> Started<'s, Outcome>;
}

/// An attempt while it is run. Dropping this drops the run that has begun.
pub(crate) struct Run<'a>(&'a mut dyn Attempt);

impl<'a> Run<'a> {
    pub(crate) fn new(attempt: &'a mut dyn Attempt) -> Self {
        Self(attempt)
    }

    /// Begins a run; its rest is to be awaited unless it ends with that.
    pub(crate) fn begin(&mut self) -> Option<Outcome> {
        self.0.begin()
    }
}

impl Future for Run<'_> {
    type Output = Outcome;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Outcome> {
        self.0.poll(cx)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Runs an attempt within the bounds of its policy.
pub(crate) trait Bounds: Sync {
    fn run<'x>(&'x self, attempt: &'x mut dyn Attempt) -> BoxFuture<'x, Outcome>;
}

pub(crate) type Bounded<'s> = &'s dyn Bounds;

/// A middleware behind a pointer.
pub(crate) trait Layer: Send + Sync {
    fn call<'a>(&'a self, call: &'a Call<'a>, next: Next<'a>) -> BoxFuture<'a, Outcome>;
}

impl<M: Middleware> Layer for M {
    fn call<'a>(&'a self, call: &'a Call<'a>, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(Middleware::call(self, call, next))
    }
}

/// A middleware from a function that boxes its future:
/// `from_fn(|call, mut next| Box::pin(async move { next.run().await }))`.
pub fn from_fn<F>(function: F) -> FromFn<F>
where
    F: for<'a> Fn(&'a Call<'a>, Next<'a>) -> BoxFuture<'a, Outcome> + Send + Sync + 'static,
{
    FromFn(function)
}

/// See [`from_fn`].
pub struct FromFn<F>(F);

impl<F> Middleware for FromFn<F>
where
    F: for<'a> Fn(&'a Call<'a>, Next<'a>) -> BoxFuture<'a, Outcome> + Send + Sync + 'static,
{
    fn call<'a>(
        &'a self,
        call: &'a Call<'a>,
        next: Next<'a>,
    ) -> impl Future<Output = Outcome> + Send + 'a {
        (self.0)(call, next)
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFn")
    }
}

/// Which handlers a middleware stands around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// All of them.
    All,
    /// Those of one kind of message: one bus.
    Kind(MessageKind),
    /// That of one message, or one event handler, by its name.
    Named(&'static str),
    /// Those in a Rust module and below it.
    Module(&'static str),
}

impl Scope {
    /// All handlers of commands.
    pub const COMMANDS: Self = Self::Kind(MessageKind::Command);
    /// All handlers of queries.
    pub const QUERIES: Self = Self::Kind(MessageKind::Query);
    /// All event handlers and projections.
    pub const EVENTS: Self = Self::Kind(MessageKind::Event);

    /// The handler of one command.
    #[must_use]
    pub fn command<C: Command>() -> Self {
        Self::Named(C::NAME)
    }

    /// The handler of one query.
    #[must_use]
    pub fn query<Q: Query>() -> Self {
        Self::Named(Q::NAME)
    }

    /// Whether a handler is within it.
    #[must_use]
    pub fn contains(self, target: &Target) -> bool {
        match self {
            Self::All => true,
            Self::Kind(kind) => target.kind == kind,
            Self::Named(name) => target.name == name,
            Self::Module(path) => {
                let rest = target.module_path.strip_prefix(path);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            }
        }
    }
}

/// The middleware of an application, in the order of its declaration.
#[derive(Clone, Default)]
pub(crate) struct Middlewares(Vec<Factory>);

type Factory = Arc<dyn Fn(&Target) -> Option<Arc<dyn Layer>> + Send + Sync>;

impl Middlewares {
    pub(crate) fn add(&mut self, scope: Scope, middleware: impl Middleware) {
        let layer: Arc<dyn Layer> = Arc::new(middleware);
        let made = move |target: &Target| scope.contains(target).then(|| Arc::clone(&layer));
        self.0.push(Arc::new(made));
    }

    pub(crate) fn add_factory<M: Middleware>(
        &mut self,
        factory: impl Fn(&Target) -> Option<M> + Send + Sync + 'static,
    ) {
        let made = move |target: &Target| {
            factory(target).map(|middleware| Arc::new(middleware) as Arc<dyn Layer>)
        };
        self.0.push(Arc::new(made));
    }

    /// Those around one handler, the outermost first.
    pub(crate) fn around(&self, target: &Target) -> Vec<Arc<dyn Layer>> {
        self.0.iter().filter_map(|factory| factory(target)).collect()
    }
}
