//! Deletion and restoration: the framework's own events in an aggregate's
//! stream, outside the user's enum.

use serde::{Deserialize, Serialize};

use super::{DecodeError, Decoded, Event, EventStruct, EventType};
use crate::message::{Codec, CodecError, Json};
use crate::schema::{Field, Scalar, Schema, Shape};
use crate::store::RecordedEvent;

macro_rules! lifecycle {
    ($($(#[$doc:meta])* $name:ident = $stored:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Who did it stands in the event's metadata. A projection takes it in
        /// by a variant that holds it.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            /// Why.
            pub reason: String,
        }

        impl $name {
            /// The stored name of the event type.
            pub const NAME: &'static str = $stored;

            pub(crate) fn new(reason: impl Into<String>) -> Self {
                Self { reason: reason.into() }
            }
        }

        #[diagnostic::do_not_recommend]
        impl Schema for $name {
            const SHAPE: &'static Shape =
                &Shape::fields(&[Field::new("reason", &Shape::Scalar(Scalar::Text))]);
        }

        #[diagnostic::do_not_recommend]
        impl Event for $name {
            const TYPES: &'static [EventType] = &[Self::TYPE];
            type Codec = Json;

            fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
                Json::encode(self, out)
            }

            fn decode(record: &RecordedEvent) -> Result<Decoded<Self>, DecodeError> {
                <Self as EventStruct>::read::<Json>(record)
            }
        }

        #[diagnostic::do_not_recommend]
        impl EventStruct for $name {
            const TYPE: EventType = EventType::new($stored, 1, file!(), line!())
                .shaped(<Self as Schema>::SHAPE);
        }
    )*};
}

lifecycle! {
    /// An aggregate was deleted: it takes no commands until it is restored.
    Deleted = "lifecycle.deleted";
    /// A deleted aggregate was restored.
    Restored = "lifecycle.restored";
}

/// Whether a stored event deletes or restores its aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    Deleted,
    Restored,
}

impl Lifecycle {
    pub(crate) fn of(record: &RecordedEvent) -> Option<Self> {
        match record.event_type().as_str() {
            Deleted::NAME => Some(Self::Deleted),
            Restored::NAME => Some(Self::Restored),
            _ => None,
        }
    }
}
