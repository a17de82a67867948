//! A lock on a stream among processes.

use std::fmt;
use std::time::Duration;

use cqrs_core::store::{ReadError, StreamId};
use tokio_postgres::error::SqlState;

use crate::fault::{Fault, Outcome};
use crate::identity;
use crate::server::{Connection, Server};

/// Holds the lock of a stream until it is dropped, or its process or the
/// connection behind it ends.
///
/// Nothing needs it to be correct: appends are decided by versions. It is for
/// work beside the log that must not be done twice at once, such as a call to
/// another system before the command that records it.
pub struct StreamLock {
    connection: Connection,
    stream: StreamId,
}

impl StreamLock {
    /// Takes the lock, `None` if somebody else holds it for as long as `wait`.
    pub(crate) async fn take(
        server: &Server,
        log: uuid::Uuid,
        stream: &StreamId,
        wait: Duration,
    ) -> Result<Option<Self>, ReadError> {
        let taken = Self::try_take(server, log, stream, wait).await;
        taken.map_err(|fault| fault.into_read_error(server.label()))
    }

    async fn try_take(
        server: &Server,
        log: uuid::Uuid,
        stream: &StreamId,
        wait: Duration,
    ) -> Outcome<Option<Self>> {
        let connection = server.connect().await?;
        // 0 would be no limit.
        let wait = wait.as_millis().clamp(1, i32::MAX as u128);
        connection.client.batch_execute(&format!("SET lock_timeout = {wait}")).await?;
        let key = identity::lock_key(identity::within(log, identity::of_stream(stream)));
        match connection.client.execute("SELECT pg_advisory_lock($1)", &[&key]).await {
            Ok(_) => Ok(Some(Self { connection, stream: stream.clone() })),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(None),
            Err(error) => Err(Fault::from(error)),
        }
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// Whether it is held still: the connection behind it may have broken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn is_held(&self) -> bool {
        self.connection.client.batch_execute("").await.is_ok()
    }
}

impl fmt::Debug for StreamLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamLock({})", self.stream)
    }
}
