//! Stored content on its way back to a type.

use serde::de::DeserializeOwned;

use crate::error::{Code, ErrorCode};
use crate::message::{Codec, CodecError, Encoding, Json, SchemaVersion};
use crate::store::RecordedEvent;

/// The stored identity and content of an event, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct EncodedEvent<'a> {
    /// The stored name of the type.
    pub event_type: &'a str,
    /// The version of the shape.
    pub schema_version: SchemaVersion,
    /// The format of the payload.
    pub encoding: &'a Encoding,
    /// The content.
    pub payload: &'a [u8],
}

/// A stored event cannot be read by this build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The type is none of the enum's.
    #[error("event type `{event_type}` is unknown here")]
    UnknownType {
        /// The stored name.
        event_type: String,
    },
    /// The version is none that this build reads.
    #[error("event type `{event_type}` has version {version}, this build reads {known}")]
    UnknownVersion {
        /// The stored name.
        event_type: String,
        /// The stored version.
        version: SchemaVersion,
        /// The version of this build.
        known: SchemaVersion,
    },
    /// The content has another shape, or another format.
    #[error("event type `{event_type}` version {version} does not have the expected content")]
    Content {
        /// The stored name.
        event_type: String,
        /// The stored version.
        version: SchemaVersion,
        /// What the codec says.
        source: CodecError,
    },
}

impl ErrorCode for DecodeError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::UnknownType { .. } => "unknown_event_type",
            Self::UnknownVersion { .. } => "unknown_event_version",
            Self::Content { .. } => "event_content",
        })
    }
}

impl<'a> EncodedEvent<'a> {
    /// The borrowed identity and content of a recorded event.
    #[must_use]
    pub fn of(event: &'a RecordedEvent) -> Self {
        Self {
            event_type: event.event_type().as_str(),
            schema_version: event.schema_version(),
            encoding: event.encoding(),
            payload: event.payload(),
        }
    }

    /// For derives: reads content of the current version `known`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnknownVersion`] and [`DecodeError::Content`].
    pub fn content<T: DeserializeOwned, C: Codec>(
        self,
        known: SchemaVersion,
    ) -> Result<T, DecodeError> {
        let version = self.schema_version;
        if version != known {
            let event_type = self.event_type.to_owned();
            return Err(DecodeError::UnknownVersion { event_type, version, known });
        }
        let decoded = if *self.encoding == C::ENCODING {
            C::decode(self.payload)
        } else if *self.encoding == Encoding::JSON {
            Json::decode(self.payload)
        } else {
            Err(CodecError::new(format_args!("no codec for `{}` here", self.encoding)))
        };
        decoded.map_err(|source| DecodeError::Content {
            event_type: self.event_type.to_owned(),
            version,
            source,
        })
    }

    /// For derives: the error for a type that the enum does not have.
    #[must_use]
    pub fn unknown_type(self) -> DecodeError {
        DecodeError::UnknownType { event_type: self.event_type.to_owned() }
    }
}
