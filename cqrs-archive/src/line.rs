//! The lines of an archive.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cqrs_core::message::{CausationId, CorrelationId, Encoding, EventId, SchemaVersion, Timestamp};
use cqrs_core::store::{NewEvent, RecordedEvent, RecordedOperation, StreamId, Tag};
use cqrs_core::{OperationId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    Archive(Header),
    Unit(Unit),
    #[serde(borrow)]
    Event(Box<Event<'a>>),
    End(End),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    pub(crate) log: Uuid,
    pub(crate) head: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Unit {
    pub(crate) operation: Uuid,
    pub(crate) events: u64,
    pub(crate) fingerprint: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reply: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Event<'a> {
    pub(crate) position: u64,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    tenant: Cow<'a, str>,
    #[serde(borrow)]
    category: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    pub(crate) version: u64,
    id: Uuid,
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    schema: u32,
    #[serde(borrow)]
    encoding: Cow<'a, str>,
    occurred_at: i64,
    pub(crate) recorded_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causation: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(borrow, default, skip_serializing_if = "Content::is_empty")]
    details: Content<'a>,
    #[serde(borrow)]
    payload: Content<'a>,
}

/// Bytes as text, where they are.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Content<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Bytes {
        base64: String,
    },
}

/// What an archive says of itself in its last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) events: u64,
    pub(crate) units: u64,
    pub(crate) xxh3: String,
}

/// What an archive holds, verified by its last line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// The log that was archived.
    pub log: Uuid,
    /// Its events.
    pub events: u64,
    /// The units of work that wrote them.
    pub units: u64,
    /// The XXH3-128 of everything but the last line.
    pub xxh3: String,
}

impl Default for Content<'_> {
    fn default() -> Self {
        Self::Text(Cow::Borrowed(""))
    }
}

impl Content<'_> {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    fn into_bytes(self) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.into_owned().into_bytes()),
            Self::Bytes { base64 } => from_base64(&base64),
        }
    }
}

fn content(bytes: &[u8]) -> Content<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Content::Text(Cow::Borrowed(text)),
        Err(_) => Content::Bytes { base64: STANDARD.encode(bytes) },
    }
}

pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("this is not base64: {error}"))
}

impl From<&RecordedOperation> for Unit {
    fn from(operation: &RecordedOperation) -> Self {
        Self {
            operation: *operation.id.as_uuid(),
            events: operation.events,
            fingerprint: format!("{:032x}", operation.fingerprint),
            reply: STANDARD.encode(&operation.reply),
        }
    }
}

impl Unit {
    pub(crate) fn id(&self) -> OperationId {
        OperationId::from_uuid(self.operation)
    }

    pub(crate) fn fingerprint(&self) -> Result<u128, String> {
        let number = u128::from_str_radix(&self.fingerprint, 16);
        number.map_err(|_| format!("`{}` is no fingerprint", self.fingerprint))
    }
}

impl<'a> Event<'a> {
    pub(crate) fn of(event: &'a RecordedEvent) -> Self {
        let (id, stream) = (*event.id().as_uuid(), event.stream());
        let correlation = *event.correlation_id().as_uuid();
        Self {
            position: event.position().get(),
            tenant: stream.tenant().as_str().into(),
            category: stream.category().as_str().into(),
            key: stream.key().into(),
            version: event.version().get(),
            id,
            event_type: event.event_type().as_str().into(),
            schema: event.schema_version().get(),
            encoding: event.encoding().as_str().into(),
            occurred_at: event.occurred_at().as_micros(),
            recorded_at: event.recorded_at().as_micros(),
            correlation: (correlation != id).then_some(correlation),
            causation: event.causation_id().map(|id| *id.as_uuid()),
            tags: event.tags().iter().map(str::to_owned).collect(),
            details: content(event.details()),
            payload: content(event.payload()),
        }
    }

    pub(crate) fn stream(&self) -> Result<StreamId, String> {
        let (tenant, category) = (TenantId::new(&*self.tenant), self.category.clone().into_owned());
        StreamId::of_tenant(tenant, category, &*self.key).map_err(|error| error.to_string())
    }

    pub(crate) fn into_new(self) -> Result<NewEvent, String> {
        if self.schema == 0 {
            return Err("versions of shapes count from 1".to_owned());
        }
        let (id, encoding) = (EventId::from_uuid(self.id), self.encoding.into_owned());
        let (version, encoding) = (SchemaVersion::new(self.schema), Encoding::from(encoding));
        let tags = self.tags.iter().map(|tag| Tag::parse(tag).map_err(|error| error.to_string()));
        let tags = tags.collect::<Result<_, _>>()?;
        let occurred_at = Timestamp::from_micros(self.occurred_at);
        let event_type = self.event_type.into_owned();
        let payload = self.payload.into_bytes()?;
        let correlation = CorrelationId::from_uuid(self.correlation.unwrap_or(self.id));
        let causation = self.causation.map(CausationId::from_uuid);
        Ok(NewEvent::new(id, event_type, version, encoding, payload, occurred_at)
            .caused_by(correlation, causation)
            .with_details(self.details.into_bytes()?)
            .with_tags(tags))
    }
}
