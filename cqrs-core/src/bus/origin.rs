//! What a caller says about a message.

use std::sync::Arc;
use std::time::Duration;

use super::{CancelToken, Extensions};
use crate::message::{
    ActorId, CausationId, CorrelationId, Headers, MessageId, Metadata, OperationId, TenantId,
    Timestamp, TraceContext,
};

/// Everything about a call but the message itself. What is not said is made
/// up when it is needed: a new id, a new correlation, the default tenant.
#[derive(Debug, Default)]
#[must_use]
pub struct Origin {
    pub(crate) message_id: Option<MessageId>,
    pub(crate) correlation_id: Option<CorrelationId>,
    pub(crate) causation_id: Option<CausationId>,
    pub(crate) tenant: TenantId,
    pub(crate) actor: Option<ActorId>,
    pub(crate) source: Option<Arc<str>>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) headers: Headers,
    pub(crate) operation: Option<OperationId>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel: Option<CancelToken>,
    pub(crate) extensions: Arc<Extensions>,
}

impl Origin {
    /// A call about which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// A call that follows from a message: it shares the correlation, actor,
    /// tenant, trace and headers, and is caused by it.
    pub fn following(metadata: &Metadata) -> Self {
        Self {
            correlation_id: Some(metadata.correlation_id),
            causation_id: Some(metadata.id.into()),
            tenant: metadata.tenant.clone(),
            actor: metadata.actor.clone(),
            source: metadata.source.clone(),
            trace: metadata.trace.clone(),
            headers: metadata.headers.clone(),
            ..Self::default()
        }
    }

    /// Sets the message's own id.
    pub fn message_id(mut self, id: MessageId) -> Self {
        self.message_id = Some(id);
        self
    }

    /// Sets what the message belongs to.
    pub fn correlation(mut self, id: CorrelationId) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// Sets the direct cause.
    pub fn causation(mut self, id: CausationId) -> Self {
        self.causation_id = Some(id);
        self
    }

    /// Sets whose data the message touches.
    pub fn tenant(mut self, tenant: impl Into<TenantId>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Sets who acts.
    pub fn actor(mut self, actor: impl Into<ActorId>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Sets the sending system.
    pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets the trace context.
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Adds a free-form entry.
    pub fn header(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(key.into(), value.into());
        self
    }

    /// Names the operation: the same id with the same command runs once, for
    /// the lifetime of the log, and later calls get the recorded outcome.
    pub fn operation(mut self, id: OperationId) -> Self {
        self.operation = Some(id);
        self
    }

    /// Gives up after a while.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Gives up when the token is cancelled.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = Some(token);
        self
    }

    /// Adds a typed value that handlers can read. A message that a handler
    /// sends on carries the same values.
    pub fn extension<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        match Arc::get_mut(&mut self.extensions) {
            Some(extensions) => extensions.insert(value),
            None => debug_assert!(false, "extensions are shared only once the call has begun"),
        }
        self
    }

    pub(crate) fn metadata(&self, id: impl FnOnce() -> MessageId, now: Timestamp) -> Metadata {
        let id = self.message_id.unwrap_or_else(id);
        let mut metadata = Metadata::new(id, now);
        if let Some(correlation_id) = self.correlation_id {
            metadata.correlation_id = correlation_id;
        }
        metadata.causation_id = self.causation_id;
        metadata.tenant = self.tenant.clone();
        metadata.actor = self.actor.clone();
        metadata.source = self.source.clone();
        metadata.trace = self.trace.clone();
        metadata.headers = self.headers.clone();
        metadata
    }
}
