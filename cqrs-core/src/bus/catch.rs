//! A panic in a handler becomes a value.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::runtime::BoxFuture;

/// A call that was begun.
pub enum Started<'a, T> {
    /// It has ended, without anything to wait for.
    Ended(T),
    /// Its rest.
    Waits(BoxFuture<'a, T>),
}

impl<T> std::fmt::Debug for Started<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ended(_) => "Ended",
            Self::Waits(_) => "Waits",
        })
    }
}

/// How far a call has come without waiting.
pub enum Now<T> {
    /// To its end.
    Ended(T),
    /// It has begun; this is what its rest needs.
    Begun(Box<dyn Any + Send>),
    /// It has not begun: it needs a future from its beginning on.
    NotYet,
}

impl<T> std::fmt::Debug for Now<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ended(_) => "Ended",
            Self::Begun(_) => "Begun",
            Self::NotYet => "NotYet",
        })
    }
}

/// What something has given, or the payload of its panic.
pub(crate) type Caught<T> = Result<T, Box<dyn Any + Send>>;

/// Polls a future and ends with the panic's payload when it panics.
pub(crate) struct CatchPanic<F>(pub(crate) F);

impl<F: Future + Unpin> Future for CatchPanic<F> {
    type Output = Caught<F::Output>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
