//! Who did what to which stream, allowed and denied.

use std::sync::Arc;

use crate::error::Code;
use crate::message::{ActorId, CorrelationId, MessageId, TenantId, Timestamp};
use crate::runtime::BoxFuture;
use crate::store::{StreamId, StreamVersion};

/// One line of an audit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// When the call was made.
    pub time: Timestamp,
    /// The call's own id.
    pub message_id: MessageId,
    /// What it belongs to.
    pub correlation_id: CorrelationId,
    /// Who called, `None` if nobody is known.
    pub actor: Option<ActorId>,
    /// For whom.
    pub tenant: TenantId,
    /// The wire name of the message.
    pub message: &'static str,
    /// What has become of it.
    pub verdict: Verdict,
    /// The streams that were written, with their new versions.
    #[serde(serialize_with = "streams")]
    pub streams: Vec<(StreamId, StreamVersion)>,
}

/// What has become of a call.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
#[non_exhaustive]
pub enum Verdict {
    /// It is let through, and about to run: written first where the audit is
    /// closed on failure.
    Admitted,
    /// It was done.
    Done,
    /// The caller was not allowed to, or is not known.
    Denied {
        /// The code of the error.
        code: &'static str,
    },
    /// It was not done.
    Failed {
        /// The code of the error.
        code: &'static str,
    },
}

impl Verdict {
    pub(crate) fn of(code: Code) -> Self {
        let denied = [Code::UNAUTHENTICATED, Code::FORBIDDEN].contains(&code);
        let code = code.as_str();
        if denied { Self::Denied { code } } else { Self::Failed { code } }
    }
}

/// Names and versions, as JSON holds them.
fn streams<S: serde::Serializer>(
    streams: &[(StreamId, StreamVersion)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer
        .collect_map(streams.iter().map(|(stream, version)| (stream.to_string(), version.get())))
}

/// Takes down what was done. Provide one by
/// [`AppBuilder::audit`](crate::app::AppBuilder::audit).
pub trait AuditSink: Send + Sync + 'static {
    /// Writes a record where it is safe.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being written. Where the audit is closed on
    /// failure, the call is then refused before its handler runs.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the caller goes away.
    fn record(
        &self,
        record: AuditRecord,
    ) -> impl Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send;
}

/// An audit behind a pointer, and whether calls go on without it.
#[derive(Clone)]
pub(crate) struct Audit {
    pub(crate) sink: Arc<dyn ErasedSink>,
    pub(crate) fail_closed: bool,
}

pub(crate) trait ErasedSink: Send + Sync {
    fn record(
        &self,
        record: AuditRecord,
    ) -> BoxFuture<'_, Result<(), Box<dyn std::error::Error + Send + Sync>>>;
}

impl<T: AuditSink> ErasedSink for T {
    fn record(
        &self,
        record: AuditRecord,
    ) -> BoxFuture<'_, Result<(), Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(AuditSink::record(self, record))
    }
}
