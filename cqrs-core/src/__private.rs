//! What generated code touches. Not part of the API: the derives and this
//! module are pinned to each other.

pub use inventory;
pub use serde;

pub use crate::aggregate::{
    Aggregate, AggregateId, Apply, Decides, Decision, IdFor, IntoDecision, InvalidId,
    SnapshotPolicy, StateCodec,
};
pub use crate::app::{Dep, Parameter, Wiring};
pub use crate::bus::{BusError, CommandError, Context, QueryError};
pub use crate::command::{Command, OneHandlerFor, Targets, Validate, Violations, rules};
pub use crate::event::{DecodeError, EncodedEvent, Event, EventStruct, EventType};
pub use crate::message::{Codec, CodecError, Json, Metadata, SchemaVersion, SourceLocation};
pub use crate::projection::{Project, Projection, TableKey};
pub use crate::query::{OneQueryHandlerFor, Query};
pub use crate::registry::{Body, Kind, Register, Registration, Serves};
pub use crate::runtime::BoxFuture;
pub use crate::store::{InvalidInput, Shape, Tag, Tags};

pub use ::std;

/// That an aggregate applies its events; asked for where it is derived.
pub fn applies<A: Apply>() {}

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
