//! Commands that an event handler returns, and that are sent on.

use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::{EventCall, HandlerError};
use crate::bus::CommandError;
use crate::command::{Command, OneHandlerFor};
use crate::error::ErrorCode;
use crate::message::{OperationId, mix};

/// What an event handler may return: nothing, a command, several. They are sent
/// in their order, each with an operation that follows from the event and its
/// place among them: when the event comes again, none takes effect twice.
#[diagnostic::on_unimplemented(
    message = "an event handler cannot return `{Self}`",
    label = "neither `()` nor commands",
    note = "return `Result<(), _>`, a command, or an option, vector or tuple of commands"
)]
pub trait Cascade: Send {
    #[doc(hidden)]
    fn send(self, sender: &mut Sender<'_>)
    -> impl Future<Output = Result<(), HandlerError>> + Send;
}

/// Sends the commands of one event.
#[derive(Debug)]
pub struct Sender<'a>(&'a EventCall);

impl<'a> Sender<'a> {
    pub(super) fn new(call: &'a EventCall) -> Self {
        Self(call)
    }

    /// An operation that is the same whenever the event comes again.
    fn operation(&self) -> OperationId {
        let handler = xxhash_rust::xxh3::xxh3_64(self.0.handler.as_bytes());
        let step = mix(handler ^ self.0.sent.fetch_add(1, Ordering::Relaxed));
        let (high, low) = self.0.event.as_uuid().as_u64_pair();
        let id = Uuid::from_u64_pair(mix(high ^ step), mix(low ^ step.rotate_left(32)));
        OperationId::from_uuid(uuid::Builder::from_custom_bytes(id.into_bytes()).into_uuid())
    }
}

#[diagnostic::do_not_recommend]
impl<C: Command + OneHandlerFor<C>> Cascade for C {
    async fn send(self, sender: &mut Sender<'_>) -> Result<(), HandlerError> {
        let operation = sender.operation();
        match sender.0.bus.execute(self).operation(operation).await {
            Ok(_) => Ok(()),
            Err(CommandError::Bus(error)) => Err(error.into()),
            Err(rejected @ CommandError::Rejected(_)) => {
                Err(HandlerError::with_code(rejected.code(), rejected))
            }
        }
    }
}

impl Cascade for () {
    async fn send(self, _sender: &mut Sender<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl<T: Cascade> Cascade for Option<T> {
    async fn send(self, sender: &mut Sender<'_>) -> Result<(), HandlerError> {
        match self {
            Some(one) => one.send(sender).await,
            None => Ok(()),
        }
    }
}

impl<T: Cascade> Cascade for Vec<T> {
    async fn send(self, sender: &mut Sender<'_>) -> Result<(), HandlerError> {
        for one in self {
            one.send(sender).await?;
        }
        Ok(())
    }
}

macro_rules! tuples {
    ($(($($name:ident),+))*) => {$(
        impl<$($name: Cascade),+> Cascade for ($($name,)+) {
            #[allow(non_snake_case, reason = "a type parameter names its value")]
            async fn send(self, sender: &mut Sender<'_>) -> Result<(), HandlerError> {
                let ($($name,)+) = self;
                $($name.send(sender).await?;)+
                Ok(())
            }
        }
    )*};
}

tuples! { (A) (A, B) (A, B, C) (A, B, C, D) }
