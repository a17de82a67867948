//! Which log is read, and what becomes of the connections of reads.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cqrs_core::store::{Direction, EventStore, Position, ReadError, ReadRequest, StreamId};
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres;
use support::{connect, ends, fresh, run, store, unit, until, with_payload};
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};

/// What every read says.
async fn errors(store: &PostgresStore) -> Vec<ReadError> {
    let stream = StreamId::new("account", "1").expect("it is a name");
    let (table, all) = ("table".to_owned().into(), (Bound::Unbounded, Bound::Unbounded));
    let beyond = ReadRequest::all().after(1_000);
    vec![
        store.info().await.expect_err("info"),
        store.read(ReadRequest::all()).await.expect_err("events"),
        store.read(beyond).await.expect_err("an empty page"),
        store.read(ReadRequest::category("account")).await.expect_err("a category"),
        store.read(ReadRequest::stream(stream.clone())).await.expect_err("a stream"),
        store.operations(Position::NONE, 10).await.expect_err("operations"),
        store.stream_head(&stream).await.expect_err("the head of a stream"),
        store.snapshot(&stream).await.expect_err("a snapshot"),
        store.checkpoint(&"one".to_owned().into()).await.expect_err("a checkpoint"),
        store.row(&table, b"key").await.expect_err("a row"),
        store.rows(&table, all, Direction::Forward, 10).await.expect_err("rows"),
    ]
}

/// On connections that were made before.
#[tokio::test]
async fn a_log_that_was_replaced_under_the_store_is_not_read() {
    for replace in [
        "UPDATE @.log SET id = gen_random_uuid()",
        // As a restore in place does, with everything as it was.
        "ALTER TABLE @.events RENAME TO events_before;
         CREATE TABLE @.events (LIKE @.events_before INCLUDING ALL);
         INSERT INTO @.events SELECT * FROM @.events_before",
    ] {
        let (store, schema) = store().await;
        store.commit(unit(1)).await.expect("it commits");
        assert_eq!(store.read(ReadRequest::all()).await.expect("it reads").len(), 1);
        run(&schema, replace).await;
        for error in errors(&store).await {
            assert!(matches!(error, ReadError::Damaged { .. }), "{error:?}");
            assert!(error.to_string().contains("another log is there"), "{error}");
            assert!(error.to_string().contains("open the store again"), "{error}");
        }
    }
}

/// Cuts the connections of the application that is named like the schema.
async fn cut(schema: &str) {
    let watch = connect(&postgres::url()).await;
    let cut = "SELECT count(pg_terminate_backend(pid)) = 0 FROM pg_stat_activity
               WHERE application_name =";
    until(&watch, &format!("{cut} '{schema}'")).await;
}

/// As after a failover: the same log, on a server that may lack its newest part.
#[tokio::test]
async fn a_new_connection_that_leads_elsewhere_is_refused() {
    let schema = postgres::schema();
    let url = format!("{}?application_name={schema}", postgres::url());
    let store = PostgresStore::options(url).schema(&schema).open().await.expect("it opens");
    store.commit(unit(1)).await.expect("it commits");
    assert_eq!(store.info().await.expect("it answers").head.get(), 1);
    run(&schema, "UPDATE @.log SET origin = '0/1/1/' || '@.events'::regclass::oid").await;
    cut(&schema).await;
    for error in errors(&store).await {
        assert!(matches!(error, ReadError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("another log is there"), "{error}");
    }
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_is_in_nobodys_way() {
    let (options, schema) = fresh();
    let store = options.connections(1).open().await.expect("it opens");
    store.commit(unit(1)).await.expect("it commits");
    let (held, watch) = (connect(&postgres::url()).await, connect(&postgres::url()).await);
    let hold = format!("BEGIN; LOCK TABLE {schema}.events IN ACCESS EXCLUSIVE MODE");
    let waits = format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
         AND wait_event_type = 'Lock' AND query LIKE '%{schema}.%')"
    );
    held.batch_execute(&hold).await.expect("it may");
    for _ in 0..3 {
        tokio::select! {
            _ = store.read(ReadRequest::all()) => panic!("the table is locked"),
            () = until(&watch, &waits) => {}
        }
        let checkpoint = ends(store.checkpoint(&"one".to_owned().into())).await;
        assert!(checkpoint.expect("it reads").is_none());
        // Nor does it go on at the server.
        until(&watch, &waits.replacen("EXISTS", "NOT EXISTS", 1)).await;
    }
    held.batch_execute("ROLLBACK").await.expect("it may");
    assert_eq!(store.read(ReadRequest::all()).await.expect("it reads").len(), 1);
    assert_eq!(store.pool_status().open, 1);
}

#[tokio::test]
async fn pages_that_end_for_their_size_lose_nothing() {
    let (options, schema) = fresh();
    let store = options.connections(1).open().await.expect("it opens");
    static PAYLOAD: [u8; 1 << 20] = [b'x'; 1 << 20];
    for number in 0..20 {
        store.commit(with_payload(number, &PAYLOAD)).await.expect("it commits");
    }
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut next = Some(ReadRequest::all());
    while let Some(request) = next {
        let page = ends(store.read(request.clone())).await.expect("it reads");
        found.extend(page.events().map(|event| event.position().get()));
        pages += 1;
        next = request.following(&page);
    }
    assert!(found.into_iter().eq(1..=20) && pages > 1, "{pages}");
    run(&schema, "UPDATE @.log SET id = gen_random_uuid()").await;
    store.read(ReadRequest::all()).await.expect_err("it is another log");
}

/// A socket in front of the server that can fall silent.
struct Door {
    folder: tempfile::TempDir,
    is_silent: Arc<AtomicBool>,
    knocks: Arc<AtomicUsize>,
}

impl Door {
    fn before(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let host = url.split(['@', '/']).nth(3).expect("a URL names a host").replace("%2F", "/");
        let server = format!("{host}/.s.PGSQL.5432");
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432"));
        let listener = listener.expect("the folder is ours");
        let (is_silent, knocks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (silent, knocked) = (Arc::clone(&is_silent), Arc::clone(&knocks));
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut outside, _)) = listener.accept().await {
                knocked.fetch_add(1, Ordering::SeqCst);
                if silent.load(Ordering::SeqCst) {
                    kept.push(outside);
                    continue;
                }
                let server = server.clone();
                tokio::spawn(async move {
                    let mut inside =
                        UnixStream::connect(server).await.expect("the server is there");
                    let _ = copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
        Self { folder, is_silent, knocks }
    }
}

#[tokio::test]
async fn a_read_knocks_once_at_a_server_that_is_silent() {
    let schema = postgres::schema();
    let door = Door::before(&postgres::url());
    let host = door.folder.path().display().to_string().replace('/', "%2F");
    let url =
        format!("postgres://postgres@{host}/postgres?connect_timeout=1&application_name={schema}");
    let options = PostgresStore::options(url).schema(&schema).connections(8);
    let store = options.wait(Duration::from_secs(1)).open().await.expect("it opens");
    store.info().await.expect("it answers");
    door.is_silent.store(true, Ordering::SeqCst);
    cut(&schema).await;
    while store.pool_status().idle > 0 {
        let read = ends(store.info()).await;
        let ReadError::Unavailable { reason } = read.expect_err("nobody answers") else {
            panic!("it is not there")
        };
        assert!(reason.contains("let no connection in"), "{reason}");
    }
    let before = door.knocks.load(Ordering::SeqCst);
    ends(store.info()).await.expect_err("nobody answers");
    let knocks = door.knocks.load(Ordering::SeqCst) - before;
    // The listener may have knocked as well.
    assert!((1..=2).contains(&knocks), "{knocks}");
}
