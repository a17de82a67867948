//! A dump of each migration: loaded, everything in it is what it was, and it
//! takes more.

use cqrs_core::store::Store;
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres::Server;

use crate::{is_written, kept, log};

async fn open(server: &Server) -> Store {
    Store::new(PostgresStore::open(server.url()).await.unwrap())
}

async fn is_read_and_takes_more(migration: u32) {
    let name = format!("postgres-{migration}");
    let path = kept(&format!("{name}.sql"));
    if is_written(&path) {
        let server = Server::start();
        log::fill(open(&server).await).await;
        // As that migration leaves it: what came later is taken back.
        let migrator = cqrs_postgres::Migrator::connect(&server.url(), "cqrs").await.unwrap();
        migrator.down(migration, false).await.unwrap();
        std::fs::write(&path, server.dump()).unwrap();
    }
    let server = Server::start();
    server.load(&std::fs::read(&path).unwrap());
    let found = cqrs_postgres::Migrator::connect(&server.url(), "cqrs").await.unwrap();
    assert_eq!(found.current().await.unwrap(), migration);
    let store = open(&server).await;
    insta::assert_json_snapshot!(name, log::contents(&store).await);
    log::takes_more(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_migration_1_is_read_as_it_was_and_takes_more() {
    is_read_and_takes_more(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_migration_2_is_read_as_it_was_and_takes_more() {
    is_read_and_takes_more(2).await;
}
