//! The first poll of a future, apart from all others.
//!
//! What ends at once needs nothing around it: no clock, no box. So a future is
//! polled before anything is made for it. If it waits then, its task must not
//! poll it again before it has given way: a future may count on that, such as
//! one that lets others run for a moment.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Polls a future once. What waits is gone on with as [`Polled`].
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}

/// A future that its task has polled in this round, and that waits.
pub(crate) struct Polled<F> {
    future: F,
    /// The round has not ended.
    now: bool,
}

impl<F> Polled<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future, now: true }
    }
}

impl<F: Future + Unpin> Future for Polled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if std::mem::take(&mut self.now) {
            return Poll::Pending;
        }
        Pin::new(&mut self.future).poll(cx)
    }
}
