//! A connection with the statements that were prepared on it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use cqrs_core::store::LogId;
use deadpool_postgres::{ClientWrapper, Object};
use futures_util::TryStreamExt;
use futures_util::future::{Either, join, select};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, RowStream, Statement, Transaction};

use crate::fault::{Fault, Outcome};
use crate::server::{Backend, Cancel, Connection};
use crate::sql::Sql;

/// How long a statement may go on whose future was dropped.
const GRACE: Duration = Duration::from_millis(50);

/// Something to run statements on. Each statement is a transaction of its own,
/// so that dropping a future in between leaves nothing open.
///
/// On a connection of the pool, each statement is followed in the same round
/// trip by the question whether the log is still the one that was opened: it
/// may have been restored in place. It is asked behind, since an id of a log
/// never comes back: if it is still there, it was there before.
pub(crate) struct Session {
    pub(crate) sql: Arc<Sql>,
    kind: Kind,
    /// Statements whose answers have not come. While a future awaits one, only
    /// its being dropped makes the session end with one.
    under_way: AtomicU32,
    /// Whether an answer was left before its end.
    is_left: AtomicBool,
}

enum Kind {
    Own(Connection),
    /// `None` only while it is dropped.
    Pooled(Option<Object>, Arc<Cancel>, LogId),
}

/// Rows of an answer, and whether it was left before its end.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    pub(crate) is_left: bool,
}

impl Session {
    pub(crate) fn own(connection: Connection, sql: Arc<Sql>) -> Self {
        Self::of(Kind::Own(connection), sql)
    }

    pub(crate) fn pooled(object: Object, sql: Arc<Sql>, cancel: Arc<Cancel>, log: LogId) -> Self {
        Self::of(Kind::Pooled(Some(object), cancel, log), sql)
    }

    fn of(kind: Kind, sql: Arc<Sql>) -> Self {
        Self { sql, kind, under_way: AtomicU32::new(0), is_left: AtomicBool::new(false) }
    }

    pub(crate) fn client(&self) -> &ClientWrapper {
        match &self.kind {
            Kind::Own(connection) => &connection.client,
            Kind::Pooled(object, ..) => {
                object.as_ref().expect("it is taken out only while the session is dropped")
            }
        }
    }

    /// The server's process behind a connection of one's own.
    pub(crate) fn backend(&self) -> Option<&Backend> {
        match &self.kind {
            Kind::Own(connection) => Some(&connection.backend),
            Kind::Pooled(..) => None,
        }
    }

    pub(crate) async fn prepared(&self, text: &str) -> Outcome<Statement> {
        self.awaiting(async { Ok(self.client().prepare_cached(text).await?) }).await
    }

    pub(crate) async fn query(
        &self,
        text: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Outcome<Vec<Row>> {
        let statement = self.prepared(text).await?;
        let check = self.check().await?;
        self.awaiting(async {
            let query = self.client().query(&statement, arguments);
            let (rows, same) = join(query, self.is_same(check.as_ref())).await;
            same.and_then(|()| Ok(rows?))
        })
        .await
    }

    /// Rows of a prepared statement until their bytes are `most`.
    pub(crate) async fn rows(
        &self,
        text: &str,
        arguments: Vec<&(dyn ToSql + Sync)>,
        most: usize,
    ) -> Outcome<Answer> {
        let statement = self.prepared(text).await?;
        self.until(async { self.client().query_raw(&statement, arguments).await }, most).await
    }

    /// Rows of a statement that is not kept, until their bytes are `most`.
    pub(crate) async fn rows_once(
        &self,
        text: &str,
        arguments: Vec<(&(dyn ToSql + Sync), Type)>,
        most: usize,
    ) -> Outcome<Answer> {
        self.until(async { self.client().query_typed_raw(text, arguments).await }, most).await
    }

    async fn until(
        &self,
        query: impl Future<Output = Result<RowStream, tokio_postgres::Error>>,
        most: usize,
    ) -> Outcome<Answer> {
        let check = self.check().await?;
        self.awaiting(async {
            let query = pin!(async { collect(query.await?, most).await });
            let same = pin!(self.is_same(check.as_ref()));
            let answer = match select(query, same).await {
                Either::Left((Ok(answer), _)) if answer.is_left => Ok(answer),
                Either::Left((answer, same)) => same.await.and(answer),
                Either::Right((same, query)) => same.and(query.await),
            };
            if answer.as_ref().is_ok_and(|answer| answer.is_left) {
                self.is_left.store(true, Ordering::Relaxed);
            }
            answer
        })
        .await
    }

    /// Whether the connection is of no more use because an answer was left
    /// before its end, and with it the one whether the log is the same.
    pub(crate) fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }

    /// Looks whether the log is the one that was opened.
    pub(crate) async fn look(&self) -> Outcome<()> {
        let check = self.check().await?;
        self.awaiting(self.is_same(check.as_ref())).await
    }

    async fn check(&self) -> Outcome<Option<Statement>> {
        match self.kind {
            Kind::Own(_) => Ok(None),
            Kind::Pooled(..) => self.prepared(&self.sql.is_same).await.map(Some),
        }
    }

    async fn is_same(&self, check: Option<&Statement>) -> Outcome<()> {
        let (Kind::Pooled(_, _, log), Some(check)) = (&self.kind, check) else { return Ok(()) };
        let row = self.client().query_one(check, &[&log.as_uuid()]).await?;
        if row.try_get(0)? { Ok(()) } else { Err(Fault::OtherLog) }
    }

    async fn awaiting<T>(&self, answer: impl Future<Output = T>) -> T {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let answer = answer.await;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        answer
    }
}

/// Something to read on that sees what its own transaction has written.
pub(crate) trait Ask: Sync {
    fn sql(&self) -> &Sql;

    fn query(
        &self,
        text: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Outcome<Vec<Row>>> + Send;
}

impl Ask for Session {
    fn sql(&self) -> &Sql {
        &self.sql
    }

    async fn query(&self, text: &str, arguments: &[&(dyn ToSql + Sync)]) -> Outcome<Vec<Row>> {
        Session::query(self, text, arguments).await
    }
}

/// A transaction of somebody else's.
pub(crate) struct Within<'t, 'c> {
    pub(crate) transaction: &'t Transaction<'c>,
    pub(crate) sql: &'t Sql,
}

impl Ask for Within<'_, '_> {
    fn sql(&self) -> &Sql {
        self.sql
    }

    async fn query(&self, text: &str, arguments: &[&(dyn ToSql + Sync)]) -> Outcome<Vec<Row>> {
        Ok(self.transaction.query(text, arguments).await?)
    }
}

/// Nobody gets a connection that still works for a future that was dropped.
impl Drop for Session {
    fn drop(&mut self) {
        let (is_left, is_at_work) = (self.is_left(), self.under_way.load(Ordering::Relaxed) > 0);
        let Kind::Pooled(object, cancel, _) = &mut self.kind else { return };
        if (is_left || is_at_work)
            && let Some(object) = object.take()
        {
            let grace = if is_left { Duration::ZERO } else { GRACE };
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn(settle(object, Arc::clone(cancel), grace))),
                Err(_) => drop(Object::take(object)),
            }
        }
    }
}

/// Gives a connection back to the pool if it comes to rest in time. Otherwise
/// its statement is cancelled and the connection closed.
async fn settle(object: Object, cancel: Arc<Cancel>, grace: Duration) {
    // An empty statement is answered behind everything that was sent before.
    let is_at_rest = async { object.batch_execute("").await.is_ok() };
    if !timeout(grace, is_at_rest).await.unwrap_or(false) {
        let client = Object::take(object);
        cancel(client.cancel_token()).await;
    }
}

async fn collect(rows: RowStream, most: usize) -> Outcome<Answer> {
    let (mut rows, mut found, mut bytes) = (pin!(rows), Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        if bytes >= most {
            return Ok(Answer { rows: found, is_left: true });
        }
        bytes += row.raw_size_bytes();
        found.push(row);
    }
    Ok(Answer { rows: found, is_left: false })
}
