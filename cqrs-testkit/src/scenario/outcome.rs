//! What came of it.

use std::fmt::Debug;

use cqrs_core::aggregate::{Apply, Decides};
use cqrs_core::command::{Command, Violations};
use cqrs_core::event::Event;
use cqrs_core::message::Metadata;

use super::diff;
use super::given::through_codec;

/// What a command has led to, still to be looked at.
#[must_use = "an outcome that nobody looks at shows nothing: add a `.then_..(..)`"]
#[derive(Debug)]
pub struct Outcome<A: Apply, V> {
    state: Option<A>,
    #[expect(
        clippy::type_complexity,
        reason = "written out, the derived `Debug` finds its bounds"
    )]
    result: Result<(Vec<A::Event>, V), Refusal<A::Error>>,
}

/// Why there are no events.
#[derive(Debug)]
enum Refusal<E> {
    Invalid(Violations),
    Rejected(E),
}

/// A scenario whose outcome has been looked at; more may be said of it.
#[derive(Debug)]
pub struct Then<A: Apply, V> {
    state: A,
    events: Vec<A::Event>,
    value: Option<V>,
}

impl<A: Apply> Outcome<A, ()> {
    pub(super) fn nothing(state: A) -> Self {
        Self { state: Some(state), result: Ok((Vec::new(), ())) }
    }
}

impl<A: Apply, V> Outcome<A, V> {
    pub(super) fn of<C: Command>(state: &A, command: &C, metadata: &Metadata) -> Self
    where
        A: Decides<C, Value = V>,
    {
        let result = match command.validate() {
            Err(violations) => Err(Refusal::Invalid(violations)),
            Ok(()) => state
                .decide(command, &|| metadata.clone())
                .map(cqrs_core::aggregate::Decision::into_parts)
                .map_err(Refusal::Rejected),
        };
        Self { state: None, result }
    }

    pub(super) fn after(mut self, state: A) -> Self {
        self.state = Some(state);
        self
    }

    /// The events; panics naming `what` when there are none to speak of.
    #[track_caller]
    pub(super) fn expect_accepted(self, what: &str) -> Vec<A::Event> {
        match self.result {
            Ok((events, _)) => events,
            Err(Refusal::Invalid(violations)) => panic!("{what} is not valid: {violations}"),
            Err(Refusal::Rejected(rejection)) => panic!("{what} was rejected: {rejection:?}"),
        }
    }

    #[track_caller]
    fn accepted(self) -> Then<A, V> {
        let mut state = self.state.unwrap_or_default();
        match self.result {
            Ok((events, value)) => {
                events.iter().for_each(|event| state.apply(&through_codec(event)));
                Then { state, events, value: Some(value) }
            }
            Err(Refusal::Invalid(violations)) => {
                panic!("expected the command to be accepted; it is not valid: {violations}")
            }
            Err(Refusal::Rejected(rejection)) => {
                panic!("expected the command to be accepted; it was rejected: {rejection:?}")
            }
        }
    }

    /// Exactly these events, in this order.
    ///
    /// # Panics
    ///
    /// Panics with a difference by field when there are other events.
    #[track_caller]
    pub fn then_events(self, expected: impl IntoIterator<Item = A::Event>) -> Then<A, V>
    where
        A::Event: Debug + PartialEq,
    {
        let expected: Vec<A::Event> = expected.into_iter().collect();
        let then = self.accepted();
        if then.events != expected {
            panic!("other events than expected:\n{}", diff::events(&expected, &then.events));
        }
        then
    }

    /// Accepted, without any event.
    ///
    /// # Panics
    ///
    /// Panics when there are events, or a refusal.
    #[track_caller]
    pub fn then_no_events(self) -> Then<A, V>
    where
        A::Event: Debug,
    {
        let then = self.accepted();
        assert!(then.events.is_empty(), "expected no event, got {:#?}", then.events);
        then
    }

    /// Accepted, with events of these types in this order, by stored name.
    ///
    /// # Panics
    ///
    /// Panics when the types differ.
    #[track_caller]
    pub fn then_event_types<'a>(self, expected: impl IntoIterator<Item = &'a str>) -> Then<A, V> {
        let expected: Vec<&str> = expected.into_iter().collect();
        let then = self.accepted();
        let actual: Vec<&str> = then.events.iter().map(|event| event.event_type().name).collect();
        assert!(actual == expected, "expected events {expected:?}, got {actual:?}");
        then
    }

    /// Accepted, with at least one event that the predicate holds for.
    ///
    /// # Panics
    ///
    /// Panics when it holds for none.
    #[track_caller]
    pub fn then_event_that(self, mut holds: impl FnMut(&A::Event) -> bool) -> Then<A, V>
    where
        A::Event: Debug,
    {
        let then = self.accepted();
        assert!(then.events.iter().any(&mut holds), "it holds for none of {:#?}", then.events);
        then
    }

    /// Accepted.
    ///
    /// # Panics
    ///
    /// Panics with the refusal otherwise.
    #[track_caller]
    pub fn then_accepted(self) -> Then<A, V> {
        self.accepted()
    }

    /// Rejected by the domain with this error.
    ///
    /// # Panics
    ///
    /// Panics when it was accepted, not valid, or rejected with another error.
    #[track_caller]
    pub fn then_rejected(self, expected: A::Error)
    where
        A::Error: PartialEq,
        A::Event: Debug,
    {
        let actual = self.rejection();
        if actual != expected {
            panic!("rejected with another error:\n{}", diff::debug(&expected, &actual));
        }
    }

    /// Rejected by the domain with an error that the predicate holds for.
    ///
    /// # Panics
    ///
    /// Panics when it was accepted or not valid, or the predicate fails.
    #[track_caller]
    pub fn then_rejected_that(self, holds: impl FnOnce(&A::Error) -> bool)
    where
        A::Event: Debug,
    {
        let actual = self.rejection();
        assert!(holds(&actual), "rejected with another error: {actual:?}");
    }

    #[track_caller]
    fn rejection(self) -> A::Error
    where
        A::Event: Debug,
    {
        match self.result {
            Err(Refusal::Rejected(rejection)) => rejection,
            Err(Refusal::Invalid(violations)) => {
                panic!("expected a rejection by the domain; the command is not valid: {violations}")
            }
            Ok((events, _)) => panic!("expected a rejection, got {events:#?}"),
        }
    }

    /// Not valid: exactly these fields break these rules, `(field, code)`.
    ///
    /// # Panics
    ///
    /// Panics when the command is valid, or other fields or rules are named.
    #[track_caller]
    pub fn then_invalid<'a>(self, expected: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let expected: Vec<(&str, &str)> = expected.into_iter().collect();
        let Err(Refusal::Invalid(violations)) = &self.result else {
            panic!("expected fields {expected:?} to be refused; the command is valid");
        };
        let actual: Vec<(&str, &str)> =
            violations.iter().map(|one| (one.field.as_str(), one.code)).collect();
        assert!(actual == expected, "expected {expected:?} to be refused, got {actual:?}");
    }

    /// See [`Then::then_state`].
    ///
    /// # Panics
    ///
    /// Panics when the command was refused, or as the inspection does.
    #[track_caller]
    pub fn then_state(self, inspect: impl FnOnce(&A)) -> Then<A, V> {
        self.accepted().then_state(inspect)
    }

    /// See [`Then::then_value`].
    ///
    /// # Panics
    ///
    /// Panics when the command was refused, or the answer is another.
    #[track_caller]
    pub fn then_value(self, expected: V) -> Then<A, V>
    where
        V: Debug + PartialEq,
    {
        self.accepted().then_value(expected)
    }
}

impl<A: Apply, V> Then<A, V> {
    /// Looks at the state after the events; assert in the closure.
    ///
    /// # Panics
    ///
    /// Panics as the closure does.
    #[track_caller]
    pub fn then_state(self, inspect: impl FnOnce(&A)) -> Self {
        inspect(&self.state);
        self
    }

    /// The state after the events equals this one.
    ///
    /// # Panics
    ///
    /// Panics with the difference otherwise.
    #[track_caller]
    pub fn then_state_is(self, expected: &A) -> Self
    where
        A: Debug + PartialEq,
    {
        if self.state != *expected {
            panic!("another state than expected:\n{}", diff::debug(expected, &self.state));
        }
        self
    }

    /// The caller got this answer.
    ///
    /// # Panics
    ///
    /// Panics when the answer is another.
    #[track_caller]
    pub fn then_value(self, expected: V) -> Self
    where
        V: Debug + PartialEq,
    {
        if self.value.as_ref() != Some(&expected) {
            panic!("another answer than expected:\n{}", diff::debug(&Some(expected), &self.value));
        }
        self
    }
}
