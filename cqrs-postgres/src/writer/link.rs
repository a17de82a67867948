//! The connection that writes, and the server's processes behind those that
//! broke.
//!
//! What was sent on a connection that broke may still run: its statement may
//! wait for a lock, stand in the process's input, or in a proxy on the way. So
//! nothing is written on a new connection before every process behind an old
//! one has ended. Whether one is idle says nothing about what it is yet to
//! read; each is told to end.

use std::sync::Arc;
use std::time::Duration;

use cqrs_core::store::LogId;
use tokio::time::sleep;
use uuid::Uuid;

use crate::fault::{Fault, Outcome};
use crate::migrations::ORIGIN;
use crate::server::{BEGAN, Backend, Server};
use crate::session::Session;
use crate::sql::Sql;

/// How often, and how long after each other, a process is looked for that was
/// told to end. One that runs ends at once.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(5);

pub(super) struct Link {
    server: Server,
    sql: Arc<Sql>,
    log: LogId,
    session: Option<Session>,
    /// Processes behind connections that broke, until they have ended.
    lost: Vec<Backend>,
}

impl Link {
    pub(super) fn new(server: Server, sql: Arc<Sql>, log: LogId, session: Session) -> Self {
        Self { server, sql, log, session: Some(session), lost: Vec::new() }
    }

    pub(super) fn label(&self) -> &str {
        self.server.label()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.client().is_closed())
    }

    /// Gives the connection up. Its process is waited for before another one
    /// is used.
    pub(super) fn lose(&mut self) {
        if let Some(session) = self.session.take() {
            self.lost.extend(session.backend().cloned());
        }
    }

    /// The connection as it was found by [`open`](Self::open).
    pub(super) fn session(&self) -> Outcome<&Session> {
        self.session.as_ref().ok_or(Fault::Exhausted)
    }

    /// Makes sure of a connection behind which nothing else is at work.
    pub(super) async fn open(&mut self) -> Outcome<&Session> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.connect().await?,
        };
        let session = self.session.insert(session);
        for look in 0..LOOKS {
            if self.lost.is_empty() {
                return Ok(session);
            }
            if look > 0 {
                sleep(PAUSE).await;
            }
            self.lost = end(session, &self.lost).await?;
        }
        if self.lost.is_empty() { Ok(session) } else { Err(Fault::Unsettled) }
    }

    async fn connect(&self) -> Outcome<Session> {
        let session = Session::own(self.server.connect().await?, Arc::clone(&self.sql));
        let log = format!("SELECT id FROM @schema@.log WHERE origin = {ORIGIN}");
        let found = session.query(&self.sql.of(&log), &[]).await?;
        let found: Option<Uuid> = found.first().map(|row| row.try_get(0)).transpose()?;
        if found != Some(self.log.as_uuid()) {
            return Err(Fault::damaged(
                "another log is there than when the store was opened; open it again",
            ));
        }
        Ok(session)
    }
}

/// Tells processes of the server to end, and gives those that are still there.
/// A pooler may have handed out the very process that was lost, which is at
/// rest then.
async fn end(session: &Session, lost: &[Backend]) -> Outcome<Vec<Backend>> {
    let text = format!(
        "SELECT l.process, l.began, pg_terminate_backend(a.pid) \
         FROM unnest($1::integer[], $2::bigint[]) l(process, began) \
         JOIN pg_stat_activity a ON a.pid = l.process AND {BEGAN} = l.began \
         WHERE a.pid <> pg_backend_pid()"
    );
    let (processes, began): (Vec<i32>, Vec<i64>) =
        lost.iter().map(|one| (one.process, one.began)).unzip();
    let rows = session.query(&text, &[&processes, &began]).await?;
    let backend = |row: &tokio_postgres::Row| {
        Ok(Backend { process: row.try_get(0)?, began: row.try_get(1)? })
    };
    rows.iter().map(backend).collect()
}
