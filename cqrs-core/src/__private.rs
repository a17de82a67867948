//! What generated code touches. Not part of the API: the derives and this
//! module are pinned to each other.

pub use inventory;
pub use serde;

pub use crate::aggregate::{
    Aggregate, AggregateId, Apply, Decides, Decision, IdFor, IntoDecision, InvalidId,
    SnapshotPolicy, StateCodec, decider,
};
pub use crate::app::{Dep, Parameter, Wiring};
pub use crate::bus::{Answer, AsyncCommandHandler, BusError, CommandError, Context, QueryError};
pub use crate::command::{Command, OneHandlerFor, Targets, Validate, Violations, rules};
pub use crate::event::{
    Chain, DecodeError, Decoded, DowncastError, Event, EventStruct, EventType, Fed, Never,
    PastVersion, RawEvent, TheCurrentVersion, UNKNOWN_EVENT, checked, current, downcast,
    encode_current, input, may_pass, past, past_as, unknown_type,
};
pub use crate::message::fields::{Fields, Source, field, read_field, read_fields, write_field};
pub use crate::message::{Codec, CodecError, Json, Metadata, SchemaVersion, SourceLocation};
pub use crate::policy::{Access, Keeping, PolicySettings, RateKey, RateSettings, Setting, guarded};
pub use crate::projection::{Project, Projection, TableKey};
pub use crate::query::{OneQueryHandlerFor, Query, Streams};
pub use crate::registry::{Body, Kind, Register, Registration, Serves, read_again};
pub use crate::runtime::BoxFuture;
pub use crate::schema::{
    Field, Locked, Presence, RecordedField, Scalar, Schema, Shape, Tagging, Variant, fingerprint,
};
pub use crate::store::{InvalidInput, RecordedEvent, StateShape, Tag, Tags};
pub use crate::subscription::{EventHandlerSettings, Recovery, Start, failing, handled};

pub use ::std;
pub use ::std::borrow::Cow;

/// A number that a derive has checked.
#[must_use]
pub const fn at_least_one(count: u32) -> std::num::NonZeroU32 {
    match std::num::NonZeroU32::new(count) {
        Some(count) => count,
        None => std::num::NonZeroU32::MIN,
    }
}

/// A rate that a derive has checked.
#[must_use]
pub const fn rate(limit: u32, per: std::time::Duration, burst: u32, key: RateKey) -> RateSettings {
    RateSettings::new(at_least_one(limit), per).burst(at_least_one(burst)).key(key)
}

/// That an aggregate applies its events; asked for where it is derived.
pub fn applies<A: Apply>() {}

/// The mark of a type within its own shape, so many types up.
#[derive(Debug)]
pub enum Above<const LEVELS: u32> {}

impl<const LEVELS: u32> Schema for Above<LEVELS> {
    const SHAPE: &'static Shape = &Shape::Above(LEVELS);
}

/// The event types of an enum or a struct.
#[must_use]
pub const fn types_of<E: Event>() -> &'static [EventType] {
    E::TYPES
}

/// Which of the methods of a service that take the same events.
#[derive(Debug)]
pub struct EventsOf<E, const NUMBER: usize>(std::marker::PhantomData<E>);

/// Which of the methods of a service that guard the same command.
#[derive(Debug)]
pub struct GuardOf<C, const NUMBER: usize>(std::marker::PhantomData<C>);

/// The event types of an aggregate.
#[must_use]
pub const fn events_of<A: Aggregate>() -> &'static [EventType] {
    <A::Event as Event>::TYPES
}

/// The event types that a projection takes in.
#[must_use]
pub const fn events_into<P: Projection>() -> &'static [EventType] {
    <P::Event as Event>::TYPES
}

/// The shape of the state that an aggregate stores, if it stores any, with
/// its version.
#[must_use]
pub const fn state_of<A: Aggregate>() -> Option<(u32, &'static Shape)> {
    match A::STATE {
        Some(codec) => Some((codec.shape.version, codec.description)),
        None => None,
    }
}

/// The one instance of the decoder that a stored state needs.
pub fn decode_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    Json::decode(bytes)
}

/// Submits a registration when the program is linked.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "inventory")]
macro_rules! __submit {
    ($registration:expr) => {
        $crate::__private::inventory::submit! {
            $registration
        }
    };
}

/// Submits nothing: registration is explicit.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "inventory"))]
macro_rules! __submit {
    ($registration:expr) => {};
}
