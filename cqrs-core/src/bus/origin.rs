//! What a caller says about a message.

use std::sync::Arc;
use std::time::Duration;

use super::{CancelToken, Extensions};
use crate::message::{
    ActorId, CausationId, CorrelationId, Headers, MessageId, Metadata, OperationId, TenantId,
    Timestamp, TraceContext,
};
use crate::policy::Principal;
use crate::store::CommitToken;

/// Everything about a call but the message itself. What is not said is made
/// up when it is needed: a new id, a new correlation, the default tenant.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Origin(Option<Box<Parts>>);

/// What a caller has said. Most say nothing, and then there is no such thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) message_id: Option<MessageId>,
    pub(crate) correlation_id: Option<CorrelationId>,
    pub(crate) causation_id: Option<CausationId>,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) actor: Option<ActorId>,
    pub(crate) source: Option<Arc<str>>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) headers: Headers,
    pub(crate) operation: Option<OperationId>,
    /// The operation by a key of the caller's own.
    pub(crate) key: Option<String>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel: Option<CancelToken>,
    pub(crate) extensions: Option<Arc<Extensions>>,
    pub(crate) principal: Option<Principal>,
    /// The handlers whose turn this message runs in.
    pub(crate) turns: Vec<&'static str>,
    /// What an answer must reflect.
    pub(crate) after: Option<(CommitToken, Duration)>,
    /// How long a caller waits to see what was stored.
    pub(crate) shown_within: Option<Duration>,
    /// Messages that have led to this one, within the application.
    pub(crate) depth: u32,
}

impl Parts {
    pub(crate) fn tenant(&self) -> &TenantId {
        self.tenant.as_ref().unwrap_or(TenantId::single())
    }

    /// Who acts, as far as the caller has said.
    pub(crate) fn actor(&self) -> Option<&ActorId> {
        self.principal.as_ref().map(Principal::actor).or(self.actor.as_ref())
    }
}

impl Origin {
    /// A call about which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// A call that follows from a message: it shares the correlation, actor,
    /// tenant, trace and headers, and is caused by it.
    pub fn following(metadata: &Metadata) -> Self {
        Self(Some(Box::new(Parts {
            correlation_id: Some(metadata.correlation_id),
            causation_id: Some(metadata.id.into()),
            tenant: Some(metadata.tenant.clone()),
            actor: metadata.actor.clone(),
            source: metadata.source.clone(),
            trace: metadata.trace.clone(),
            headers: metadata.headers.clone(),
            ..Parts::default()
        })))
    }

    /// What was said, if anything was.
    pub(crate) fn said(&self) -> Option<&Parts> {
        self.0.as_deref()
    }

    /// What was said, to say more.
    pub(crate) fn say(&mut self) -> &mut Parts {
        self.0.get_or_insert_default()
    }

    /// Sets the message's own id.
    pub fn message_id(mut self, id: MessageId) -> Self {
        self.say().message_id = Some(id);
        self
    }

    /// Sets what the message belongs to.
    pub fn correlation(mut self, id: CorrelationId) -> Self {
        self.say().correlation_id = Some(id);
        self
    }

    /// Sets the direct cause.
    pub fn causation(mut self, id: CausationId) -> Self {
        self.say().causation_id = Some(id);
        self
    }

    /// Sets whose data the message touches.
    pub fn tenant(mut self, tenant: impl Into<TenantId>) -> Self {
        self.say().tenant = Some(tenant.into());
        self
    }

    /// Sets who acts.
    pub fn actor(mut self, actor: impl Into<ActorId>) -> Self {
        self.say().actor = Some(actor.into());
        self
    }

    /// Says who acts, as an edge has established it: the caller must be one
    /// that is trusted. Hooks are not asked then.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.say().principal = Some(principal);
        self
    }

    /// Sets the sending system.
    pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.say().source = Some(source.into());
        self
    }

    /// Sets the trace context.
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.say().trace = Some(trace);
        self
    }

    /// Adds a free-form entry.
    pub fn header(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.say().headers.insert(key.into(), value.into());
        self
    }

    /// Names the operation: the same id with the same command runs once, for
    /// the lifetime of the log, and later calls get the recorded outcome.
    pub fn operation(mut self, id: OperationId) -> Self {
        self.say().operation = Some(id);
        self
    }

    /// Names the operation by a key of the caller's own, such as the header
    /// `Idempotency-Key`: as [`operation`](Self::operation), with an id that
    /// follows from the tenant and the key. It is remembered as long as the log.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.say().key = Some(key.into());
        self
    }

    /// Gives up after a while.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.say().timeout = Some(limit);
        self
    }

    /// Gives up when the token is cancelled.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.say().cancel = Some(token);
        self
    }

    /// Adds a typed value that handlers can read. A message that a handler
    /// sends on carries the same values.
    pub fn extension<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        match Arc::get_mut(self.say().extensions.get_or_insert_default()) {
            Some(extensions) => extensions.insert(value),
            None => debug_assert!(false, "extensions are shared only once the call has begun"),
        }
        self
    }

    pub(crate) fn metadata(&self, id: MessageId, now: Timestamp) -> Metadata {
        let mut metadata = Metadata::new(id, now);
        let Some(said) = self.said() else { return metadata };
        if let Some(correlation_id) = said.correlation_id {
            metadata.correlation_id = correlation_id;
        }
        metadata.causation_id = said.causation_id;
        metadata.tenant = said.tenant().clone();
        metadata.actor = said.actor().cloned();
        metadata.source = said.source.clone();
        metadata.trace = said.trace.clone();
        metadata.headers = said.headers.clone();
        metadata
    }
}
