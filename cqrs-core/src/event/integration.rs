//! What crosses the border between two services: a public event, with what a
//! receiver needs to take it in once, in order, and within its trace.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{DecodeError, Decoded, Event};
use crate::bus::Origin;
use crate::message::{
    CausationId, CodecError, CorrelationId, Encoding, EventId, Json, SchemaVersion, TenantId,
    Timestamp, TraceContext,
};
use crate::store::{NewEvent, Position, RecordedEvent, StreamId, StreamVersion};

/// An event that a service makes public, as one document of
/// [CloudEvents 1.0](https://cloudevents.io) in JSON.
///
/// A service keeps its own events to itself. What others may rely on is a
/// contract: an enum of its own, with names and versions of its own. A durable
/// event handler maps one to the other and sends it; a receiver decodes it,
/// whichever version it was sent as, and executes a command of its own.
///
/// - Its id is that of the event that it was made from, so that it is the same
///   however often that one is handled. An event makes at most one.
/// - Its subject is the key of the entity that it is about. Events of one
///   subject are to be taken in one behind the other.
/// - Correlation, tenant and trace context travel with it. Actor and headers
///   stay: who acts is known to the service that has asked.
///
/// ```
/// use cqrs_core::event::IntegrationEvent;
/// use cqrs_core::prelude::*;
/// # use cqrs_core::message::{Encoding, EventId, SchemaVersion};
/// # use cqrs_core::store::{NewEvent, Position, RecordedEvent, StreamId, StreamVersion};
///
/// /// The contract, in its second version.
/// #[derive(Event, Debug, PartialEq)]
/// enum PurchaseEvent {
///     #[event(version = 2, upcast(1 => paid_from_1))]
///     Paid { cents: i64, currency: String },
/// }
///
/// fn paid_from_1(mut event: Untyped) -> Untyped {
///     event.set("currency", "EUR");
///     event
/// }
///
/// # let private = NewEvent::new(
/// #     EventId::from_uuid(uuid::Uuid::from_u128(7)), "order.settled", SchemaVersion::FIRST,
/// #     Encoding::JSON, "{}", Timestamp::EPOCH,
/// # );
/// # let stream = StreamId::new("order", "o-17")?;
/// # let recorded = RecordedEvent::new(
/// #     private, Position::new(1), stream, StreamVersion::new(1), Timestamp::EPOCH,
/// # );
/// // In an event handler of the one service, `recorded` being its own event:
/// let paid = PurchaseEvent::Paid { cents: 500, currency: "USD".into() };
/// let sent = IntegrationEvent::new("ordering", &recorded, &paid)?;
/// let document = serde_json::to_string(&sent)?;
///
/// // In the other service, which calls `app.execute(..).from(received.origin())`:
/// let received: IntegrationEvent = serde_json::from_str(&document)?;
/// assert_eq!(received.subject(), "o-17");
/// assert_eq!(received.decode::<PurchaseEvent>()?.one(), Some(paid));
///
/// // A sender that has not been deployed for a while:
/// let old = document
///     .replace(r#""schemaversion":2"#, r#""schemaversion":1"#)
///     .replace(r#","currency":"USD""#, "");
/// let received: IntegrationEvent = serde_json::from_str(&old)?;
/// let paid = PurchaseEvent::Paid { cents: 500, currency: "EUR".into() };
/// assert_eq!(received.decode::<PurchaseEvent>()?.one(), Some(paid));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct IntegrationEvent {
    specversion: SpecVersion,
    id: EventId,
    source: Arc<str>,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(rename = "schemaversion")]
    version: SchemaVersion,
    subject: String,
    time: Timestamp,
    #[serde(rename = "correlationid")]
    correlation_id: CorrelationId,
    #[serde(default, rename = "tenantid", skip_serializing_if = "is_single")]
    tenant: TenantId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
    data: Box<RawValue>,
}

/// The version of CloudEvents, of which there is one.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum SpecVersion {
    #[serde(rename = "1.0")]
    One,
}

impl IntegrationEvent {
    /// The document that a service sends because of an event in its own log.
    /// `source` names the service.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the public event could not be read back, or the
    /// details of its cause are damaged.
    pub fn new<E: Event<Codec = Json>>(
        source: impl Into<Arc<str>>,
        cause: &RecordedEvent,
        event: &E,
    ) -> Result<Self, CodecError> {
        let mut data = Vec::new();
        event.encode(&mut data)?;
        let trace = cause.metadata()?.trace;
        let (traceparent, tracestate) =
            trace.map(|trace| (trace.traceparent, trace.tracestate)).unzip();
        Ok(Self {
            specversion: SpecVersion::One,
            id: cause.id(),
            source: source.into(),
            event_type: event.event_type().name.to_owned(),
            version: event.event_type().version,
            subject: cause.stream().key().to_owned(),
            time: cause.occurred_at(),
            correlation_id: cause.correlation_id(),
            tenant: cause.stream().tenant().clone(),
            traceparent,
            tracestate: tracestate.filter(|state| !state.is_empty()),
            data: serde_json::from_slice(&data).map_err(CodecError::new)?,
        })
    }

    /// Its id, the same each time that it comes.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The service that it comes from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The name of its type in the contract.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The version of the contract that its sender knows.
    #[must_use]
    pub fn schema_version(&self) -> SchemaVersion {
        self.version
    }

    /// The key of the entity that it is about.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When what it tells has happened.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// What it belongs to.
    #[must_use]
    pub fn correlation_id(&self) -> CorrelationId {
        self.correlation_id
    }

    /// Reads the public event, taking it from an old version to the current
    /// one as if it came from a store. An upcaster that asks for the record
    /// finds id, type, time and correlation in it, and a place in no log.
    ///
    /// # Errors
    ///
    /// As [`Event::decode`]. A type or version that this build does not know
    /// is no reason to drop the event: it is to be sent again, until the
    /// receiver has been deployed.
    pub fn decode<E: Event>(&self) -> Result<Decoded<E>, DecodeError> {
        let (tenant, subject) = (self.tenant.clone(), self.subject.as_str());
        let stream = StreamId::of_tenant(tenant, "integration", subject).map_err(|error| {
            DecodeError::Content {
                event_type: self.event_type.clone(),
                version: self.version,
                source: CodecError::new(error),
            }
        })?;
        let (name, content) = (self.event_type.clone(), self.data.get().as_bytes().to_vec());
        let event = NewEvent::new(self.id, name, self.version, Encoding::JSON, content, self.time)
            .caused_by(self.correlation_id, None);
        let (position, version) = (Position::NONE, StreamVersion::NONE);
        E::decode(&RecordedEvent::new(event, position, stream, version, self.time))
    }

    /// Where a command comes from that is executed because of it: the same
    /// correlation, tenant and trace, caused by it, sent by its source, and
    /// with an idempotency key of source and id, so that a command takes
    /// effect once, however often this comes.
    ///
    /// Executing another command with it, or one with other content, is
    /// refused as [`OperationReused`](crate::BusError::OperationReused): it has
    /// been taken in before, by a build that has read something else in it.
    pub fn origin(&self) -> Origin {
        let origin = Origin::new()
            .correlation(self.correlation_id)
            .causation(CausationId::from(self.id))
            .tenant(self.tenant.clone())
            .source(Arc::clone(&self.source))
            .idempotency_key(format!("{} {}", self.source, self.id));
        match self.traceparent.clone() {
            Some(traceparent) => {
                let tracestate = self.tracestate.clone().unwrap_or_default();
                origin.trace(TraceContext { traceparent, tracestate })
            }
            None => origin,
        }
    }
}

fn is_single(tenant: &TenantId) -> bool {
    tenant == TenantId::single()
}

impl fmt::Debug for IntegrationEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_type, version, source, subject, data, .. } = self;
        let bytes = data.get().len();
        write!(
            f,
            "IntegrationEvent({event_type} v{version} of {subject} from {source}, {bytes} bytes)"
        )
    }
}
