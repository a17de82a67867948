//! Checks that have to ask somebody: that a name is still free, that an order
//! exists.

use std::sync::Arc;

use crate::bus::{BusError, Call, Context};
use crate::command::{Command, Violations};
use crate::runtime::BoxFuture;

/// A check of a command that may wait; run behind the checks of its fields.
/// What an application checks by its own views and aggregates is written as a
/// function with [`#[guard]`](macro@crate::guard); this is for what comes from
/// elsewhere.
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

/// A function that guards a command.
pub(crate) struct GuardFn<C, F>(F, std::marker::PhantomData<fn(C)>);

impl<C, F> GuardFn<C, F> {
    pub(crate) fn new(function: F) -> Self {
        Self(function, std::marker::PhantomData)
    }
}

impl<C, F> ErasedGuard for GuardFn<C, F>
where
    C: Command,
    F: for<'a> Fn(&'a C, &'a Context) -> BoxFuture<'a, Result<(), BusError>> + Send + Sync,
{
    fn check<'a>(&'a self, call: &'a Call<'a>) -> BoxFuture<'a, Result<(), BusError>> {
        match call.message::<C>() {
            Some(command) => (self.0)(command, call.ctx()),
            None => Box::pin(async { Ok(()) }),
        }
    }
}

/// For derives: what a guard says, as the bus takes it.
///
/// # Errors
///
/// That of the guard.
#[doc(hidden)]
pub fn guarded<E: Refuses>(said: Result<(), E>) -> Result<(), BusError> {
    said.map_err(Into::into)
}

/// What a guard may refuse a command with.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a guard cannot refuse a command with `{Self}`",
    label = "nothing that a caller understands as a refusal",
    note = "use `Violations`, which name the fields, or `BusError`"
)]
pub trait Refuses: Into<BusError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<BusError>> Refuses for E {}
