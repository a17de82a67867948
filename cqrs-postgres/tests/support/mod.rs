//! A connection beside the store's, and units to write.
#![allow(dead_code, clippy::disallowed_methods, reason = "each test uses a part of it")]

use cqrs_core::OperationId;
use cqrs_core::message::{Encoding, EventId, SchemaVersion, Timestamp};
use cqrs_core::store::{ExpectedVersion, NewEvent, Operation, StreamId, UnitOfWork};
use cqrs_postgres::{OpenError, PostgresOptions, PostgresStore};
use cqrs_testkit::postgres;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// The options of a log of its own on the shared server.
pub fn fresh() -> (PostgresOptions, String) {
    let schema = postgres::schema();
    (PostgresStore::options(postgres::url()).schema(&schema), schema)
}

/// A log of its own on the shared server, and its schema.
pub async fn store() -> (PostgresStore, String) {
    let (options, schema) = fresh();
    (options.open().await.expect("the log opens"), schema)
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("it lets us in");
    tokio::spawn(connection);
    client
}

/// Runs statements as the owner, `@` standing for the schema.
pub async fn run(schema: &str, statements: &str) {
    let client = connect(&postgres::url()).await;
    client.batch_execute(&statements.replace('@', schema)).await.expect("it may");
}

/// Holds a lock on a table of the log.
pub async fn hold(schema: &str, table: &str) -> Client {
    let client = connect(&postgres::url()).await;
    let lock = format!("BEGIN; LOCK TABLE {schema}.{table} IN ACCESS EXCLUSIVE MODE");
    client.batch_execute(&lock).await.expect("it may");
    client
}

/// Waits until a question has the answer `true`.
pub async fn until(client: &Client, question: &str) {
    for _ in 0..2_000 {
        if client.query_one(question, &[]).await.expect("it answers").get(0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never becomes true: {question}");
}

/// What does not end within this long never would.
pub async fn ends<T>(what: impl Future<Output = T>) -> T {
    let within = tokio::time::timeout(std::time::Duration::from_secs(30), what);
    within.await.expect("it ends")
}

pub async fn refused(options: PostgresOptions) -> OpenError {
    options.open().await.expect_err("the store does not open")
}

pub fn unit(number: u64) -> UnitOfWork {
    appending("account", number, 1)
}

pub fn with_payload(number: u64, payload: &'static [u8]) -> UnitOfWork {
    let stream = StreamId::new("account", "1").expect("it is a name");
    let id = EventId::from_uuid(Uuid::from_u64_pair(number + 1, 0));
    let (version, json) = (SchemaVersion::FIRST, Encoding::JSON);
    let event = NewEvent::new(id, "account.noted", version, json, payload, Timestamp::EPOCH);
    let id = OperationId::from_uuid(Uuid::from_u64_pair(0x7000, number));
    let work = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH);
    work.append(stream, ExpectedVersion::Any, vec![event])
}

pub fn appending(category: &'static str, number: u64, events: u64) -> UnitOfWork {
    let stream = StreamId::new(category, (number % 10).to_string()).expect("it is a name");
    let id = OperationId::from_uuid(Uuid::from_u64_pair(0x7000, number));
    let work = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH);
    work.append(stream, ExpectedVersion::Any, self::events(number, events))
}

/// Events that the number tells apart.
pub fn events(number: u64, count: u64) -> Vec<NewEvent> {
    let event = |part| {
        let id = EventId::from_uuid(Uuid::from_u64_pair(number + 1, part));
        let (version, json) = (SchemaVersion::FIRST, Encoding::JSON);
        NewEvent::new(id, "account.noted", version, json, &b"{}"[..], Timestamp::EPOCH)
    };
    (0..count).map(event).collect()
}
