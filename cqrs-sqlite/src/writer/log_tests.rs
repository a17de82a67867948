//! Faults of a disk or of this crate, which a transaction must survive.

use cqrs_core::Timestamp;
use cqrs_core::message::{Encoding, SchemaVersion};
use cqrs_core::runtime::SystemClock;
use cqrs_core::store::{ExpectedVersion, LogId, NewEvent, Operation, StreamId};
use rusqlite::Connection;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::super::{Job, Pending, Receipt};
use super::*;
use crate::migrations::{MIGRATIONS, Migrations};

fn log() -> Log {
    let connection = Connection::open_in_memory().expect("a database");
    let path = std::path::Path::new(":memory:");
    let id = made(&connection, path);
    Log::new(Session::new(connection, id), 0, Arc::new(SystemClock::new()))
}

fn made(connection: &Connection, path: &std::path::Path) -> LogId {
    let migrations = Migrations { connection, path };
    migrations.up(MIGRATIONS.len() as u32).expect("the tables are made");
    migrations.log().expect("a log")
}

fn pending() -> (Box<Pending>, Receipt) {
    let id = OperationId::from_uuid(Uuid::from_u128(7));
    let stream = StreamId::new("account", "1").expect("the name is valid");
    let work = UnitOfWork::new(Operation::given(id), Timestamp::EPOCH).append(
        stream,
        ExpectedVersion::Any,
        Vec::new(),
    );
    let (answer, receipt) = oneshot::channel();
    let fingerprint = work.fingerprint();
    (Box::new(Pending { work, fingerprint, weight: 1, answer }), receipt)
}

fn commit(log: &mut Log) -> Result<Commit, CommitError> {
    let (pending, mut receipt) = pending();
    let mut group = Group::default();
    assert!(group.take(Job::Commit(pending)).is_none());
    log.commit(group, "x", |_| ());
    receipt.try_recv().expect("the unit was answered")
}

#[test]
fn after_a_failed_flush_nothing_is_written_any_more() {
    let mut log = log();
    log.poisoned = true;
    let refused = commit(&mut log);
    assert!(
        matches!(&refused, Err(CommitError::Unavailable { reason, transient: false })
            if reason.contains("reopen")),
        "{refused:?}"
    );
}

/// A constraint that is checked by the commit itself stands in for a disk
/// that fails then.
#[test]
fn a_commit_that_fails_without_proof_is_in_doubt_and_the_last() {
    let mut log = log();
    log.session
        .connection
        .execute_batch(
            "PRAGMA foreign_keys = ON;
            CREATE TABLE parents (id INTEGER PRIMARY KEY);
            CREATE TABLE children (
                parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED
            );
            CREATE TRIGGER orphan AFTER INSERT ON operations
            BEGIN INSERT INTO children VALUES (1); END;",
        )
        .expect("the trap is set");
    let unknown = commit(&mut log);
    assert!(matches!(unknown, Err(CommitError::Unknown { .. })), "{unknown:?}");
    assert!(log.poisoned && log.session.connection.is_autocommit());
    let refused = commit(&mut log);
    assert!(matches!(refused, Err(CommitError::Unavailable { .. })), "{refused:?}");
}

fn append(log: &mut Log, n: u128) -> Result<Commit, CommitError> {
    let id = |n| Uuid::from_u128(n);
    let name = StreamId::new("account", "1").expect("the name is valid");
    let (version, json) = (SchemaVersion::FIRST, Encoding::JSON);
    let event = NewEvent::new(id(n).into(), "opened", version, json, "{}", Timestamp::EPOCH);
    let work = UnitOfWork::new(Operation::fresh(id(n).into()), Timestamp::EPOCH);
    let work = work.append(name, ExpectedVersion::Any, vec![event]);
    let (answer, mut receipt) = oneshot::channel();
    let fingerprint = work.fingerprint();
    let mut group = Group::default();
    let pending = Box::new(Pending { work, fingerprint, weight: 1, answer });
    assert!(group.take(Job::Commit(pending)).is_none());
    log.commit(group, "x", |_| ());
    receipt.try_recv().expect("the unit was answered")
}

/// The ids of the events in the log.
fn kept(log: &mut Log) -> Vec<u128> {
    let page = reader::read(&mut log.session, &ReadRequest::all()).expect("it can be read");
    page.events().map(|event| event.id().as_uuid().as_u128()).collect()
}

#[test]
fn a_panic_within_a_transaction_is_a_typed_error_and_loses_nothing_acknowledged() {
    let mut log = log();
    append(&mut log, 1).expect("it commits");
    log.trap = Some(|_| panic!("a trap"));
    let refused = append(&mut log, 2);
    assert!(matches!(refused, Err(CommitError::Unavailable { .. })), "{refused:?}");
    log.trap = None;
    append(&mut log, 3).expect("it commits");
    assert_eq!(kept(&mut log), [1, 3]);
}

fn failed_fsync() -> Outcome<()> {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
    Err(rusqlite::Error::SqliteFailure(code, None).into())
}

#[test]
fn after_a_failed_fsync_the_file_takes_writes_once_it_is_reopened() {
    for step in [Step::Write, Step::Commit] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.db");
        let open = || {
            let options = crate::SqliteStore::options().path(&path);
            let connection = crate::connection::writer(&options).expect("a database");
            let id = made(&connection, &path);
            Log::new(Session::new(connection, id), 0, Arc::new(SystemClock::new()))
        };
        let mut log = open();
        append(&mut log, 1).expect("it commits");
        log.trap = Some(match step {
            Step::Write => |step| if step == Step::Write { failed_fsync() } else { Ok(()) },
            Step::Commit => |step| if step == Step::Commit { failed_fsync() } else { Ok(()) },
        });
        assert!(append(&mut log, 2).is_err(), "{step:?}");
        log.trap = None;
        let refused = append(&mut log, 3);
        assert!(matches!(refused, Err(CommitError::Unavailable { .. })), "{refused:?}");
        drop(log);
        let mut log = open();
        append(&mut log, 4).expect("it commits");
        assert_eq!(kept(&mut log), [1, 4]);
    }
}

#[test]
fn a_statement_that_fails_before_the_commit_leaves_no_transaction_open() {
    let mut log = log();
    log.session.connection.execute_batch("DROP TABLE events").expect("it is dropped");
    let refused = commit(&mut log);
    assert!(matches!(refused, Err(CommitError::Unavailable { .. })), "{refused:?}");
    assert!(!log.poisoned && log.session.connection.is_autocommit());
}
