//! What is known about a message beside its content.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ActorId, CausationId, CorrelationId, MessageId, TenantId, Timestamp};

/// Free-form entries, ordered by key, both text.
pub type Headers = BTreeMap<String, String>;

/// The W3C trace context as it came over the wire, carried and never parsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// The header `traceparent`.
    pub traceparent: String,
    /// The header `tracestate`, empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tracestate: String,
}

/// The envelope of a message: its id, what it belongs to, who sent it, when.
///
/// A command's metadata is fixed when it is dispatched and made only when
/// somebody reads it or an event is recorded. Each event inherits
/// correlation, actor, tenant, trace and headers; its causation is the
/// command's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metadata {
    /// This message.
    pub id: MessageId,
    /// What all messages of one request share.
    pub correlation_id: CorrelationId,
    /// The direct cause, none for a message from the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<CausationId>,
    /// When the message was dispatched.
    pub timestamp: Timestamp,
    /// Whose data it touches.
    #[serde(default)]
    pub tenant: TenantId,
    /// Who sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorId>,
    /// The system or component that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Arc<str>>,
    /// The trace that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// Free-form entries.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
}

impl Metadata {
    /// Metadata of a message from the edge: it starts its own correlation.
    #[must_use]
    pub fn new(id: MessageId, timestamp: Timestamp) -> Self {
        Self {
            id,
            correlation_id: id.into(),
            causation_id: None,
            timestamp,
            tenant: TenantId::default(),
            actor: None,
            source: None,
            trace: None,
            headers: Headers::new(),
        }
    }
}
