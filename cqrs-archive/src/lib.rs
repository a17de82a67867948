//! Logs of `cqrs-core` as files: backup, restore, and moves between stores.
//!
//! ```
//! use cqrs_archive::{Until, export, import, verify};
//! use cqrs_core::store::memory::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cqrs_archive::ArchiveError> {
//! let (from, to) = (MemoryStore::new(), MemoryStore::new());
//! let mut archive = Vec::new();
//! let manifest = export(&from, &mut archive).await?;
//! assert_eq!(verify(&archive[..]).await?, manifest);
//! let imported = import(&archive[..], &to, Until::End).await?;
//! assert_eq!(imported.events, manifest.events);
//! # Ok(())
//! # }
//! ```
//!
//! **What is in it.** Every event with its metadata, byte for byte, and the
//! operation of every unit of work, so that a request which is repeated after a
//! restore takes effect once. Those of units without events are not: such a
//! request is decided anew when it is repeated. Neither are read models,
//! snapshots and checkpoints, which are made of the events.
//!
//! **Online and consistent.** An export reads the log up to where its head was
//! at the beginning. A log only grows, so that this is one state of it,
//! whatever is written meanwhile.
//!
//! **A restored log is another log.** It is imported into a store of its own,
//! which has an id of its own: a cursor of the old log is refused, and
//! projections start over.
//!
//! # The format, version 1
//!
//! Lines of JSON, UTF-8, each an object with one field:
//!
//! | Line | Content |
//! |---|---|
//! | `archive`, first | `format` (1), `log` (its id), `head` (the last position) |
//! | `unit` | `operation`, `events` (how many lines of `event` follow), `fingerprint` (32 hexadecimal digits), `reply` (base64, left out when empty) |
//! | `event` | `position`, `tenant` (left out when empty), `category`, `key`, `version`, `id`, `type`, `schema`, `encoding`, `occurred_at` and `recorded_at` (microseconds since 1970), `correlation` and `causation` (left out when it is the id, when there is none), `tags`, and `details` and `payload`: as text, or where that is not UTF-8 as `{"base64": ".."}` |
//! | `end`, last | `events`, `units`, and `xxh3`: the XXH3-128 of all lines before, with their line ends, as 32 hexadecimal digits |
//!
//! A reader refuses a newer format. The checksum finds damage, not forgery.

#![deny(missing_docs)]

mod error;
mod export;
mod import;
mod line;
mod read;

pub use error::ArchiveError;
pub use export::{backup, export};
pub use import::{Imported, Until, import, restore};
pub use line::Manifest;
pub use read::{verify, verify_file};
