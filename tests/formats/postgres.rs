//! A dump of each migration: loaded, everything in it is what it was, and it
//! takes more.

use cqrs_core::store::Store;
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres::Server;

use crate::{is_written, kept, log};

async fn open(server: &Server) -> Store {
    Store::new(PostgresStore::open(server.url()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_migration_1_is_read_as_it_was_and_takes_more() {
    let path = kept("postgres-1.sql");
    if is_written(&path) {
        let server = Server::start();
        log::fill(open(&server).await).await;
        std::fs::write(&path, server.dump()).unwrap();
    }
    let server = Server::start();
    server.load(&std::fs::read(&path).unwrap());
    let store = open(&server).await;
    insta::assert_json_snapshot!("postgres-1", log::contents(&store).await);
    log::takes_more(store).await;
}
