//! A call as middleware and policies see it: which message, for which
//! handler, in which context.

use std::any::{Any, type_name};
use std::fmt;
use std::sync::Mutex;

use serde::Serialize;

use super::{BusError, Context, Done};
use crate::command::{Validate, Violations};
use crate::message::CodecError;

/// What a handler handles and where it stands; fixed when the application is
/// built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Target {
    /// Command, query or event.
    pub kind: MessageKind,
    /// The wire name of the message; of an event handler, its own name.
    pub name: &'static str,
    /// The Rust item of the handler, for people.
    pub handler: &'static str,
    /// The Rust module of the handler.
    pub module_path: &'static str,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageKind {
    /// A command, on its way to its one handler.
    Command,
    /// A query, on its way to its one handler.
    Query,
    /// A stored event, on its way to an event handler.
    Event,
}

impl MessageKind {
    /// `command`, `query` or `event`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Query => "query",
            Self::Event => "event",
        }
    }
}

/// One call, borrowed for as long as it runs.
pub struct Call<'a> {
    target: &'a Target,
    ctx: &'a Context,
    message: &'a dyn AnyMessage,
    answers: Answers,
    answer: Mutex<Option<Box<dyn Any + Send>>>,
}

/// The type of a call's answer, and its name.
#[derive(Clone, Copy)]
struct Answers {
    is: fn(&dyn Any) -> bool,
    name: fn() -> &'static str,
}

/// A message of any type.
pub(crate) trait AnyMessage: Sync {
    fn as_any(&self) -> &dyn Any;
    fn validate(&self) -> Result<(), Violations>;
    fn to_json(&self) -> Result<String, CodecError>;
}

impl<M: Validate + Serialize + Sync + 'static> AnyMessage for M {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn validate(&self) -> Result<(), Violations> {
        Validate::validate(self)
    }

    fn to_json(&self) -> Result<String, CodecError> {
        serde_json::to_string(self).map_err(CodecError::new)
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new<T: 'static>(
        target: &'a Target,
        message: &'a dyn AnyMessage,
        ctx: &'a Context,
    ) -> Self {
        let answers = Answers { is: |answer| answer.is::<T>(), name: type_name::<T> };
        Self { target, ctx, message, answers, answer: Mutex::new(None) }
    }

    /// What is handled, and by what.
    #[must_use]
    pub fn target(&self) -> &'a Target {
        self.target
    }

    /// The wire name of the message; for an event, the name of its handler.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.target.name
    }

    /// Who calls, until when, with what.
    #[must_use]
    pub fn ctx(&self) -> &'a Context {
        self.ctx
    }

    /// The message, if it is of that type. For an event handler that is
    /// [`RecordedEvent`](crate::store::RecordedEvent).
    #[must_use]
    pub fn message<M: 'static>(&self) -> Option<&'a M> {
        self.message.as_any().downcast_ref()
    }

    /// The message as JSON.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when its serialisation fails.
    pub fn message_json(&self) -> Result<String, CodecError> {
        self.message.to_json()
    }

    /// Answers in the place of the handler.
    ///
    /// # Errors
    ///
    /// [`BusError::Answer`] if the caller does not expect that type.
    pub fn answer<T: Send + 'static>(&self, answer: T) -> Result<Done, BusError> {
        if !(self.answers.is)(&answer) {
            return Err(BusError::Answer {
                name: self.target.name,
                expected: (self.answers.name)(),
                received: type_name::<T>(),
            });
        }
        *self.answer.lock().expect("nothing panics under the lock") = Some(Box::new(answer));
        Ok(Done::new())
    }

    /// What was answered in the place of the handler.
    pub(crate) fn take_answer<T: 'static>(&mut self) -> Option<T> {
        self.answer.get_mut().expect("nothing panics under the lock").take().and_then(unboxed)
    }

    /// The same while the call goes on.
    pub(crate) fn answer_so_far<T: 'static>(&self) -> Option<T> {
        self.answer.lock().expect("nothing panics under the lock").take().and_then(unboxed)
    }

    pub(crate) fn validate(&self) -> Result<(), Violations> {
        self.message.validate()
    }
}

fn unboxed<T: 'static>(answer: Box<dyn Any + Send>) -> Option<T> {
    answer.downcast().ok().map(|answer| *answer)
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("target", self.target).finish_non_exhaustive()
    }
}
