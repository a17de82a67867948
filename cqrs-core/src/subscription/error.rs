//! Why an event handler has failed.

use std::any::Any;
use std::error::Error;
use std::fmt;

use crate::bus::{BusError, DispatchError, QueryError};
use crate::error::{Category, Code, ErrorCode};
use crate::event::DecodeError;
use crate::event_bus::{DeliveryError, PublishError};
use crate::store::{CommitError, ReadError};

/// Why an event handler has failed. Every error converts into it by `?`; it
/// is then taken for a fault that may pass, unless it is one of the
/// framework's, which say more.
pub struct HandlerError {
    code: Code,
    source: Box<dyn Error + Send + Sync>,
}

const MAY_PASS: Code = Code::new("event_handler_failed", Category::Transient);
const FOR_GOOD: Code = Code::new("event_handler_failed", Category::Domain);

impl HandlerError {
    /// It will not get better: the event is parked at once.
    #[must_use]
    pub fn permanent(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { code: FOR_GOOD, source: reason.into() }
    }

    /// It may pass: the event is tried again.
    #[must_use]
    pub fn transient(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { code: MAY_PASS, source: reason.into() }
    }

    /// With a code of its own, whose category says what becomes of the event.
    #[must_use]
    pub fn with_code(code: Code, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { code, source: reason.into() }
    }

    /// The reason itself where it is of a type; otherwise nothing has changed.
    pub(crate) fn downcast<E: Error + 'static>(self) -> Result<E, Self> {
        let Self { code, source } = self;
        source.downcast().map(|reason| *reason).map_err(|source| Self { code, source })
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }
}

impl ErrorCode for HandlerError {
    fn code(&self) -> Code {
        self.code
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        let known = known_code(&error);
        Self { code: known.unwrap_or(MAY_PASS), source: Box::new(error) }
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::error::report(&*self.source))
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerError")
            .field("code", &self.code)
            .field("source", &self.source)
            .finish()
    }
}

/// What an error of the framework says of itself.
fn known_code(error: &dyn Any) -> Option<Code> {
    macro_rules! either {
        ($($known:ty),*) => {
            $(if let Some(error) = error.downcast_ref::<$known>() { return Some(error.code()); })*
        };
    }
    either!(BusError, QueryError, DispatchError, DecodeError, ReadError, CommitError);
    either!(PublishError, DeliveryError);
    None
}
