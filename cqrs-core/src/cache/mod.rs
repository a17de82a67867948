//! Answers of queries, kept for a while.
//!
//! An answer is found by everything that could make it another one: the name
//! and version of the query, the tenant, who asks, and every field
//! ([`CacheKey`]). The bytes themselves are compared and never only a hash, so
//! that nobody is answered with another's row.
//!
//! An answer that is found is given only while three things hold: its time to
//! live has not passed, nothing that it was made from was invalidated since
//! its query *began* ([`Tag`]), and it reflects what the caller has to see
//! ([`Stamp`]). The first two are looked at when it is found, not when it is
//! thrown away. So an invalidation costs one step however many answers it
//! voids, and cannot miss one whose query is still under way.
//!
//! Many callers of one missing answer run its query once. When that run fails,
//! panics or is dropped, one of those who wait runs it instead. Errors are
//! never kept.
//!
//! [`QueryCache`] is the cache of one process. [`TieredCache`] puts one outside
//! of it behind that, which several processes share through a
//! [`CacheBackend`]; whatever happens to that one, queries are answered.
//!
//! Rejected: an index from tags to keys. It would have to follow every
//! eviction, and an answer that is stored a moment after an invalidation would
//! not be in it. The price of the choice: a voided answer keeps its place until
//! it is looked for, is evicted, or [`QueryCache::sweep`] is called.

mod key;
mod options;
mod stamp;
mod tag;

mod entry;
mod flight;
mod local;
mod shelf;
mod statistics;

mod invalidation;

mod backend;
mod outage;
mod record;
mod tiered;

pub use backend::{CacheBackend, CacheError};
pub use invalidation::{Evict, Invalidations};
pub use key::{Audience, CacheKey, KeyParts, KeyRef};
pub use local::QueryCache;
pub use options::{CacheOptions, Capacity, Eviction, Terms, TieredOptions};
pub use stamp::Stamp;
pub use statistics::CacheStatistics;
pub use tag::Tag;
pub use tiered::TieredCache;
