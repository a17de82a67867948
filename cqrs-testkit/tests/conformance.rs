//! The store in memory passes the suite.

use cqrs_core::store::memory::MemoryStore;

cqrs_testkit::store_conformance!(|| async { MemoryStore::new() });
