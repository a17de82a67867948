//! The handler at the end of a call, run as often as somebody asks for it; its
//! answer is kept with its type while the outcome goes back without.

use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use super::dispatch::panicked;
use super::{
    Attempt, Bounded, BusError, Call, CatchPanic, CommandError, Done, Failure, Outcome, QueryError,
    Rejected, Started,
};
use crate::error::ErrorCode;
use crate::policy::Answers;
use crate::runtime::BoxFuture;

/// A handler with its message, and what it has answered.
pub(super) struct Typed<'a, T, E, F> {
    name: &'static str,
    start: F,
    ended: Option<Result<T, E>>,
    /// The run that has begun.
    run: Option<CatchPanic<BoxFuture<'a, Result<T, E>>>>,
}

impl<'a, T, E, F> Typed<'a, T, E, F> {
    pub(super) fn new(name: &'static str, start: F) -> Self {
        Self { name, start, ended: None, run: None }
    }
}

/// An error of a typed call.
pub(crate) trait Ending: From<BusError> + ErrorCode {
    /// Parts what the handler itself has said from everything else.
    fn part(self) -> Result<(Rejected, Self), BusError>;
}

impl<E: std::error::Error> Ending for CommandError<E> {
    fn part(self) -> Result<(Rejected, Self), BusError> {
        match self {
            Self::Bus(error) => Err(error),
            Self::Rejected(ref said) => {
                let text = said.to_string();
                Ok((Rejected { text, code: self.code(), retryable: false }, self))
            }
        }
    }
}

impl Ending for QueryError {
    fn part(self) -> Result<(Rejected, Self), BusError> {
        match self {
            Self::Bus(error) => Err(error),
            Self::Failed(ref reason) => {
                let text = reason.to_string();
                Ok((Rejected { text, code: self.code(), retryable: false }, self))
            }
        }
    }
}

impl<'a, T, E, F> Attempt for Typed<'a, T, E, F>
where
    T: Send + 'static,
    E: Ending + Send + 'static,
    F: FnMut() -> Started<'a, Result<T, E>> + Send + 'a,
{
    fn begin(&mut self) -> Option<Outcome> {
        let started = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut self.start));
        match started {
            Ok(Started::Ended(ended)) => Some(keep(&mut self.ended, ended)),
            Err(panic) => Some(Err(panicked(self.name, &*panic).into())),
            Ok(Started::Waits(rest)) => {
                self.run = Some(CatchPanic(rest));
                None
            }
        }
    }

    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Outcome> {
        let Some(run) = &mut self.run else { return Poll::Pending };
        let Poll::Ready(ended) = Pin::new(run).poll(cx) else { return Poll::Pending };
        self.run = None;
        Poll::Ready(match ended {
            Ok(ended) => keep(&mut self.ended, ended),
            Err(panic) => Err(panicked(self.name, &*panic).into()),
        })
    }

    fn stop(&mut self) {
        self.run = None;
    }

    fn cached<'s>(
        &'s mut self,
        _call: &'s Call<'s>,
        _answers: &'s Answers,
        _ttl: Option<Duration>,
        bounded: Bounded<'s>,
    ) -> Started<'s, Outcome> {
        Started::Waits(bounded.run(self))
    }
}

impl<T, E, F> Typed<'_, T, E, F> {
    /// Answers in the place of the handler.
    pub(super) fn give(&mut self, answer: T) {
        self.ended = Some(Ok(answer));
    }

    /// What the handler has answered.
    pub(super) fn take(&mut self) -> Option<T> {
        self.ended.take().and_then(Result::ok)
    }
}

impl<T: 'static, E: Ending, F> Typed<'_, T, E, F> {
    /// The typed form of how the call has ended.
    pub(super) fn end(self, outcome: Outcome, mut call: Call<'_>) -> Result<T, E> {
        match outcome {
            Err(Failure::Bus(error)) => Err(error.into()),
            Err(Failure::Rejected(_)) => {
                let said = self.ended.and_then(Result::err);
                Err(said.unwrap_or_else(|| foreign().into()))
            }
            Ok(Done { .. }) => {
                let given = call.take_answer().or_else(|| self.ended.and_then(Result::ok));
                given.ok_or_else(|| foreign().into())
            }
        }
    }
}

/// A middleware has given an outcome that is not that of the last run.
fn foreign() -> BusError {
    let reason = "it gave the outcome of another run than the last one of this call";
    BusError::Refused { by: "a middleware".into(), reason: reason.into() }
}

fn keep<T, E: Ending>(kept: &mut Option<Result<T, E>>, ended: Result<T, E>) -> Outcome {
    match ended {
        Ok(value) => {
            *kept = Some(Ok(value));
            Ok(Done::new())
        }
        Err(error) => match error.part() {
            Err(error) => Err(Failure::Bus(error)),
            Ok((rejected, error)) => {
                *kept = Some(Err(error));
                Err(Failure::Rejected(rejected))
            }
        },
    }
}
