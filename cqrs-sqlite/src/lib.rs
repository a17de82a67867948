//! The embedded event store of `cqrs-core`, on SQLite: one file, no server.
//!
//! ```
//! use cqrs_core::store::EventStore;
//! use cqrs_sqlite::SqliteStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("bank.db");
//! let store = SqliteStore::open(path).await?;
//! assert!(store.info().await?.durable);
//! # Ok(())
//! # }
//! ```
//!
//! **Durability.** The database runs in WAL mode with `synchronous=FULL`; both
//! are set and checked on every connection. A commit is acknowledged after its
//! flush. When a flush fails, the units in it are in doubt and the store
//! writes no more until it is reopened.
//!
//! **Threads.** One thread writes: it commits what many callers have handed
//! over as one transaction with one flush. A few threads read, each on its own
//! connection. No async thread ever waits for the disk.
//!
//! **Indexes.** An append writes the event and the head of its stream, and
//! nothing else. What finds events by stream, type, tag, category, correlation
//! or operation is derived behind the log in sorted batches; a read takes the
//! short rest from the log itself, on one snapshot.
//!
//! **Several processes** may open one file on a local disk; SQLite lets one of
//! them write at a time. [`watch`](cqrs_core::store::EventStore::watch) does
//! not rise for commits of other processes.

#![deny(missing_docs)]

mod connection;
mod error;
mod fault;
mod header;
mod migrations;
mod migrator;
mod names;
mod options;
mod reader;
mod session;
mod sql;
mod store;
mod writer;

pub use error::OpenError;
pub use migrations::{MIGRATIONS, Migration, script};
pub use migrator::Migrator;
pub use options::SqliteOptions;
pub use store::SqliteStore;
