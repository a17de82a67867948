//! Checks that have to ask somebody: that a name is still free, that an order
//! exists.

use std::sync::Arc;

use crate::bus::{BusError, Call, Context};
use crate::command::{Command, Violations};
use crate::runtime::BoxFuture;

/// A check of a command that may wait; run behind the checks of its fields.
///
/// A guard looks at what is known now. Two commands at once can both pass it:
/// what must never happen twice is a condition of the append.
pub trait Guard<C: Command>: Send + Sync + 'static {
    /// Checks a command.
    ///
    /// # Errors
    ///
    /// [`BusError::Validation`] by [`Violations`], or that it could not be
    /// checked.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the caller goes away or its time is up.
    fn check(
        &self,
        command: &C,
        ctx: &Context,
    ) -> impl Future<Output = Result<(), BusError>> + Send;
}

impl From<Violations> for BusError {
    fn from(violations: Violations) -> Self {
        Self::Validation(violations)
    }
}

/// The guards of one command.
pub(crate) type Guards = Vec<Arc<dyn ErasedGuard>>;

pub(crate) trait ErasedGuard: Send + Sync {
    fn check<'a>(&'a self, call: &'a Call<'a>) -> BoxFuture<'a, Result<(), BusError>>;
}

/// A guard with the command that it was made for.
pub(crate) struct Guarding<C, G>(G, std::marker::PhantomData<fn(C)>);

impl<C: Command, G: Guard<C>> Guarding<C, G> {
    pub(crate) fn new(guard: G) -> Self {
        Self(guard, std::marker::PhantomData)
    }
}

impl<C: Command, G: Guard<C>> ErasedGuard for Guarding<C, G> {
    fn check<'a>(&'a self, call: &'a Call<'a>) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async move {
            match call.message::<C>() {
                Some(command) => self.0.check(command, call.ctx()).await,
                None => Ok(()),
            }
        })
    }
}
