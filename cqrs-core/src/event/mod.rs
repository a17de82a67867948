//! Facts: what an aggregate decided, stored for ever.

mod decode;
mod details;
mod downcast;
mod integration;
mod kind;
mod lifecycle;
mod raw;
mod recorded;
mod skipped;
mod untyped;
mod upcast;

pub use decode::{DecodeError, Decoded};
#[doc(hidden)]
pub use decode::{checked, current, may_pass, unknown_type};
pub(crate) use details::encode_details;
pub use downcast::{DowncastError, Downcaster};
#[doc(hidden)]
pub use downcast::{downcast, encode_current};
pub use integration::IntegrationEvent;
pub use kind::EventType;
pub(crate) use lifecycle::Lifecycle;
pub use lifecycle::{Deleted, Restored};
pub use raw::RawEvent;
#[doc(hidden)]
pub use raw::UNKNOWN_EVENT;
pub use recorded::Recorded;
pub use skipped::SkippedEvents;
pub(crate) use skipped::Skips;
pub use untyped::Untyped;
#[doc(hidden)]
pub use upcast::{Chain, Fed, Never, TheCurrentVersion, input, past, past_as};
pub use upcast::{FeedsInto, PastShape, PastVersion, Upcaster, UpcastsInto};

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::message::{Codec, CodecError, SchemaVersion};
use crate::store::{InvalidInput, RecordedEvent, Tags};

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
///     #[event(name = "account.credited", version = 2, upcast(1 => credited_from_1))]
///     Deposited { cents: i64 },
/// }
///
/// fn credited_from_1(mut event: Untyped) -> Untyped {
///     event.rename("amount", "cents");
///     event
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

    /// Stored names that are read and are no types any more.
    const RETIRED: &'static [&'static str] = &[];

    /// The format in which new events are stored.
    type Codec: Codec;

    /// The event type of this value: the first, where there is no other.
    fn event_type(&self) -> &'static EventType {
        &Self::TYPES[0]
    }

    /// The words under which this event can be found across streams.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when a value cannot be a tag.
    fn tags(&self) -> Result<Tags, InvalidInput> {
        Ok(Tags::NONE)
    }

    /// Looks whether the event may be stored, by the function that
    /// `#[event(check = ..)]` names. Nothing of its unit is stored if not.
    ///
    /// # Errors
    ///
    /// The reason, as a text.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Appends the encoded content to `out`.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the content could not be read back.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Appends the content in the shape of an older version to `out`, by the
    /// function that `downcast(..)` names: for consumers that know no newer
    /// one. What this framework stores is always the current version.
    ///
    /// # Errors
    ///
    /// [`DowncastError`] when there is no such function.
    fn encode_as(&self, version: SchemaVersion, out: &mut Vec<u8>) -> Result<(), DowncastError> {
        encode_current(self, version, out)
    }

    /// Reads a stored event, taking it from an old version to the current one.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a type or version that this enum does not have, for
    /// content of another shape, and for a step between versions that fails.
    fn decode(record: &RecordedEvent) -> Result<Decoded<Self>, DecodeError>;
}

/// One event as a struct of its own, as a variant of an enum can hold it;
/// derived on structs together with [`Event`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the struct of one event",
    label = "a variant in parentheses holds one event struct",
    note = "add `#[derive(Event)]` to the struct `{Self}`, or name the fields here: `Variant {{ field: Type }}`",
    note = "an enum of events cannot stand in a variant: write its variants here"
)]
pub trait EventStruct: Event + Serialize + DeserializeOwned {
    /// Its one event type.
    const TYPE: EventType;

    // A variant asks for this trait alone, so that a type without it is one
    // error.
    #[doc(hidden)]
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    /// Reads a stored event that was written by `C`, the codec of the enum
    /// around the struct.
    ///
    /// # Errors
    ///
    /// As [`Event::decode`].
    fn read<C: Codec>(record: &RecordedEvent) -> Result<Decoded<Self>, DecodeError> {
        let EventType { version, .. } = Self::TYPE;
        if !Self::TYPE.is_stored_as(record.event_type().as_str()) {
            return Err(unknown_type(record));
        }
        current::<Self, C, Self>(record, version.get(), |event| event)
    }

    #[doc(hidden)]
    fn looked_at(&self) -> Result<(), String> {
        self.check()
    }

    #[doc(hidden)]
    fn write_as(&self, version: SchemaVersion, out: &mut Vec<u8>) -> Result<(), DowncastError> {
        self.encode_as(version, out)
    }

    #[doc(hidden)]
    fn words(&self) -> Result<Tags, InvalidInput> {
        self.tags()
    }
}
