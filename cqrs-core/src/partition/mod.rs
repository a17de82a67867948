//! Tenants over several databases: each lives in one partition, for good.
//!
//! A *partition* is a log of its own, in a store of its own, with an application
//! of its own: another database, another server, another kind of store. The key
//! is the tenant. A *directory* keeps which tenant lives where, as events in any
//! store, so that all processes agree and a partition may be added at any time:
//! those that are there stay, and new ones go there as well.
//!
//! ```
//! use cqrs_core::partition::Partitions;
//! use cqrs_core::prelude::*;
//!
//! # cqrs_core::module!();
//! #[derive(Command)]
//! struct Greet { name: String }
//!
//! #[command_handler]
//! async fn greet(command: &Greet, ctx: &Context) -> Result<String, BusError> {
//!     Ok(format!("{} of {}", command.name, ctx.tenant()))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (eu, us) = (MemoryStore::new(), MemoryStore::new());
//! let partitions = Partitions::builder(eu.clone())
//!     .partition("eu", eu)
//!     .partition("us", us)
//!     .place_by(|tenant| if tenant.as_str().ends_with(".fr") { "eu" } else { "us" }.to_owned())
//!     .build(|store| App::new(modules![crate], store))
//!     .await?;
//!
//! partitions.add_tenant("bank.fr").await?;
//! let bank = partitions.tenant("bank.fr").await?;
//! assert_eq!(bank.partition().as_str(), "eu");
//! assert_eq!(bank.execute(Greet { name: "Ada".into() }).await?.value, "Ada of bank.fr");
//! # Ok(())
//! # }
//! ```
//!
//! **What holds.** Every promise of a log holds in each partition: order, atomic
//! units, idempotent operations, cursors and read models. Nothing holds over two
//! of them: no unit writes to both, positions of one mean nothing in the other,
//! and a projection sees the tenants of its own. What must cross goes as
//! [integration events](crate::event::IntegrationEvent).
//!
//! **What is refused.** A call that reaches the wrong partition reads what is
//! there, which is nothing of that tenant, and writes nothing: its store refuses
//! the unit. [`Tenant`] makes calls that reach the right one. The default tenant
//! is a tenant like all others, so that a call which forgets to name one cannot
//! scatter its events. A log that is given to another partition than before, or
//! an empty one in the place of a partition that was there, is refused when the
//! partitions are built. Restored from a backup, a log is the partition that it
//! was.
//!
//! **What it costs.** The directory is read once when the partitions are built, and
//! once for each tenant that another process adds later; a process remembers
//! every tenant. A unit of work costs a look into a table. The directory need
//! not be there for tenants that were met; a unit of one that was not is refused
//! as `store_unavailable`, at once, and may be tried again.
//!
//! **A directory has an id**, which every log of its partitions holds: another
//! directory, such as an empty one, refuses them. One that is restored from a
//! backup has forgotten the tenants that were added since; restore it to its end.
//!
//! Tenants do not move from one partition to another.

mod directory;
mod error;
mod partitions;
mod store;
mod tenant;

pub use error::PartitionError;
pub use partitions::{Partitions, PartitionsBuilder};
pub use store::PartitionStore;
pub use tenant::Tenant;

pub use crate::store::PartitionName;
