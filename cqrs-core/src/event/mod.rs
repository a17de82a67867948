//! Facts: what an aggregate decided, stored for ever.

mod decode;
mod details;
mod recorded;

pub use decode::{DecodeError, EncodedEvent};
pub(crate) use details::encode_details;
pub use recorded::Recorded;

use serde::{Serialize, Serializer};

use crate::message::{Codec, CodecError, SchemaVersion, SourceLocation};
use crate::store::{InvalidInput, Tags};

/// An event: usually an enum with one event type a variant, derived.
///
/// Each event type has a stored name and a schema version of its own; what is
/// stored is the variant's content, with no enum tag in it.
///
/// ```
/// use cqrs_core::prelude::*;
///
/// #[derive(Event, Clone, Debug, PartialEq)]
/// enum AccountEvent {
///     Opened { owner: String },
///     #[event(name = "account.credited", version = 2)]
///     Deposited { cents: i64 },
/// }
///
/// let names: Vec<_> = AccountEvent::TYPES.iter().map(|one| one.name).collect();
/// assert_eq!(names, ["account.opened", "account.credited"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "an event is needed here",
    note = "add `#[derive(Event)]` to `{Self}`"
)]
pub trait Event: Sized + Send + Sync + 'static {
    /// The event types, in the order of the variants.
    const TYPES: &'static [EventType];

    /// The format in which new events are stored.
    type Codec: Codec;

    /// The event type of this value.
    fn event_type(&self) -> &'static EventType;

    /// The words under which this event can be found across streams.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when a value cannot be a tag.
    fn tags(&self) -> Result<Tags, InvalidInput> {
        Ok(Tags::NONE)
    }

    /// Appends the encoded content to `out`.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the content could not be read back.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Reads an event back.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a type or version that this enum does not have, and
    /// for content of another shape.
    fn decode(event: EncodedEvent<'_>) -> Result<Self, DecodeError>;
}

/// One event as a struct of its own, as a variant of an enum can hold it;
/// derived on structs together with [`Event`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the struct of one event",
    label = "a variant in parentheses holds one event struct",
    note = "add `#[derive(Event)]` to the struct `{Self}`, or name the fields here: `Variant {{ field: Type }}`",
    note = "an enum of events cannot stand in a variant: write its variants here"
)]
pub trait EventStruct: Event + Serialize {
    /// Its one event type.
    const TYPE: EventType;

    // A variant asks for this trait alone, so that a type without it is one
    // error.
    #[doc(hidden)]
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    #[doc(hidden)]
    fn read(event: EncodedEvent<'_>) -> Result<Self, DecodeError> {
        Self::decode(event)
    }

    #[doc(hidden)]
    fn words(&self) -> Result<Tags, InvalidInput> {
        self.tags()
    }
}

/// The stored identity of one kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct EventType {
    /// The stored name, such as `account.deposited`.
    pub name: &'static str,
    /// The version of the shape that this build writes.
    pub version: SchemaVersion,
    /// Where it is declared.
    pub location: SourceLocation,
}

impl EventType {
    /// For derives: an identity.
    #[must_use]
    pub const fn new(name: &'static str, version: u32, file: &'static str, line: u32) -> Self {
        Self { name, version: SchemaVersion::new(version), location: SourceLocation { file, line } }
    }
}
