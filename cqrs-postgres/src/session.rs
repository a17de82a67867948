//! A connection with the statements that were prepared on it.

use std::sync::Arc;

use deadpool_postgres::{ClientWrapper, Object};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement, Transaction};

use crate::fault::Outcome;
use crate::server::{Backend, Connection};
use crate::sql::Sql;

/// Something to run statements on. Each statement is a transaction of its own,
/// so that dropping a future in between leaves nothing open.
pub(crate) struct Session {
    pub(crate) sql: Arc<Sql>,
    kind: Kind,
}

enum Kind {
    Own(Connection),
    Pooled(Object),
}

impl Session {
    pub(crate) fn own(connection: Connection, sql: Arc<Sql>) -> Self {
        Self { sql, kind: Kind::Own(connection) }
    }

    pub(crate) fn pooled(object: Object, sql: Arc<Sql>) -> Self {
        Self { sql, kind: Kind::Pooled(object) }
    }

    pub(crate) fn client(&self) -> &ClientWrapper {
        match &self.kind {
            Kind::Own(connection) => &connection.client,
            Kind::Pooled(object) => object,
        }
    }

    /// The server's process behind a connection of one's own.
    pub(crate) fn backend(&self) -> Option<&Backend> {
        match &self.kind {
            Kind::Own(connection) => Some(&connection.backend),
            Kind::Pooled(_) => None,
        }
    }

    pub(crate) async fn prepared(&self, text: &str) -> Outcome<Statement> {
        Ok(self.client().prepare_cached(text).await?)
    }

    pub(crate) async fn query(
        &self,
        text: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Outcome<Vec<Row>> {
        let statement = self.prepared(text).await?;
        Ok(self.client().query(&statement, arguments).await?)
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
