//! The stored form of what metadata holds beyond the columns of a store:
//! one JSON object with the keys `actor`, `source`, `trace` and `headers`,
//! each left out when there is nothing, and no bytes at all when all are.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::message::{ActorId, Codec, CodecError, Headers, Json, Metadata, TraceContext};
use crate::store::{NewEvent, RecordedEvent};

#[derive(Serialize, Deserialize, Default)]
struct Details {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<ActorId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<TraceContext>,
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    headers: Headers,
}

/// The details that every event of one command shares.
pub(crate) fn encode_details(metadata: &Metadata) -> Result<Bytes, CodecError> {
    let Metadata { actor, source, trace, headers, .. } = metadata;
    if actor.is_none() && source.is_none() && trace.is_none() && headers.is_empty() {
        return Ok(Bytes::new());
    }
    let details = Details {
        actor: actor.clone(),
        source: source.clone(),
        trace: trace.clone(),
        headers: headers.clone(),
    };
    let mut out = Vec::with_capacity(128);
    Json::encode(&details, &mut out)?;
    Ok(out.into())
}

impl NewEvent {
    /// Sets what the event belongs to, what caused it, and who. Its id and
    /// time are its own, its tenant is that of its stream.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the metadata could not be read back.
    pub fn with_metadata(self, metadata: &Metadata) -> Result<Self, CodecError> {
        let details = encode_details(metadata)?;
        Ok(self.caused_by(metadata.correlation_id, metadata.causation_id).with_details(details))
    }
}

impl RecordedEvent {
    /// The whole metadata of the event: its id, what it belongs to, who
    /// caused it, when.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the stored details are damaged.
    pub fn metadata(&self) -> Result<Metadata, CodecError> {
        let mut metadata = Metadata::new((*self.id().as_uuid()).into(), self.occurred_at());
        metadata.correlation_id = self.correlation_id();
        metadata.causation_id = self.causation_id();
        metadata.tenant = self.stream().tenant().clone();
        if !self.details().is_empty() {
            let details: Details = Json::decode(self.details())?;
            metadata.actor = details.actor;
            metadata.source = details.source;
            metadata.trace = details.trace;
            metadata.headers = details.headers;
        }
        Ok(metadata)
    }
}
