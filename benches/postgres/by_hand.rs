//! What a careful engineer writes without a framework: a table, an index for
//! the order of a stream, a statement for each event.

use tokio_postgres::{Client, NoTls, Statement};

use crate::account::DETAILS;

const TABLE: &str = "
CREATE TABLE IF NOT EXISTS by_hand (
    position bigserial PRIMARY KEY,
    stream text NOT NULL,
    version bigint NOT NULL,
    type text NOT NULL,
    payload text NOT NULL,
    metadata text NOT NULL,
    UNIQUE (stream, version)
);";

pub(crate) const INSERT: &str = "INSERT INTO by_hand (stream, version, type, payload, metadata) \
                                 VALUES ($1, $2, 'account.deposited', $3, $4)";

/// A connection with its statements.
pub(crate) struct Hand {
    pub(crate) client: Client,
    pub(crate) insert: Statement,
    pub(crate) select: Statement,
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("it answers");
    tokio::spawn(connection);
    client
}

impl Hand {
    pub(crate) async fn new(url: &str) -> Self {
        let client = connect(url).await;
        client.batch_execute("SET client_min_messages = warning").await.expect("it may");
        let _ = client.batch_execute(TABLE).await;
        let insert = client.prepare(INSERT).await.expect("the table is there");
        let select = "SELECT version, payload FROM by_hand WHERE stream = $1 ORDER BY version";
        let select = client.prepare(select).await.expect("the table is there");
        Self { client, insert, select }
    }

    pub(crate) async fn insert(&self, stream: &str, version: i64, payload: &str) -> bool {
        let details = std::str::from_utf8(DETAILS).expect("it is text");
        let inserted =
            self.client.execute(&self.insert, &[&stream, &version, &payload, &details]).await;
        inserted.is_ok()
    }
}
