//! What keeps a store from opening has a type and a message that helps.

#![allow(clippy::disallowed_methods, reason = "the callers of these tests are tasks")]

mod support;

use cqrs_core::store::EventStore;
use cqrs_postgres::{OpenError, PostgresStore, script};
use cqrs_testkit::postgres::{self, Server};
use support::{connect, ends, fresh, refused, run, store, unit, until};

#[tokio::test]
async fn a_connection_string_that_is_none_is_refused_and_not_shown() {
    for url in ["", "bank.db", "postgres:/x", "postgres://u:secret@host:port/db", "mysql://h/db"] {
        let error = refused(PostgresStore::options(url)).await;
        assert!(matches!(error, OpenError::Url { .. }), "{url}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_schema_that_would_need_quotes_is_refused() {
    for name in ["", "1a", "Bank", "a-b", "a\"b", "pg_x", "a b", "a;drop", &"x".repeat(49)] {
        let options = PostgresStore::options(postgres::url()).schema(name);
        let error = refused(options).await;
        assert!(matches!(error, OpenError::SchemaName { .. }), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let error = refused(PostgresStore::options("postgres://u:secret@127.0.0.1:1/bank")).await;
    let OpenError::Unavailable { reason } = &error else { panic!("{error:?}") };
    assert!(reason.contains("postgres 127.0.0.1:1/bank"), "{reason}");
    assert!(reason.contains("check that the server runs"), "{reason}");
    assert!(!reason.contains("secret"), "{reason}");
}

#[tokio::test]
async fn a_missing_database_is_said() {
    let url = postgres::url();
    let url = url.strip_suffix("/postgres").expect("a server has a database of this name");
    let url = format!("{url}/missing");
    let error = refused(PostgresStore::options(url)).await;
    assert!(error.to_string().contains("create the database"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_said() {
    let folder = tempfile::tempdir().expect("there is room");
    let rules = folder.path().join("pg_hba.conf");
    std::fs::write(&rules, "local all postgres trust\nlocal all all scram-sha-256\n")
        .expect("there is room");
    let open = |path, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    open(folder.path(), 0o755);
    open(&rules, 0o644);
    let server = Server::with(&[&format!("hba_file={}", rules.display())]);
    let owner = connect(&server.url()).await;
    owner.batch_execute("CREATE ROLE clerk LOGIN PASSWORD 'right'").await.expect("it may");
    let url = server.url().replace("postgres@", "clerk:wrong@");
    let error = refused(PostgresStore::options(url)).await;
    assert!(error.to_string().contains("check user and password"), "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");
}

#[tokio::test]
async fn settings_that_take_durability_away_are_refused() {
    for setting in ["fsync=off", "full_page_writes=off", "synchronous_commit=off"] {
        let server = Server::with(&[setting]);
        let error = refused(PostgresStore::options(server.url())).await;
        let (name, value) = setting.split_once('=').expect("a setting has a value");
        let OpenError::Setting { setting, value: found, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*setting, found.as_str()), (name, value));
    }
    let server = Server::with(&["default_transaction_read_only=on"]);
    let error = refused(PostgresStore::options(server.url())).await;
    assert!(matches!(error, OpenError::Setting { .. }), "{error:?}");
}

#[tokio::test]
async fn without_migrations_and_leave_to_run_them_the_missing_one_is_named() {
    let (options, _) = fresh();
    let error = refused(options.migrate(false)).await;
    assert!(matches!(error, OpenError::NotMigrated { missing: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("migrate(true)"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let (_, schema) = store().await;
    run(&schema, "INSERT INTO @.migrations (number, name, shape) VALUES (99, 'new', '')").await;
    let error = refused(PostgresStore::options(postgres::url()).schema(&schema)).await;
    assert!(matches!(error, OpenError::NewerSchema { found: 99, .. }), "{error:?}");
}

#[tokio::test]
async fn what_somebody_has_altered_is_refused() {
    for change in [
        "ALTER TABLE @.events ALTER COLUMN payload DROP NOT NULL",
        "ALTER TABLE @.events ADD COLUMN more text",
        "DROP INDEX @.events_stream",
        "ALTER TABLE @.tags DROP CONSTRAINT tags_pkey",
        "DROP FUNCTION @.first_at",
        "CREATE OR REPLACE FUNCTION @.first_at(low bigint, high bigint, at bigint) RETURNS bigint
         LANGUAGE sql AS 'SELECT 1::bigint'",
    ] {
        let (_, schema) = store().await;
        run(&schema, change).await;
        let error = refused(PostgresStore::options(postgres::url()).schema(&schema)).await;
        assert!(matches!(error, OpenError::Altered { .. }), "{change}: {error:?}");
    }
}

#[tokio::test]
async fn tables_indexes_and_generated_columns_of_ones_own_are_welcome() {
    let (_, schema) = store().await;
    let changes = "CREATE TABLE @.mine (a int);
        CREATE INDEX mine_too ON @.events (occurred_at);
        ALTER TABLE @.events ADD COLUMN json jsonb
            GENERATED ALWAYS AS (@.as_json(payload)) STORED;
        CREATE INDEX ON @.events USING gin (json)";
    run(&schema, changes).await;
    PostgresStore::options(postgres::url()).schema(&schema).open().await.expect("it opens");
}

#[tokio::test]
async fn the_schema_of_something_else_is_refused() {
    let (options, schema) = fresh();
    run(&schema, "CREATE SCHEMA @; CREATE TABLE @.customers (name text)").await;
    let error = refused(options).await;
    let OpenError::Foreign { table, .. } = &error else { panic!("{error:?}") };
    assert_eq!(table, "customers");
}

#[tokio::test]
async fn a_log_that_is_written_in_another_way_is_refused() {
    let (_, schema) = store().await;
    run(&schema, "UPDATE @.log SET mode = 'sequenced'").await;
    let error = refused(PostgresStore::options(postgres::url()).schema(&schema)).await;
    assert!(matches!(error, OpenError::Mode { .. }), "{error:?}");
}

#[tokio::test]
async fn many_that_open_a_new_log_at_once_make_one() {
    let (options, _) = fresh();
    let open = || {
        let options = options.clone();
        tokio::spawn(async move { options.open().await.expect("it opens") })
    };
    let mut logs = Vec::new();
    for opening in (0..6).map(|_| open()).collect::<Vec<_>>() {
        let store = opening.await.expect("it does not panic");
        logs.push(store.info().await.expect("it answers").log);
    }
    assert!(logs.iter().all(|log| *log == logs[0]), "{logs:?}");
}

/// Somebody migrates by hand, step by step, while a store is opened.
#[tokio::test]
async fn what_is_seen_in_the_middle_of_a_migration_is_looked_at_again() {
    let server = Server::start();
    let hand = connect(&server.url()).await;
    let lock = 0x2f6b_8a4d_11c7_e359_i64;
    let make =
        format!("SELECT pg_advisory_lock({lock}); CREATE SCHEMA cqrs; CREATE TABLE cqrs.log ()");
    hand.batch_execute(&make).await.expect("it may");
    let opening = tokio::spawn(PostgresStore::open(server.url()));
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)";
    ends(async {
        tokio::select! {
            () = until(&hand, waits) => {}
            () = async { while !opening.is_finished() { tokio::task::yield_now().await } } => {}
        }
    })
    .await;
    let make = format!("DROP TABLE cqrs.log; {}", script("cqrs").expect("it is a name"));
    hand.batch_execute(&make).await.expect("it may");
    let unlock = format!("SELECT pg_advisory_unlock({lock})");
    hand.batch_execute(&unlock).await.expect("it may");
    ends(opening).await.expect("it does not panic").expect("it opens");
}

#[tokio::test]
async fn a_copy_of_the_database_holds_another_log() {
    let url = postgres::fresh_database();
    let (server, database) = url.rsplit_once('/').expect("a URL names a database");
    let store = PostgresStore::open(&url).await.expect("it opens");
    store.commit(unit(1)).await.expect("it commits");
    let log = store.info().await.expect("it answers").log;
    drop(store);
    let owner = connect(&postgres::url()).await;
    let left = format!(
        "SELECT count(pg_terminate_backend(pid)) = 0 FROM pg_stat_activity \
         WHERE datname = '{database}'"
    );
    until(&owner, &left).await;
    let copy = format!("CREATE DATABASE {database}_copy TEMPLATE {database}");
    owner.batch_execute(&copy).await.expect("it may");
    let copy = PostgresStore::open(format!("{server}/{database}_copy")).await.expect("it opens");
    let info = copy.info().await.expect("it answers");
    assert_eq!(info.head.get(), 1);
    assert_ne!(info.log, log);
    let again = PostgresStore::open(&url).await.expect("it opens");
    assert_eq!(again.info().await.expect("it answers").log, log, "it is where it was");
}

#[tokio::test]
async fn a_role_without_a_right_is_told_which_to_grant() {
    let (_, schema) = store().await;
    let role = format!("clerk_{schema}");
    run(&schema, &format!("CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA @ TO {role}")).await;
    let url = postgres::url().replace("postgres@", &format!("{role}@"));
    let options = PostgresStore::options(url).schema(&schema).migrate(false);
    let error = refused(options.clone()).await;
    assert!(error.to_string().contains("grant the role SELECT, INSERT"), "{error}");

    // With these, and none to change tables, everything works.
    let grant = format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA @ TO {role};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA @ TO {role}"
    );
    run(&schema, &grant).await;
    let store = options.open().await.expect("it opens");
    store.commit(unit(1)).await.expect("it commits");
    store.claim_checkpoint(&"one".to_owned().into()).await.expect("it is claimed");
    assert_eq!(store.info().await.expect("it answers").head.get(), 1);
}
