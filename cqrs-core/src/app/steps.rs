//! The steps of a call: how it is begun, and how what waits goes on.
//!
//! A future that stands in another one is moved before it is polled, and so is
//! all that it will ever hold. So a command with nothing around its handler
//! has a future of its own, which stays small.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::task::Poll;

use super::App;
use super::call::{Executed, Left, Receipt};
use crate::bus::{
    AsyncCommandHandler, BusError, CatchPanic, CommandEntry, CommandError, Context, First, Origin,
    Progress, QueryEntry, QueryError,
};
use crate::command::{Command, OneHandlerFor};
use crate::query::Query;
use crate::runtime::{BoxFuture, poll_once};
use crate::store::Few;

/// What comes of a command.
pub type ExecutedAs<C> =
    Result<Executed<<C as OneHandlerFor<C>>::Output>, CommandError<<C as OneHandlerFor<C>>::Error>>;

/// Begins a command; it may end with that.
#[inline]
pub(super) fn begin<C: Command + OneHandlerFor<C>>(
    entry: &CommandEntry<C>,
    app: &App,
    command: &C,
    origin: Origin,
    left: &mut Option<Left>,
) -> Poll<ExecutedAs<C>> {
    let ctx = match app.open(C::NAME, origin) {
        Ok(ctx) => ctx,
        Err(error) => return Poll::Ready(Err(error.into())),
    };
    if must_be_shown(app, &ctx) {
        *left = Some((ctx, Progress::None));
        return Poll::Pending;
    }
    match entry.now(command, &ctx) {
        First::Ended(Ok(value)) if ctx.is_untouched() => {
            ctx.leave();
            Poll::Ready(Ok(Executed { value, receipt: Receipt::default() }))
        }
        First::Ended(Ok(value)) => {
            let receipt = Receipt { commits: ctx.take_commits() };
            ctx.leave();
            Poll::Ready(Ok(Executed { value, receipt }))
        }
        First::Ended(Err(error)) => {
            ctx.leave();
            Poll::Ready(Err(error))
        }
        First::Left(progress) => {
            *left = Some((ctx, progress));
            Poll::Pending
        }
    }
}

/// The rest of a command.
pub(super) fn rest<'a, C: Command + OneHandlerFor<C>>(
    app: Cow<'a, App>,
    command: C,
    ctx: Context,
    progress: Progress,
) -> BoxFuture<'a, ExecutedAs<C>> {
    let Some(entry) = app.inner().handlers.command::<C>() else {
        return Box::pin(std::future::ready(Err(unhandled(C::NAME).into())));
    };
    match entry.onward(progress, &command, &ctx) {
        Err(refused) => Box::pin(std::future::ready(Err(refused))),
        Ok(Progress::None) => Box::pin(full(app, command, ctx, |ended| ended)),
        Ok(progress) => {
            let run = entry.alone();
            run(Alone { app, command, ctx, progress })
        }
    }
}

/// The same of a command that its caller keeps, to what that is given.
pub(super) fn rest_of<'a, C: Command + OneHandlerFor<C>, T: 'a>(
    app: Cow<'a, App>,
    command: &'a C,
    ctx: Context,
    progress: Progress,
    give: fn(ExecutedAs<C>) -> T,
) -> BoxFuture<'a, T> {
    let Some(entry) = app.inner().handlers.command::<C>() else {
        return Box::pin(async move { give(Err(unhandled(C::NAME).into())) });
    };
    match entry.onward(progress, command, &ctx) {
        Err(refused) => Box::pin(async move { give(Err(refused)) }),
        Ok(Progress::None) => Box::pin(full::<C, _, _>(app, command, ctx, give)),
        Ok(progress) => Box::pin(light::<C, _, _>(app, command, ctx, progress, give)),
    }
}

/// A command around whose handler nothing but its time and figures stand, on
/// its way to it.
pub struct Alone<'a, C> {
    app: Cow<'a, App>,
    command: C,
    ctx: Context,
    progress: Progress,
}

/// How such a command is run.
pub type RunAlone<C> = for<'a> fn(Alone<'a, C>) -> BoxFuture<'a, ExecutedAs<C>>;

impl<'a, C: Command + OneHandlerFor<C>> Alone<'a, C> {
    /// With a box of its own for the future of the handler.
    pub(crate) fn in_two_boxes(self) -> BoxFuture<'a, ExecutedAs<C>> {
        let Self { app, command, ctx, progress } = self;
        Box::pin(light(app, command, ctx, progress, |ended| ended))
    }

    /// With the future of the handler within its own.
    pub(crate) fn in_one_box<H: AsyncCommandHandler<C>>(self) -> BoxFuture<'a, ExecutedAs<C>> {
        let Self { app, command, ctx, progress } = self;
        Box::pin(async move {
            let found = app.inner().handlers.command::<C>();
            let Some((entry, handler)) =
                found.and_then(|entry| Some((entry, entry.waiting::<H>()?)))
            else {
                return Err(unhandled(C::NAME).into());
            };
            let _running = app.inner().in_flight.enter();
            let since = progress.since();
            let ended = {
                let mut work = CatchPanic(std::pin::pin!(handler.run(&command, &ctx)));
                let given = match poll_once(&mut work).await {
                    Poll::Ready(given) => Ok(given),
                    Poll::Pending => entry.go_on(&ctx, work).await,
                };
                entry.given(&ctx, since, given)
            };
            match executed(&ctx, ended) {
                Ok(executed) if must_be_shown(&app, &ctx) => {
                    Box::pin(shown(&app, &ctx, executed)).await
                }
                executed => {
                    ctx.leave();
                    executed
                }
            }
        })
    }
}

impl<C> fmt::Debug for Alone<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alone")
    }
}

/// A command around which nothing but its time and figures stand.
async fn light<C: Command + OneHandlerFor<C>, M: Borrow<C>, T>(
    app: Cow<'_, App>,
    command: M,
    ctx: Context,
    progress: Progress,
    give: fn(ExecutedAs<C>) -> T,
) -> T {
    let Some(entry) = app.inner().handlers.command::<C>() else {
        return give(Err(unhandled(C::NAME).into()));
    };
    let _running = app.inner().in_flight.enter();
    let since = progress.since();
    let given = match entry.resume(progress, command.borrow(), &ctx) {
        Ok(mut rest) => {
            let mut work = CatchPanic(rest.as_mut());
            match poll_once(&mut work).await {
                Poll::Ready(given) => Ok(given),
                Poll::Pending => entry.go_on(&ctx, work).await,
            }
        }
        Err(error) => Err(error),
    };
    let ended = entry.given(&ctx, since, given);
    give(end(&app, ctx, ended).await)
}

/// Any other one.
async fn full<C: Command + OneHandlerFor<C>, M: Borrow<C>, T>(
    app: Cow<'_, App>,
    command: M,
    ctx: Context,
    give: fn(ExecutedAs<C>) -> T,
) -> T {
    let Some(entry) = app.inner().handlers.command::<C>() else {
        return give(Err(unhandled(C::NAME).into()));
    };
    let _running = app.inner().in_flight.enter();
    let ended = entry.through(command.borrow(), &ctx).await;
    give(end(&app, ctx, ended).await)
}

/// What comes of a command that has ended, once its caller can see it.
async fn end<V, E>(
    app: &App,
    ctx: Context,
    ended: Result<V, CommandError<E>>,
) -> Result<Executed<V>, CommandError<E>> {
    match executed(&ctx, ended) {
        Ok(executed) if must_be_shown(app, &ctx) => Box::pin(shown(app, &ctx, executed)).await,
        executed => {
            ctx.leave();
            executed
        }
    }
}

/// What comes of a command, with what it has stored.
#[inline]
fn executed<V, E>(ctx: &Context, ended: Result<V, E>) -> Result<Executed<V>, E> {
    let value = ended?;
    let commits = if ctx.is_untouched() { Few::new() } else { ctx.take_commits() };
    Ok(Executed { value, receipt: Receipt { commits } })
}

/// Whether somebody wants to see what comes of a command before it is over.
#[inline]
fn must_be_shown(app: &App, ctx: &Context) -> bool {
    ctx.shown_within().is_some() || app.inner().feed.is_awaited()
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

/// Answers a query by what is kept, or leaves it to be asked.
#[inline]
pub(super) fn look<Q: Query>(
    entry: &QueryEntry<Q>,
    app: &App,
    query: &Q,
    origin: Origin,
    left: &mut Option<Left>,
) -> Poll<Result<Q::Output, QueryError>> {
    let ctx = match app.open(Q::NAME, origin) {
        Ok(ctx) => ctx,
        Err(error) => return Poll::Ready(Err(error.into())),
    };
    let waits = ctx.after().is_some();
    let first = if waits { First::Left(Progress::None) } else { entry.now(query, &ctx) };
    match first {
        First::Ended(ended) => {
            ctx.leave();
            Poll::Ready(ended)
        }
        First::Left(progress) => {
            *left = Some((ctx, progress));
            Poll::Pending
        }
    }
}

/// The rest of a query, to its end.
pub(super) async fn answer<Q: Query>(
    entry: &QueryEntry<Q>,
    app: &App,
    query: &Q,
    ctx: Context,
) -> Result<Q::Output, QueryError> {
    let _running = app.inner().in_flight.enter();
    if let Some((token, limit)) = ctx.after() {
        let reached = app.wait_for(token, *limit).await;
        reached.map_err(|source| BusError::Behind { source: Box::new(source) })?;
    }
    let answer = entry.through(query, &ctx).await;
    ctx.leave();
    answer
}

#[cold]
pub(super) fn unhandled(name: &str) -> BusError {
    BusError::HandlerNotFound { name: name.to_owned() }
}
