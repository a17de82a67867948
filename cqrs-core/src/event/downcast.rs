//! An event in the shape of an older version, for consumers that know no
//! other.

use serde::Serialize;

use super::{Event, Untyped};
use crate::error::{Code, ErrorCode};
use crate::message::{Codec, CodecError, SchemaVersion};

/// An event has no older form of that version.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DowncastError {
    /// No function gives this version.
    #[error(
        "event type `{event_type}` cannot be written as version {version}: add \
         `downcast({version} => function)` to it"
    )]
    NoDowncaster {
        /// The stored name.
        event_type: &'static str,
        /// The version that was asked for.
        version: SchemaVersion,
    },
    /// The older form cannot be encoded.
    #[error("event type `{event_type}` cannot be written as version {version}")]
    Encode {
        /// The stored name.
        event_type: &'static str,
        /// The version that was asked for.
        version: SchemaVersion,
        /// What the codec says.
        source: CodecError,
    },
}

impl ErrorCode for DowncastError {
    fn code(&self) -> Code {
        match self {
            Self::NoDowncaster { .. } => Code::NO_DOWNCASTER,
            Self::Encode { .. } => Code::EVENT_NOT_STORABLE,
        }
    }
}

/// A function from an event to the content of an older version:
/// `fn(&Event) -> Old`, or `fn(Untyped) -> Untyped` on its current content.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no downcaster",
    label = "not a function to an older version",
    note = "write `fn(&{E}) -> Old`, with an `Old` that can be serialised, or `fn(Untyped) -> Untyped`"
)]
pub trait Downcaster<E, Form> {
    #[doc(hidden)]
    fn run<C: Codec>(&self, event: &E, out: &mut Vec<u8>) -> Result<(), CodecError>;
}

impl<F: Fn(&E) -> T, E, T: Serialize> Downcaster<E, fn(&E) -> T> for F {
    fn run<C: Codec>(&self, event: &E, out: &mut Vec<u8>) -> Result<(), CodecError> {
        C::encode(&self(event), out)
    }
}

impl<F: Fn(Untyped) -> Untyped, E: Event> Downcaster<E, fn(Untyped)> for F {
    fn run<C: Codec>(&self, event: &E, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut content = Vec::new();
        event.encode(&mut content)?;
        let content: serde_json::Value = C::decode(&content)?;
        C::encode(self(content.into()).as_value(), out)
    }
}

/// For derives: an event in its current form, if that is the version.
#[doc(hidden)]
pub fn encode_current<E: Event>(
    event: &E,
    version: SchemaVersion,
    out: &mut Vec<u8>,
) -> Result<(), DowncastError> {
    let kind = event.event_type();
    if version != kind.version {
        return Err(DowncastError::NoDowncaster { event_type: kind.name, version });
    }
    event.encode(out).map_err(|source| DowncastError::Encode {
        event_type: kind.name,
        version,
        source,
    })
}

/// For derives: an event in the form of an older version.
#[doc(hidden)]
pub fn downcast<E: Event, Form>(
    event: &E,
    version: u32,
    function: &impl Downcaster<E, Form>,
    out: &mut Vec<u8>,
) -> Result<(), DowncastError> {
    let (event_type, version) = (event.event_type().name, SchemaVersion::new(version));
    function.run::<E::Codec>(event, out).map_err(|source| DowncastError::Encode {
        event_type,
        version,
        source,
    })
}
