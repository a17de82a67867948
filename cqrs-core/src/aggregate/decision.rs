//! What a decision gives: no event, one, or several, with or without an
//! answer, each without ceremony.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Aggregate;
use crate::event::Event;
use crate::message::Metadata;
use crate::registry::Registration;
use crate::store::Few;

/// Events in order, and the answer to the caller.
#[derive(Debug)]
pub struct Decision<E, V = ()> {
    pub(crate) events: Few<E>,
    pub(crate) value: V,
}

impl<E, V> Decision<E, V> {
    /// The events, oldest first.
    #[must_use]
    pub fn events(&self) -> &[E] {
        &self.events
    }

    /// The answer.
    #[must_use]
    pub fn value(&self) -> &V {
        &self.value
    }

    /// The events and the answer.
    #[must_use]
    pub fn into_parts(self) -> (Vec<E>, V) {
        (self.events.into_vec(), self.value)
    }
}

/// What a decision may give as its events: an event, an `Option`, a `Vec` or
/// an array of them, `()`, or any of these with an answer by [`returning`].
#[diagnostic::on_unimplemented(
    message = "a decision of this aggregate cannot give `{Self}`",
    label = "give `{E}`, an `Option`, a `Vec` or an array of it, or `()`",
    note = "to answer with a value too, give `returning(events, value)`"
)]
pub trait IntoEvents<E> {
    /// The answer to the caller.
    type Value;

    /// The decision.
    fn into_events(self) -> Decision<E, Self::Value>;
}

/// Events with an answer; see [`returning`].
#[derive(Debug)]
pub struct Returning<T, V> {
    events: T,
    value: V,
}

/// Gives events and answers with a value.
///
/// ```
/// use cqrs_core::aggregate::{IntoEvents, returning};
/// # use cqrs_core::prelude::*;
/// # #[derive(Event)] enum Paid { Full { cents: i64 } }
/// let decision = IntoEvents::<Paid>::into_events(returning(Paid::Full { cents: 5 }, "thanks"));
/// assert_eq!(*decision.value(), "thanks");
/// ```
pub fn returning<T, V>(events: T, value: V) -> Returning<T, V> {
    Returning { events, value }
}

fn plain<E>(events: Few<E>) -> Decision<E> {
    Decision { events, value: () }
}

impl<E: Event> IntoEvents<E> for E {
    type Value = ();

    fn into_events(self) -> Decision<E> {
        plain(Few::One(self))
    }
}

impl<E: Event> IntoEvents<E> for () {
    type Value = ();

    fn into_events(self) -> Decision<E> {
        plain(Few::new())
    }
}

impl<E: Event> IntoEvents<E> for Option<E> {
    type Value = ();

    fn into_events(self) -> Decision<E> {
        plain(self.map_or_else(Few::new, Few::One))
    }
}

impl<E: Event> IntoEvents<E> for Vec<E> {
    type Value = ();

    fn into_events(self) -> Decision<E> {
        plain(self.into())
    }
}

impl<E: Event, const N: usize> IntoEvents<E> for [E; N] {
    type Value = ();

    fn into_events(self) -> Decision<E> {
        plain(Vec::from(self).into())
    }
}

impl<E, T: IntoEvents<E, Value = ()>, V> IntoEvents<E> for Returning<T, V> {
    type Value = V;

    fn into_events(self) -> Decision<E, V> {
        Decision { events: self.events.into_events().events, value: self.value }
    }
}

/// What a decision method may return: a `Result` whose error converts into
/// the aggregate's. A method that never rejects may return the events alone;
/// `#[command_handlers]` then wraps them.
#[diagnostic::on_unimplemented(
    message = "a decision of aggregate `{A}` cannot return `{Self}`",
    label = "return `Result<events, error of {A}>`, or the events alone",
    note = "events are an event of `{A}`, an `Option`, a `Vec` or an array of it, or `()`"
)]
pub trait IntoDecision<A: Aggregate> {
    /// The answer to the caller.
    type Value: Serialize + DeserializeOwned + Send + 'static;

    /// The decision.
    ///
    /// # Errors
    ///
    /// The rejection.
    fn into_decision(self) -> Result<Decision<A::Event, Self::Value>, A::Error>;
}

impl<A, T, X> IntoDecision<A> for Result<T, X>
where
    A: Aggregate,
    T: IntoEvents<A::Event>,
    T::Value: Serialize + DeserializeOwned + Send + 'static,
    X: IntoRejection<A::Error>,
{
    type Value = T::Value;

    fn into_decision(self) -> Result<Decision<A::Event, T::Value>, A::Error> {
        self.map(T::into_events).map_err(X::into_rejection)
    }
}

/// What a decision may reject with: whatever converts into the aggregate's
/// error `E`.
#[diagnostic::on_unimplemented(
    message = "a decision of this aggregate cannot reject with `{Self}`",
    label = "not `{E}`, and it does not convert into it",
    note = "return `Result<_, {E}>`, or write `impl From<{Self}> for {E}`"
)]
pub trait IntoRejection<E> {
    #[doc(hidden)]
    fn into_rejection(self) -> E;
}

#[diagnostic::do_not_recommend]
impl<X: Into<E>, E> IntoRejection<E> for X {
    fn into_rejection(self) -> E {
        self.into()
    }
}

/// That an aggregate decides a command; written by `#[command_handlers]`.
#[diagnostic::on_unimplemented(
    message = "aggregate `{Self}` does not decide command `{C}`",
    label = "no method of `{Self}` takes `&{C}`",
    note = "write one in `#[command_handlers] impl {Self}`"
)]
pub trait Decides<C>: Aggregate {
    /// The answer to the caller.
    type Value: Serialize + DeserializeOwned + Send + 'static;

    /// What registers the handler without inventory.
    const REGISTRATION: Registration;

    /// Decides. Pure: the same state, command and metadata give the same.
    ///
    /// # Errors
    ///
    /// The rejection.
    fn decide(
        &self,
        command: &C,
        metadata: &dyn Fn() -> Metadata,
    ) -> Result<Decision<Self::Event, Self::Value>, Self::Error>;
}
