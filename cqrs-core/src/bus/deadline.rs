//! The end of a call's time, and its caller's wish to stop.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use super::{BusError, CancelToken, Context};
use crate::runtime::{Polled, poll_once};

/// Runs work to its end, unless its time runs out or its caller cancels
/// before: then the work is dropped. A warning is logged when `warn` has
/// passed. What is done at once asks for no clock.
pub(crate) async fn within<T>(
    ctx: &Context,
    limit: Option<Duration>,
    warn: Option<Duration>,
    name: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, BusError> {
    let given = ctx.remaining();
    if given == Some(Duration::ZERO) {
        return Err(out_of_time(ctx, ctx.limit().unwrap_or_default(), Duration::ZERO));
    }
    if ctx.cancel_token().is_some_and(CancelToken::is_cancelled) {
        return Err(BusError::Cancelled);
    }
    let mut work = pin!(work);
    if let Poll::Ready(ended) = poll_once(&mut work).await {
        return Ok(ended);
    }
    let until = match (given, limit) {
        (Some(given), Some(limit)) if limit < given => Some((limit, limit)),
        (Some(given), _) => Some((given, ctx.limit().unwrap_or(given))),
        (None, limit) => limit.map(|limit| (limit, limit)),
    };
    let (mut work, mut stop) = (Polled::new(work), pin!(stop(ctx, until, warn, name)));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(ended) = Pin::new(&mut work).poll(cx) {
            return Poll::Ready(Ok(ended));
        }
        stop.as_mut().poll(cx).map(Err)
    })
    .await
}

/// Ends when the call must stop, with the error for it. `until` is how long
/// it may take from now on, and what its caller calls the limit.
async fn stop(
    ctx: &Context,
    until: Option<(Duration, Duration)>,
    warn: Option<Duration>,
    name: &'static str,
) -> BusError {
    let clock = &ctx.services().clock;
    let since = until.map(|_| clock.monotonic());
    let mut sleep = until.map(|(left, _)| clock.sleep(left));
    let sooner = warn.filter(|warn| until.is_some_and(|(left, _)| *warn < left));
    let mut warning = sooner.map(|warn| clock.sleep(warn));
    let mut cancelled = ctx.cancel_token().map(|token| Box::pin(token.cancelled()));
    std::future::poll_fn(|cx| {
        if let Some(sleep) = &mut sleep
            && sleep.as_mut().poll(cx).is_ready()
        {
            ctx.expire();
            let (_, limit) = until.unwrap_or_default();
            let elapsed = clock.monotonic().saturating_sub(since.unwrap_or_default());
            return Poll::Ready(out_of_time(ctx, limit, elapsed));
        }
        if let Some(due) = &mut warning
            && due.as_mut().poll(cx).is_ready()
        {
            warning = None;
            tracing::warn!(target: "cqrs::call", message_name = name, after = ?sooner, "still running");
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

fn out_of_time(ctx: &Context, limit: Duration, elapsed: Duration) -> BusError {
    in_doubt(ctx, "the time ran out while the commit was under way")
        .unwrap_or(BusError::Timeout { limit, elapsed })
}

fn in_doubt(ctx: &Context, reason: &str) -> Option<BusError> {
    let operation = ctx.in_doubt()?;
    Some(BusError::Unknown { operation, reason: reason.into() })
}

/// The error of a call that something around it has dropped.
#[cfg(feature = "tower")]
pub(crate) fn dropped(ctx: &Context, reason: &str) -> BusError {
    in_doubt(ctx, reason).unwrap_or(BusError::Cancelled)
}
