//! The steps of a call: how it is begun, and how what waits goes on.
//!
//! A future that stands in another one is moved before it is polled, and so is
//! all that it will ever hold. So a command with nothing around its handler
//! has a future of its own, which stays small.

use std::borrow::{Borrow, Cow};
use std::task::Poll;

use super::App;
use super::call::{Executed, Left, Receipt, Since};
use crate::bus::{
    BusError, CommandEntry, CommandError, Context, First, Origin, QueryEntry, QueryError,
};
use crate::command::{Command, OneHandlerFor};
use crate::query::Query;
use crate::runtime::BoxFuture;

/// What comes of a command.
type Outcome<C> =
    Result<Executed<<C as OneHandlerFor<C>>::Output>, CommandError<<C as OneHandlerFor<C>>::Error>>;

/// Begins a command; it may end with that.
#[inline]
pub(super) fn begin<C: Command + OneHandlerFor<C>>(
    entry: &CommandEntry<C>,
    app: &App,
    command: &C,
    origin: Origin,
    left: &mut Option<Left>,
) -> Poll<Outcome<C>> {
    let ctx = match app.open(C::NAME, origin) {
        Ok(ctx) => ctx,
        Err(error) => return Poll::Ready(Err(error.into())),
    };
    if ctx.shown_within().is_some() || app.inner().feed.is_awaited() {
        *left = Some((ctx, Err(None)));
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
        First::Begun(begun) => {
            *left = Some((ctx, Ok(begun)));
            Poll::Pending
        }
        First::NotYet(since) => {
            *left = Some((ctx, Err(since)));
            Poll::Pending
        }
    }
}

/// The rest of a command, to what its caller is given of it.
pub(super) fn rest<'a, C, M, T>(
    app: Cow<'a, App>,
    command: M,
    ctx: Context,
    begun: Since,
    give: fn(Outcome<C>) -> T,
) -> BoxFuture<'a, T>
where
    C: Command + OneHandlerFor<C>,
    M: Borrow<C> + Send + 'a,
    T: 'a,
{
    let entry = app.inner().handlers.command::<C>();
    if begun.is_ok() || entry.is_some_and(|entry| entry.is_light(&ctx)) {
        Box::pin(light(app, command, ctx, begun, give))
    } else {
        Box::pin(full(app, command, ctx, give))
    }
}

/// That of a command around which nothing but its time and figures stand.
async fn light<C: Command + OneHandlerFor<C>, M: Borrow<C>, T>(
    app: Cow<'_, App>,
    command: M,
    ctx: Context,
    begun: Since,
    give: fn(Outcome<C>) -> T,
) -> T {
    let Some(entry) = app.inner().handlers.command::<C>() else {
        return give(Err(unhandled(C::NAME).into()));
    };
    let _running = app.inner().in_flight.enter();
    let ended = match entry.resume(begun, command.borrow(), &ctx) {
        Ok((since, rest)) => entry.wait(&ctx, since, rest).await,
        Err(error) => Err(error.into()),
    };
    give(end(&app, ctx, ended).await)
}

/// That of any other one.
async fn full<C: Command + OneHandlerFor<C>, M: Borrow<C>, T>(
    app: Cow<'_, App>,
    command: M,
    ctx: Context,
    give: fn(Outcome<C>) -> T,
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
    let executed = Executed { value: ended?, receipt: Receipt { commits: ctx.take_commits() } };
    if ctx.shown_within().is_some() || app.inner().feed.is_awaited() {
        return Box::pin(shown(app, &ctx, executed)).await;
    }
    ctx.leave();
    Ok(executed)
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
    let first = if ctx.after().is_some() { First::NotYet(None) } else { entry.now(query, &ctx) };
    match first {
        First::Ended(ended) => {
            ctx.leave();
            Poll::Ready(ended)
        }
        First::Begun(_) | First::NotYet(_) => {
            *left = Some((ctx, Err(None)));
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
