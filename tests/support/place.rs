//! A store by the words of a command line.

use cqrs_core::store::Store;

/// Opens `sqlite:PATH`, or PostgreSQL by its URL.
///
/// # Panics
///
/// When it cannot be opened.
pub async fn open(place: &str) -> Store {
    match place.strip_prefix("sqlite:") {
        Some(path) => {
            Store::new(cqrs_sqlite::SqliteStore::open(path).await.expect("the file opens"))
        }
        None => Store::new(
            cqrs_postgres::PostgresStore::open(place).await.expect("the server lets it in"),
        ),
    }
}
