//! The event store of `cqrs-core` on PostgreSQL.
//!
//! ```no_run
//! use cqrs_core::store::EventStore;
//! use cqrs_postgres::PostgresStore;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = PostgresStore::open("postgres://bank@db.example/bank").await?;
//! assert!(store.info().await?.durable);
//! # Ok(())
//! # }
//! ```
//!
//! **Durability.** A commit is acknowledged once the server has acknowledged
//! it. `fsync`, `full_page_writes` and `synchronous_commit` are looked at when
//! the store is opened, and a server that could lose what it acknowledged is
//! refused. What writes sets `synchronous_commit` to `on` for itself unless it
//! is `remote_apply`, whatever role or database are set to: `local` and
//! `remote_write` are the same as `on` without synchronous standbys, and promise
//! less with them.
//!
//! **One round trip.** What the callers of a process have handed over meanwhile
//! is committed as one transaction by one statement: a function that takes the
//! log's lock, looks whether everything is as the writer believes, writes, and
//! answers. When something else is true, nothing is written, and the group is
//! decided anew. No transaction ever waits for a client.
//!
//! **Order.** Positions are given under that lock, which is held until the
//! commit is visible: they are contiguous, and appear in increasing order to
//! every reader, whatever other transactions are open.
//!
//! **A broken connection.** A group whose connection broke is looked for under
//! its operations on a new one, so that its callers learn what became of it.
//! Only when the server stays away is the outcome unknown.
//!
//! **Encryption.** With the feature `tls`, a URL says by `sslmode` how
//! connections over a network are encrypted, by rustls:
//!
//! | `sslmode` | |
//! |---|---|
//! | `disable` | not |
//! | `prefer`, the default | if the server does; whoever answers is believed, as it would be without |
//! | `require`, `verify-full` | always, with a server whose certificate names the host of the URL and was signed by a trusted one |
//!
//! Trusted is what the system trusts, or what stands in the PEM file that
//! `sslrootcert` names. Without the feature, `prefer` does not encrypt, and what
//! asks for more is refused. Client certificates, and other libraries, go
//! through [`PostgresOptions::open_with`].
//!
//! **Which log.** A log that finds itself elsewhere, in another cluster,
//! timeline, database or table, gets another id when it is opened, so that
//! cursors into what may have been lost are refused and projections start over.
//! That is so after a restore and a failover, and as well after `pg_upgrade` and
//! a switchover that lost nothing. A store under which the log is replaced reads
//! and writes nothing more until it is opened again.
//!
//! **Poolers.** A connection pooler in session mode is no different from a
//! server; one in transaction mode is refused when the store is opened.
//!
//! **Servers.** Tested with PostgreSQL 14 to 18; newer ones get a
//! warning in the log, older ones are refused.

#![deny(missing_docs)]

mod address;
mod error;
mod fault;
#[cfg(feature = "metrics")]
mod figures;
mod identity;
mod leases;
mod lock;
mod migrations;
mod migrator;
mod names;
mod options;
mod pool;
mod reader;
mod server;
mod session;
mod sql;
mod store;
#[cfg(feature = "tls")]
mod tls;
mod wake;
mod writer;

pub use error::OpenError;
pub use lock::StreamLock;
pub use migrations::{MIGRATIONS, Migration, script};
pub use migrator::Migrator;
pub use options::PostgresOptions;
pub use pool::PoolStatus;
pub use store::PostgresStore;
pub use tokio_postgres;
