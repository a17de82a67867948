//! What was before.

use cqrs_core::Timestamp;
use cqrs_core::aggregate::{Apply, Decides};
use cqrs_core::command::Command;
use cqrs_core::event::Event;
use cqrs_core::message::{ActorId, Codec, Encoding, MessageId, Metadata, SchemaVersion, TenantId};

use super::Outcome;
use crate::record::recorded;
use cqrs_core::report;

/// A history that a command is about to meet.
#[must_use = "a scenario shows nothing until `.when(..)` and a `.then_..(..)`"]
#[derive(Debug)]
pub struct Given<A> {
    state: A,
    metadata: Metadata,
}

impl<A: Apply> Given<A> {
    pub(super) fn new() -> Self {
        let id = MessageId::from_uuid(uuid::Uuid::from_u64_pair(0x7000, 0x8000_0000_0000_0001));
        let at = Timestamp::from_micros(1_767_225_600_000_000);
        Self { state: A::default(), metadata: Metadata::new(id, at) }
    }

    /// These events have happened. Each goes through its codec and back, so
    /// that an event that cannot be stored fails here.
    ///
    /// # Panics
    ///
    /// Panics when an event cannot be stored and read back.
    #[track_caller]
    pub fn given(mut self, events: impl IntoIterator<Item = A::Event>) -> Self {
        for event in events {
            self.state.apply(&through_codec(&event));
        }
        self
    }

    /// An event as it stands in a store, such as one of an old version.
    ///
    /// # Panics
    ///
    /// Panics when this build cannot read it.
    #[track_caller]
    pub fn given_json(
        mut self,
        event_type: &str,
        version: u32,
        payload: &serde_json::Value,
    ) -> Self {
        let version = SchemaVersion::new(version);
        let payload = payload.to_string().into_bytes();
        match A::Event::decode(&recorded(event_type, version, Encoding::JSON, payload)) {
            Ok(events) => events.into_iter().for_each(|event| self.state.apply(&event)),
            Err(error) => panic!("given `{event_type}` version {version}: {}", report(&error)),
        }
        self
    }

    /// A command was accepted; its events have happened.
    ///
    /// # Panics
    ///
    /// Panics when the command is not valid or is rejected.
    #[track_caller]
    pub fn given_command<C: Command>(mut self, command: C) -> Self
    where
        A: Decides<C>,
    {
        let outcome = Outcome::of(&self.state, &command, &self.metadata);
        let events = outcome.expect_accepted("the given command");
        events.iter().for_each(|event| self.state.apply(event));
        self
    }

    /// The aggregate is in this state.
    pub fn given_state(mut self, state: A) -> Self {
        self.state = state;
        self
    }

    /// The command is dispatched at this time.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.metadata.timestamp = time;
        self
    }

    /// The command is sent by this actor.
    pub fn by(mut self, actor: impl Into<ActorId>) -> Self {
        self.metadata.actor = Some(actor.into());
        self
    }

    /// The command is sent for this tenant.
    pub fn tenant(mut self, tenant: impl Into<TenantId>) -> Self {
        self.metadata.tenant = tenant.into();
        self
    }

    /// The command has this metadata.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The command arrives. It goes through its own serialisation and back,
    /// and its fields are checked.
    ///
    /// # Panics
    ///
    /// Panics when the command cannot be serialised and read back.
    #[track_caller]
    pub fn when<C: Command>(self, command: C) -> Outcome<A, <A as Decides<C>>::Value>
    where
        A: Decides<C>,
    {
        let json = serde_json::to_vec(&command);
        let json =
            json.unwrap_or_else(|error| panic!("`{}` cannot be serialised: {error}", C::NAME));
        let command: C = serde_json::from_slice(&json)
            .unwrap_or_else(|error| panic!("`{}` cannot be read back: {error}", C::NAME));
        Outcome::of(&self.state, &command, &self.metadata).after(self.state)
    }

    /// Nothing arrives: the state is what the history made of it.
    pub fn when_nothing(self) -> Outcome<A, ()> {
        Outcome::nothing(self.state)
    }
}

/// An event as it would come out of a store.
#[track_caller]
pub(super) fn through_codec<E: Event>(event: &E) -> E {
    let event_type = event.event_type();
    let mut payload = Vec::new();
    if let Err(error) = event.encode(&mut payload) {
        panic!("event `{}` cannot be stored: {error}", event_type.name);
    }
    let record = recorded(event_type.name, event_type.version, E::Codec::ENCODING, payload);
    let decoded = E::decode(&record).unwrap_or_else(|error| {
        panic!("event `{}` cannot be read back: {}", event_type.name, report(&error))
    });
    let one = decoded.one();
    one.unwrap_or_else(|| panic!("event `{}` is read back as none or several", event_type.name))
}
